"""What a report is made under: the policy with its contract, the population, and the words for codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from services.metrics.counting.categories import Dimension
from services.metrics.counting.kpis import Kpi, kpis
from services.metrics.population import Population
from services.metrics.reports.model import Heading, ReportKind, ReportStatus
from services.metrics.spans import Span, contract_year
from shared.policy import Contract, Policy


@dataclass(frozen=True)
class Terms:
    """`contract` is the policy's; a policy without one has no reports."""

    policy: Policy
    contract: Contract
    population: Population | None
    dimensions: Mapping[str, Dimension]
    is_practice: bool = False

    @cached_property
    def kpis(self) -> tuple[Kpi, ...]:
        return kpis(self.policy)

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
            contract_year=year,
            is_payment_year=year is not None and year >= self.contract.payment_from_year,
            status=status,
            published_at=published_at,
            available_on=available_on,
            waits_because=waits_because,
            is_practice=self.is_practice,
        )
