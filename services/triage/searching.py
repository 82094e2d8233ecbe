"""Finding referrals: by reference here, by who a family is through the referral service; counted and audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.families import Match
from services.triage.looking import SEARCHED, LookReason, write_counted
from services.triage.work_items.conditions import IS_OPEN
from shared.access import Staff
from shared.audit import Actor, Entry
from shared.database import sql


@dataclass(frozen=True, slots=True)
class Found:
    """A referral that was looked for, as triage knows it; `kind` is None until triage has heard of it."""

    reference: str
    received_at: datetime
    kind: str | None = None
    is_withdrawn: bool = False
    items: Sequence[Mapping[str, Any]] = ()


async def is_known(tx: AsyncConnection, reference: str) -> bool:
    """Whether there is such a referral here; an erased one is not found."""
    found = await tx.scalar(
        sql("SELECT 1 FROM referral WHERE reference = :reference AND erased_at IS NULL"), {"reference": reference}
    )
    return found is not None


async def record_search(tx: AsyncConnection, staff: Staff, *, reason: LookReason, at: datetime) -> None:
    """Before the search itself: who looks for somebody, and why; never for whom.

    Raises Problem 429, and nothing is written, past the hour's limit of looks and searches.
    """
    await write_counted(tx, Entry(Actor("staff", staff.id), SEARCHED, at, detail=reason.value))


async def standing_of(tx: AsyncConnection, matches: Sequence[Match]) -> list[Found]:
    """Where each stands now, in the order given: its open work items, the earliest due first."""
    rows = await tx.execute(
        sql(f"""
            SELECT r.id, r.kind, r.withdrawn_at, r.erased_at,
                coalesce(jsonb_agg(jsonb_build_object('route', w.route, 'state', w.state) ORDER BY w.due_at, w.id)
                    FILTER (WHERE w.id IS NOT NULL), '[]') AS items
            FROM referral r LEFT JOIN work_item w ON w.referral_id = r.id AND {IS_OPEN}
            WHERE r.id = ANY(CAST(:ids AS uuid[])) GROUP BY r.id
        """),  # noqa: S608  a constant
        {"ids": [match.id for match in matches]},
    )
    known: dict[UUID, Any] = {row.id: row for row in rows}
    return [
        _found(match, known.get(match.id))
        for match in matches
        if match.id not in known or known[match.id].erased_at is None
    ]


def _found(match: Match, row: Any) -> Found:
    if row is None:
        return Found(match.reference, match.received_at)
    return Found(match.reference, match.received_at, row.kind, row.withdrawn_at is not None, row.items)
