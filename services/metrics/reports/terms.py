"""What a report is made under: the policy with its contract, the population, and the words for codes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from services.metrics.counting.categories import CountedDimension
from services.metrics.counting.kpis import Kpi, kpis
from services.metrics.population import Population
from services.metrics.reports.model import Heading, ReportKind, ReportStatus
from services.metrics.spans import Span, contract_year
from shared.policy import Contract, InvalidPolicyError, Policy


def contract_terms(policy: Policy) -> dict[str, Any]:
    """All of a policy that a date, a count, a row or a verdict of a report depends on, as JSON has it.

    Not in it: what decides about a family when it comes (need, priority, the other ages), because counts take the
    decisions as they were made; need shares, which a report names itself; words, telephone numbers, capacity, and when
    a ward opens.
    """
    own_hours = {"unopened_first_minutes", "unopened_second_minutes", "hold_review_months"}
    return {
        "policy": policy.id,
        "authority": policy.authority,
        "contract": policy.contract.model_dump(mode="json") if policy.contract else None,
        "working_time": policy.working_time.model_dump(mode="json", exclude=own_hours),
        "support_ends_months": policy.age.support_ends_months,
        "wards": {ward.code: ward.name for ward in policy.wards},
    }


@dataclass(frozen=True)
class Terms:
    """`contract` is the policy's; a policy without one has no reports."""

    policy: Policy
    contract: Contract
    population: Population | None
    dimensions: Mapping[str, CountedDimension]
    is_practice: bool = False

    def __post_init__(self) -> None:
        """Raises InvalidPolicyError for a target or a payment that names no figure: it would count for nothing."""
        known = {kpi.code for kpi in self.kpis}
        if unknown := sorted({*self.contract.targets, *self.contract.paid} - known):
            raise InvalidPolicyError(
                f"{self.policy.id}: contract.targets and contract.paid name no figure with {', '.join(unknown)}; "
                f"there are {', '.join(sorted(known))}"
            )

    @cached_property
    def kpis(self) -> tuple[Kpi, ...]:
        return kpis(self.policy)

    @cached_property
    def digest(self) -> str:
        """Of the contract terms: kept with every report, so that both sides see whether it was made under the same."""
        written = json.dumps(contract_terms(self.policy), sort_keys=True)
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    def are_those_of(self, heading: Heading) -> bool:
        """Whether a report was agreed on under these; of one from before they were kept the policy version tells."""
        if heading.terms:
            return heading.terms == self.digest
        return (heading.policy, heading.policy_version) == (self.policy.id, self.policy.version)

    def heading(
        self,
        kind: ReportKind,
        span: Span,
        *,
        status: ReportStatus = ReportStatus.PUBLISHED,
        published_at: datetime | None = None,
        available_on: date | None = None,
        waits_because: str = "",
    ) -> Heading:
        """What a report on the span says about itself, in its first version."""
        year = contract_year(span.first_day, self.contract.starts_on)
        return Heading(
            kind=kind,
            period=span.code,
            first_day=span.first_day,
            last_day=span.last_day,
            authority=self.policy.authority,
            authority_name=self.policy.authority_name,
            policy=self.policy.id,
            policy_version=self.policy.version,
            terms=self.digest,
            contract_year=year,
            is_payment_year=year is not None and year >= self.contract.payment_from_year,
            status=status,
            published_at=published_at,
            available_on=available_on,
            waits_because=waits_because,
            is_practice=self.is_practice,
        )
