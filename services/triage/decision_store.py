"""Rows of decisions: kept with their audit entries, and what was decided before; many at once or one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import DecidedBy, Decision, Facts, Route
from shared.messaging.outbox import Cause


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision on its way into the database. `kept_routes` have an open item already and get no new one.

    `started_at` is the receipt, or the release of a ward; `was_decided`: an earlier decision stood already;
    `had_priority`: an earlier one had M1, which a family does not lose by telling more; `news`: routes whose open item
    is to be read again.
    """

    id: UUID
    referral_id: UUID
    reference: str
    agency_id: UUID
    version: int
    received_at: datetime
    started_at: datetime
    facts: Facts
    decision: Decision
    decided_by: DecidedBy
    actor: Actor
    at: datetime
    cause: Cause
    is_first: bool = False
    was_decided: bool = False
    had_priority: bool = False
    is_release: bool = False
    is_proposal: bool = False
    kept_routes: frozenset[Route] = field(default_factory=frozenset)
    news: frozenset[Route] = field(default_factory=frozenset)
    settled: frozenset[Route] = field(default_factory=frozenset)
    """Routes whose work a person has ended: another referral that came or went does not open it again."""


_DECISIONS: Final = sql("""
    INSERT INTO decision (id, referral_id, version, decided_by, actor_id, decided_at, facts, decision, is_proposal)
    SELECT id, referral_id, version, decided_by, actor_id, decided_at, CAST(facts AS jsonb), CAST(decision AS jsonb),
           is_proposal
    FROM unnest(CAST(:id AS uuid[]), CAST(:referral AS uuid[]), CAST(:version AS integer[]), CAST(:by AS text[]),
                CAST(:actor AS text[]), CAST(:at AS timestamptz[]), CAST(:facts AS text[]), CAST(:decision AS text[]),
                CAST(:proposals AS boolean[]))
        AS t(id, referral_id, version, decided_by, actor_id, decided_at, facts, decision, is_proposal)
""")


async def keep(tx: AsyncConnection, decided: Sequence[Decided]) -> None:
    await tx.execute(
        _DECISIONS,
        {
            "id": [each.id for each in decided],
            "referral": [each.referral_id for each in decided],
            "version": [each.version for each in decided],
            "by": [each.decided_by.value for each in decided],
            "actor": [each.actor.id for each in decided],
            "at": [each.at for each in decided],
            "facts": [each.facts.model_dump_json() for each in decided],
            "decision": [each.decision.model_dump_json() for each in decided],
            "proposals": [each.is_proposal for each in decided],
        },
    )
    await audit.write(
        tx,
        [Entry(each.actor, _action(each), each.at, each.referral_id, each.decision.mode.value) for each in decided],
    )


def _action(made: Decided) -> str:
    return "referral.proposed" if made.is_proposal else "referral.decided"


async def decision_in_force(tx: AsyncConnection, referral_id: UUID) -> sa.Row[Any] | None:
    """The latest that is no proposal."""
    found = await tx.execute(
        sql("""
            SELECT * FROM decision WHERE referral_id = :id AND NOT is_proposal ORDER BY decided_at DESC, id DESC LIMIT 1
        """),
        {"id": referral_id},
    )
    return found.one_or_none()


async def decided_before(tx: AsyncConnection, referral_id: UUID) -> tuple[bool, bool]:
    """Whether a decision has stood (the rules routed it, or a person decided), and whether one gave priority (M1)."""
    found = await tx.execute(
        sql("""
            SELECT coalesce(bool_or(decided_by = 'person' OR decision ->> 'mode' = 'auto_route'), false) AS decided,
                coalesce(bool_or(decision -> 'rules' ? 'M1'), false) AS priority
            FROM decision WHERE referral_id = :id AND NOT is_proposal
        """),
        {"id": referral_id},
    )
    row = found.one()
    return row.decided, row.priority
