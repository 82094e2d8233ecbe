"""What a policy would decide: of facts at hand, or of every stored referral. Nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import policies as kept
from services.triage.changes import Changes
from services.triage.rules import decide
from shared.database import sql
from shared.events import Decision, Facts
from shared.policy import Policy
from shared.problems import FieldError, Problem

SLICE: Final = 200
"""So many referrals are read at once."""
STRIDE: Final = 20
"""After so many decisions everything else that the service does has its turn: a few milliseconds."""


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


def preview(facts: Facts, *, received_at: datetime, policy: Policy) -> dict[str, Any]:
    """The decision, by the same code that decides live referrals."""
    return decide(facts, received_at=received_at, policy=policy).model_dump(mode="json")


async def replay(
    tx: AsyncConnection, policy: Policy, *, since: datetime | None = None, until: datetime | None = None
) -> Changes:
    """Decide every stored family referral received in [since, until) again; None: from the first, to the last.

    Read in slices by id, so that no statement lasts; between decisions the service goes on with its work.
    """
    changes = Changes()
    after = UUID(int=0)
    while rows := await _slice(tx, after=after, since=since, until=until):
        for row in rows:
            _compare(row, changes, policy)
            if changes.compared % STRIDE == 0:
                await asyncio.sleep(0)
        after = rows[-1].id
    return changes


async def _slice(
    tx: AsyncConnection, *, after: UUID, since: datetime | None, until: datetime | None
) -> list[sa.Row[Any]]:
    """Each referral with the machine's latest decision on it; what a person decided is not the policy's."""
    found = await tx.execute(
        sql("""
            SELECT r.id, r.reference, r.decided_as_of, d.facts, d.decision
            FROM referral r CROSS JOIN LATERAL (
                SELECT * FROM decision WHERE referral_id = r.id AND decided_by = 'machine' AND NOT is_proposal
                ORDER BY version DESC, decided_at DESC, id DESC LIMIT 1
            ) d
            WHERE r.id > :after AND r.kind = 'family' AND r.erased_at IS NULL
              AND (CAST(:since AS timestamptz) IS NULL OR r.received_at >= :since)
              AND (CAST(:until AS timestamptz) IS NULL OR r.received_at < :until)
            ORDER BY r.id LIMIT :limit
        """),
        {"after": after, "since": since, "until": until, "limit": SLICE},
    )
    return list(found.all())


def _compare(row: sa.Row[Any], changes: Changes, policy: Policy) -> None:
    facts = Facts.model_validate(row.facts)
    after = decide(facts, received_at=row.decided_as_of, policy=policy)
    changes.compare(row.reference, facts.place.ward, Decision.model_validate(row.decision), after)
