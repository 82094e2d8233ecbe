"""Timed work: escalates what nobody opened or finished, warns before the second birthday, offers free places, releases
referrals when a ward opens. The caller passes `now` and commits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.triage import decisions
from services.triage.work_items import places, store
from services.triage.work_items.conditions import AGES_OUT_SOON, IS_OPEN, IS_WITHOUT_TEAM, PLACE_FREE
from services.triage.work_items.deadlines import escalation_reason, next_escalation
from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.errors import is_transient
from shared.events import EscalationReason, Facts, WorkItemEscalated
from shared.messaging import outbox
from shared.messaging.outbox import Cause
from shared.metrics import LOOP_FAILURES
from shared.policy import Policy
from shared.working_time import day_in_london

log = structlog.get_logger(__name__)

CLOCK: Final = Actor("system", "clock")
BATCH: Final = 200


async def escalate(tx: AsyncConnection, *, now: datetime, policy: Policy) -> int:
    """Items that nobody opened in time, or `now` and `4h` that are not done when due. Returns how many."""
    rows = await _due(tx, "escalate_at", now)
    for row in rows:
        again_at = next_escalation(row, now=now, times=policy.working_time)
        await store.change(tx, row, escalations=row.escalations + 1, escalate_at=again_at)
    await _say(tx, [(row, escalation_reason(row)) for row in rows], now)
    return len(rows)


async def warn_of_age(tx: AsyncConnection, *, now: datetime) -> int:
    """Babies for whom little time is left and who still wait: said once. Returns how many."""
    rows = await _due(tx, "age_out_warning_on", day_in_london(now), "w.first_contact_at IS NULL")
    for row in rows:
        await store.change(tx, row, age_out_warning_on=None, marks=[*row.marks, AGES_OUT_SOON])
    await _say(tx, [(row, EscalationReason.AGES_OUT_SOON) for row in rows], now)
    return len(rows)


async def _due(tx: AsyncConnection, column: str, until: date, condition: str = "TRUE") -> Sequence[sa.Row[Any]]:
    """Open items whose time has come, with the correlation id of their referral.

    Referrals are locked too, because their events are numbered under that lock; what is locked already comes next time.
    """
    due = await tx.execute(
        sql(f"""
            SELECT w.*, r.correlation_id FROM work_item w JOIN referral r ON r.id = w.referral_id
            WHERE w.{column} <= :until AND w.{IS_OPEN} AND {condition} ORDER BY w.{column} LIMIT :limit
            FOR UPDATE OF r, w SKIP LOCKED
        """),  # noqa: S608  this module's own
        {"until": until, "limit": BATCH},
    )
    return due.all()


async def _say(
    tx: AsyncConnection, items: Sequence[tuple[sa.Row[Any], EscalationReason]], now: datetime, chain: UUID | None = None
) -> None:
    """Each item with the reason; `chain` is the correlation id of its referral, when the row does not hold it."""
    await audit.write(tx, [Entry(CLOCK, "item.escalated", now, row.referral_id, why.value) for row, why in items])
    said = [(row, why, Cause(chain or row.correlation_id)) for row, why in items]
    await outbox.append(tx, [store.about(row, WorkItemEscalated, now, cause, reason=why) for row, why, cause in said])


async def offer_places(engine: AsyncEngine, *, now: datetime) -> int:
    """Places that became free are offered to the first who wait, and the team is told. Returns how many offers.

    Each in a transaction of its own, looked at again under its lock: somebody may have been accepted meanwhile.
    """
    async with engine.connect() as tx:
        turns = await places.turns(tx)

    async def offer(tx: AsyncConnection, referral: sa.Row[Any]) -> bool:
        mine = [turn for turn in await places.turns(tx) if turn.referral_id == referral.id]
        for turn in mine:
            row = await store.locked_item(tx, turn.id)
            kept = [mark for mark in row.marks if mark != PLACE_FREE]
            await store.change(tx, row, marks=[*kept, *([PLACE_FREE] if turn.is_free else [])])
            if turn.is_free:
                await _say(tx, [(row, EscalationReason.PLACE_FREE)], now, referral.correlation_id)
        return any(turn.is_free for turn in mine)

    return await _each(engine, [turn.referral_id for turn in turns][:BATCH], offer, "offer")


_HELD: Final = f"""
    SELECT r.id FROM referral r
    WHERE r.facts -> 'place' ->> 'ward' = ANY(:wards) AND r.withdrawn_at IS NULL AND r.erased_at IS NULL
      AND EXISTS (SELECT 1 FROM work_item w
                  WHERE w.referral_id = r.id AND w.route = 'phase_hold' AND w.{IS_OPEN} AND w.{IS_WITHOUT_TEAM})
      AND (SELECT d.decided_by = 'machine' AND d.decision -> 'rules' ? 'E9' FROM decision d
           WHERE d.referral_id = r.id AND NOT d.is_proposal ORDER BY d.decided_at DESC, d.id DESC LIMIT 1)
"""  # noqa: S608  conditions of conditions.py


async def release_opened_wards(engine: AsyncEngine, *, now: datetime, policy: Policy) -> int:
    """Referrals held for a ward that is open today: decided again as of today, and sent on their way. Returns how many.

    Today's date counts for the age too: a baby who turned two while waiting goes to a person, never to a decline.
    Only what the rules hold for its ward (E9) is let go: a person's decision to hold, or an accepted item, stays. Each
    in a transaction of its own: one that can't be decided is logged and counted, and holds up no other.
    """
    wards = [ward.code for ward in policy.wards if policy.is_open(ward.code, day_in_london(now))]
    async with engine.connect() as tx:
        held = await tx.execute(sql(f"{_HELD} ORDER BY r.id LIMIT :limit"), {"wards": wards, "limit": BATCH})
        ids = list(held.scalars())

    async def release(tx: AsyncConnection, referral: sa.Row[Any]) -> bool:
        still = await tx.scalar(sql(f"{_HELD} AND r.id = :id"), {"wards": wards, "id": referral.id})
        if still is None:
            return False
        await tx.execute(
            sql("UPDATE referral SET released_at = :now, decided_as_of = :now WHERE id = :id"),
            {"now": now, "id": referral.id},
        )
        made = await decisions.by_the_rules(
            tx,
            await store.lock(tx, referral.id),
            Facts.model_validate(referral.facts),
            as_of=now,
            at=now,
            cause=Cause(referral.correlation_id),
            policy=policy,
            actor=CLOCK,
        )
        released = replace(made, is_release=True, started_at=now, was_decided=False)  # everything counts from it
        await decisions.put_in_force(tx, released, policy)
        return True

    return await _each(engine, ids, release, "release")


async def _each(
    engine: AsyncEngine,
    referrals: list[UUID],
    work: Callable[[AsyncConnection, sa.Row[Any]], Awaitable[bool]],
    what: str,
) -> int:
    """Do `work` on each referral under its lock, in a transaction of its own; another copy's is left to it.

    What can't be done is logged and counted (`pir_loop_failures_total`) and tried again next time. Raises what may
    pass (a lost connection): then nothing else would go either.
    """
    done = 0
    for referral_id in dict.fromkeys(referrals):
        try:
            async with engine.begin() as tx:
                found = await tx.execute(
                    sql("SELECT * FROM referral WHERE id = :id FOR UPDATE SKIP LOCKED"), {"id": referral_id}
                )
                row = found.one_or_none()
                done += bool(row is not None and await work(tx, row))
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("timer failed", what=what, referral=str(referral_id))
            LOOP_FAILURES.labels(what).inc()
    return done
