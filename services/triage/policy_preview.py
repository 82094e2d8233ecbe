"""What a policy would decide: of every stored referral, compared with what was decided. Nothing is stored."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import policies as kept
from services.triage.rules import decide
from shared.database import sql
from shared.events import Decision, Facts, Tier
from shared.policy import Policy
from shared.problems import FieldError, Problem

SLICE: Final = 200
"""So many referrals are read at once."""
STRIDE: Final = 20
"""After so many decisions everything else that the service does has its turn: a few milliseconds."""
EXAMPLES: Final = 20
_ESSENCE: Final = {"eligibility", "mode", "tier", "routes", "urgency", "rules"}
"""What a change of makes a decision another one; its words and the policy it names do not."""


class Example(NamedTuple):
    reference: str
    before: Decision
    after: Decision


class Changes:
    """Counted one by one; `wards` and `tiers` of those that changed, None where there is none."""

    def __init__(self) -> None:
        self.compared = 0
        self.changed = 0
        self.gained: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.wards: Counter[str | None] = Counter()
        self.tiers: Counter[tuple[Tier | None, Tier | None]] = Counter()
        self.examples: list[Example] = []

    def compare(self, reference: str, ward: str | None, before: Decision, after: Decision) -> None:
        """Count one referral; the first that changed are kept as examples."""
        self.compared += 1
        if all(getattr(before, name) == getattr(after, name) for name in _ESSENCE):
            return
        self.changed += 1
        self.gained.update(set(after.rules) - set(before.rules))
        self.lost.update(set(before.rules) - set(after.rules))
        self.wards[ward] += 1
        self.tiers[before.tier, after.tier] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(Example(reference, before, after))

    def summary(self) -> dict[str, Any]:
        """As the API answers: rules with `+` gained, with `-` lost; the most frequent first."""
        rules = Counter({f"+{rule}": count for rule, count in self.gained.items()})
        rules.update({f"-{rule}": count for rule, count in self.lost.items()})
        return {
            "referrals": self.compared,
            "changed": self.changed,
            "by_rule": dict(rules.most_common()),
            "by_ward": {ward or "none": count for ward, count in self.wards.most_common()},
            "by_tier": {f"{old or 'none'} → {new or 'none'}": count for (old, new), count in self.tiers.most_common()},
            "examples": [
                {"reference": each.reference, "before": _essence(each.before), "after": _essence(each.after)}
                for each in self.examples
            ],
        }


def _essence(decision: Decision) -> dict[str, Any]:
    return decision.model_dump(mode="json", include=_ESSENCE)


def policy_of(policies: Mapping[str, Policy], name: str) -> Policy:
    """The policy of that id; raises Problem 422 that names those there are."""
    if name not in policies:
        known = ", ".join(sorted(policies))
        raise Problem("invalid", errors=[FieldError("/policy", "unknown-policy", f"This must be one of: {known}.")])
    return policies[name]


async def policy_or_draft(tx: AsyncConnection, policies: Mapping[str, Policy], name: str) -> Policy:
    """As `policy_of`, and a draft by the id that its page shows."""
    try:
        draft = await kept.draft_of(tx, UUID(name))
    except ValueError:
        draft = None
    return draft.policy if draft and draft.policy else policy_of(policies, name)


async def replay(
    tx: AsyncConnection, policy: Policy, *, since: datetime | None = None, until: datetime | None = None
) -> Changes:
    """Decide every stored family referral received in [since, until) again; None: from the first, to the last.

    Read in slices by id, so that no statement lasts; between decisions the service goes on with its work.
    """
    changes, after = Changes(), UUID(int=0)
    while rows := (await tx.execute(_DECIDED, {"after": after, "since": since, "until": until, "limit": SLICE})).all():
        for row in rows:
            facts = Facts.model_validate(row.facts)
            now = decide(facts, received_at=row.decided_as_of, policy=policy)
            changes.compare(row.reference, facts.place.ward, Decision.model_validate(row.decision), now)
            if changes.compared % STRIDE == 0:
                await asyncio.sleep(0)
        after = rows[-1].id
    return changes


_DECIDED: Final = sql("""
    SELECT r.id, r.reference, r.decided_as_of, d.facts, d.decision
    FROM referral r CROSS JOIN LATERAL (
        SELECT * FROM decision WHERE referral_id = r.id AND decided_by = 'machine' AND NOT is_proposal
        ORDER BY version DESC, decided_at DESC, id DESC LIMIT 1
    ) d
    WHERE r.id > :after AND r.kind = 'family' AND r.erased_at IS NULL AND r.restricted_at IS NULL
      AND (CAST(:since AS timestamptz) IS NULL OR r.received_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR r.received_at < :until)
    ORDER BY r.id LIMIT :limit
""")
"""Each referral with the machine's latest decision on it; what a person decided is not the policy's."""
