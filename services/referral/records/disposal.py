"""Carrying out what is due: each family is erased as by `erase`, with its line in the ledger and in the audit trail.

A family goes in one transaction, after its verdict was found again under a lock: what was held, opened or sent
meanwhile stays. So a run can be stopped at any time, and the next one goes on with what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import erasing, tables
from services.referral.erasing import AskedFor, Erasure, NotErasedError
from services.referral.identity import Identities
from services.referral.records.due import Due, due_on
from services.referral.records.plan import RetentionPlan, StoredFamily, read_families
from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.retention import Schedule, years_before

DISPOSED: Final = "retention.disposed"
"""The action in the audit trail; its detail is the class and who asked first: `not-accepted asked-by=ada`."""
MEMBER_DISPOSED: Final = "member.disposed"
MEMBERS: Final = "members-ended"


@dataclass(frozen=True, slots=True)
class Disposer:
    """What it takes to carry a plan out; `needs_second`: a person asks, another confirms by the same command."""

    identities: Identities
    ledger: Path
    schedule: Schedule
    actor: Actor
    needs_second: bool
    now: Callable[[], datetime]


@dataclass(slots=True)
class Disposed:
    """What a run did: erased by class, asked for, members deleted, and what was refused since it was planned."""

    erased: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    members: int = 0


async def carry_out(
    engine: AsyncEngine, plan: RetentionPlan, by: Disposer, *, tell: Callable[[int], None] = lambda _: None
) -> Disposed:
    """Erase what the plan says; `tell` hears after each family how many referrals are done with."""
    done = Disposed()
    for family in plan.families:
        try:
            async with engine.begin() as tx:
                outcome = await _erase_family(tx, family, plan.on, by)
        except NotErasedError as error:
            done.refused.extend(f"{reference}: {error}" for reference in family.references)
            continue
        done.erased += outcome.erased
        done.asked += outcome.asked
        done.refused += outcome.refused
        tell(sum(done.erased.values()) + len(done.asked) + len(done.refused))
    async with engine.begin() as tx:
        done.members = await _delete_members(tx, plan.on, by)
    return done


async def _erase_family(tx: AsyncConnection, planned: StoredFamily, today: date, by: Disposer) -> Disposed:
    """Raises NotErasedError when something of it may not be erased: then nothing of it is."""
    await _lock(tx, planned)
    done = Disposed()
    left = [family for family in await read_families(tx, [planned.family_id]) if family.references]
    verdict = due_on(left[0].facts, by.schedule) if left else None
    if not left or left[0].references != planned.references or not isinstance(verdict, Due) or verdict.on > today:
        done.refused.extend(f"{reference}: it has changed since it was planned" for reference in planned.references)
        return done
    for reference in planned.references:
        await _erase_one(tx, reference, verdict, by, done)
    return done


async def _erase_one(tx: AsyncConnection, reference: str, verdict: Due, by: Disposer, done: Disposed) -> None:
    at, first = by.now(), await erasing.asked_by(tx, reference)
    try:
        row = await erasing.erase(tx, reference, actor=by.actor, at=at, needs_second=by.needs_second)
    except AskedFor:
        done.asked.append(reference)
        return
    if row is None:
        return
    detail = verdict.rule.value + (f" asked-by={first}" if first else "")
    await audit.write(tx, [Entry(by.actor, DISPOSED, at, row.id, detail)])
    entry = Erasure(str(row.id), reference, str(row.agency_id), at.isoformat(), by.actor.id)
    erasing.write_down(by.ledger, by.identities, entry)
    done.erased[verdict.rule.value] += 1


async def _lock(tx: AsyncConnection, family: StoredFamily) -> None:
    """So that nothing of the family changes, and no hold is set, until it is erased or left."""
    await tx.execute(
        sa.select(tables.referral.c.id)
        .where(tables.referral.c.family_id == family.family_id)
        .order_by(tables.referral.c.id)
        .with_for_update()
    )


_MEMBERS_DUE: Final = """
    FROM member m WHERE CAST(m.ended_at AT TIME ZONE 'Europe/London' AS date) <= :before
        AND NOT EXISTS (SELECT 1 FROM author a WHERE a.member_id = m.id)
        AND NOT EXISTS (SELECT 1 FROM draft d WHERE d.member_id = m.id)
        AND NOT EXISTS (SELECT 1 FROM member_session s WHERE s.member_id = m.id)
"""


async def members_due(engine: AsyncEngine, schedule: Schedule, *, on: date) -> int:
    """How many people of agencies are due: their access has ended, and no referral of theirs is kept."""
    async with engine.connect() as tx:
        count = await tx.scalar(sql(f"SELECT count(*) {_MEMBERS_DUE}"), {"before": _ended_by(schedule, on)})
    return int(count or 0)


async def _delete_members(tx: AsyncConnection, on: date, by: Disposer) -> int:
    gone: sa.CursorResult[Any] = await tx.execute(
        sql(f"DELETE FROM member WHERE id IN (SELECT m.id {_MEMBERS_DUE}) RETURNING id"),  # noqa: S608  a constant
        {"before": _ended_by(by.schedule, on)},
    )
    ids = list(gone.scalars())
    await audit.write(tx, [Entry(by.actor, MEMBER_DISPOSED, by.now(), detail=str(each)) for each in ids])
    return len(ids)


def _ended_by(schedule: Schedule, on: date) -> date:
    return years_before(on, schedule[MEMBERS].years or 0)
