"""What a policy would decide: of facts at hand, or of every stored referral. Nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.planning import counted_from
from services.triage.rules import decide
from shared.database import sql
from shared.events import Decision, Facts
from shared.policy import Policy
from shared.problems import FieldError, Problem

EXAMPLES: Final = 20


def policy_of(policies: Mapping[str, Policy], name: str) -> Policy:
    """The policy of that id; raises Problem 422 that names those there are."""
    if name not in policies:
        known = ", ".join(sorted(policies))
        raise Problem("invalid", errors=[FieldError("/policy", "unknown-policy", f"This must be one of: {known}.")])
    return policies[name]


def preview(facts: Facts, *, received_at: datetime, policy: Policy) -> dict[str, Any]:
    """The decision, by the same code that decides live referrals."""
    return decide(facts, received_at=received_at, policy=policy).model_dump(mode="json")


async def replay(tx: AsyncConnection, policy: Policy, *, since: datetime, until: datetime) -> dict[str, Any]:
    """Decide every stored family referral received in [since, until) again; counts what differs and gives examples."""
    rows = await tx.stream(
        sql("""
            SELECT DISTINCT ON (r.id) r.reference, r.received_at, d.decided_at, d.facts, d.decision
            FROM referral r JOIN decision d ON d.referral_id = r.id AND d.decided_by = 'machine'
            WHERE r.received_at >= :since AND r.received_at < :until AND r.erased_at IS NULL AND r.kind = 'family'
            ORDER BY r.id, d.version DESC
        """),
        {"since": since, "until": until},
    )
    changes = Changes()
    async for row in rows:
        facts = Facts.model_validate(row.facts)
        changes.compare(
            row.reference,
            facts,
            Decision.model_validate(row.decision),
            decide(
                facts,
                received_at=counted_from(facts.infant, received_at=row.received_at, now=row.decided_at),
                policy=policy,
            ),
        )
    return {"policy": policy.ref.model_dump(), **changes.summary()}


class Changes:
    """Counts of decisions that differ: by rule gained or lost, ward, and tier before and after."""

    def __init__(self) -> None:
        self._total = 0
        self._changed = 0
        self._rules: Counter[str] = Counter()
        self._wards: Counter[str] = Counter()
        self._tiers: Counter[str] = Counter()
        self._examples: list[dict[str, Any]] = []

    def compare(self, reference: str, facts: Facts, before: Decision, after: Decision) -> None:
        self._total += 1
        if _essence(before) == _essence(after):
            return
        self._changed += 1
        self._rules.update(f"+{rule}" for rule in set(after.rules) - set(before.rules))
        self._rules.update(f"-{rule}" for rule in set(before.rules) - set(after.rules))
        self._wards[facts.place.ward or "none"] += 1
        self._tiers[f"{before.tier or 'none'} → {after.tier or 'none'}"] += 1
        if len(self._examples) < EXAMPLES:
            self._examples.append({"reference": reference, "before": _essence(before), "after": _essence(after)})

    def summary(self) -> dict[str, Any]:
        return {
            "referrals": self._total,
            "changed": self._changed,
            "by_rule": dict(self._rules.most_common()),
            "by_ward": dict(self._wards.most_common()),
            "by_tier": dict(self._tiers.most_common()),
            "examples": self._examples,
        }


def _essence(decision: Decision) -> dict[str, Any]:
    names = {"eligibility", "mode", "tier", "routes", "urgency", "rules"}
    return decision.model_dump(mode="json", include=names)
