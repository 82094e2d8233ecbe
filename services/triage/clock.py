"""What time alone brings about: escalations, age-out warnings, wards that open. Called with the time; keeps none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import rows
from services.triage.capacity import full_routes
from services.triage.handlers import replace_items, store_decisions
from services.triage.planning import WALL_CLOCK, full_routes_of
from services.triage.rules import decide
from shared import audit, outbox
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import DecidedBy, EscalationReason, Facts, Kind, Route, Urgency, WorkItemEscalated
from shared.ids import uuid7
from shared.outbox import Cause, Draft
from shared.policy import Policy
from shared.working_time import day_in_london, due_at

CLOCK: Final = Actor("system", "clock")
BATCH: Final = 200


async def escalate_unopened(tx: AsyncConnection, *, now: datetime, policy: Policy) -> int:
    """Items nobody opened in time: said aloud, and the next time set. Returns how many.

    Referrals are locked too, for their events are numbered under that lock; what is locked already comes next time.
    """
    due = await tx.execute(
        sql("""
            SELECT w.*, r.correlation_id FROM work_item w JOIN referral r ON r.id = w.referral_id
            WHERE w.escalate_at <= :now AND w.ended_at IS NULL ORDER BY w.escalate_at LIMIT :limit
            FOR UPDATE OF r, w SKIP LOCKED
        """),
        {"now": now, "limit": BATCH},
    )
    items = due.all()
    for row in items:
        await tx.execute(
            sql("UPDATE work_item SET escalations = escalations + 1, escalate_at = :next WHERE id = :id"),
            {"id": row.id, "next": _next_escalation(row, now, policy)},
        )
    await _say(tx, [(row, _reason(row)) for row in items], now)
    return len(items)


def _reason(row: sa.Row[Any]) -> EscalationReason:
    if Urgency(row.urgency) not in WALL_CLOCK:
        return EscalationReason.UNOPENED_WORKING_DAY
    return EscalationReason.UNOPENED_FIRST if row.escalations == 0 else EscalationReason.UNOPENED_SECOND


def _next_escalation(row: sa.Row[Any], now: datetime, policy: Policy) -> datetime:
    """`now` and `4h`: at the second time of the policy and every hour after it; others every working day."""
    times = policy.working_time
    if Urgency(row.urgency) not in WALL_CLOCK:
        return due_at(now, days=1, hours=times)
    second: datetime = row.received_at + timedelta(minutes=times.unopened_second_minutes)
    return second if row.escalations == 0 and second > now else now + timedelta(hours=1)


async def warn_of_age(tx: AsyncConnection, *, now: datetime) -> int:
    """Babies for whom little time is left and who still wait: said once. Returns how many."""
    due = await tx.execute(
        sql("""
            SELECT w.*, r.correlation_id FROM work_item w JOIN referral r ON r.id = w.referral_id
            WHERE w.age_out_warning_on <= :today AND w.ended_at IS NULL AND w.first_contact_at IS NULL
            ORDER BY w.age_out_warning_on LIMIT :limit FOR UPDATE OF r, w SKIP LOCKED
        """),
        {"today": day_in_london(now), "limit": BATCH},
    )
    items = due.all()
    for row in items:
        await tx.execute(
            sql("""
                UPDATE work_item SET age_out_warning_on = NULL, marks = marks || '["ages_out_soon"]' WHERE id = :id
            """),
            {"id": row.id},
        )
    await _say(tx, [(row, EscalationReason.AGES_OUT_SOON) for row in items], now)
    return len(items)


async def _say(tx: AsyncConnection, items: list[tuple[sa.Row[Any], EscalationReason]], now: datetime) -> None:
    drafts = [
        Draft(
            row.referral_id,
            WorkItemEscalated(
                reference=row.reference,
                agency_id=row.agency_id,
                about=Kind(row.about),
                work_item_id=row.id,
                route=Route(row.route),
                reason=reason,
            ),
            now,
            Cause(row.correlation_id),
        )
        for row, reason in items
    ]
    await audit.write(tx, [Entry(CLOCK, "item.escalated", now, row.referral_id, reason.value) for row, reason in items])
    await outbox.append(tx, drafts)


async def release_held(tx: AsyncConnection, *, now: datetime, policy: Policy) -> int:
    """Referrals held for a ward that is open today: decided again as of today, and sent on their way.

    Today's date counts for the age too: a baby who turned two while waiting goes to a person, never to a decline.
    Only what the machine holds for its ward (E9) is let go: a person's decision to hold, or an accepted item, stays.
    """
    wards = [ward.code for ward in policy.wards if policy.is_open(ward.code, day_in_london(now))]
    held = await tx.execute(
        sql("""
            SELECT r.* FROM referral r
            WHERE r.facts -> 'place' ->> 'ward' = ANY(:wards) AND r.withdrawn_at IS NULL AND r.erased_at IS NULL
              AND EXISTS (SELECT 1 FROM work_item w
                          WHERE w.referral_id = r.id AND w.route = 'phase_hold' AND w.ended_at IS NULL
                            AND w.accepted_at IS NULL)
              AND (SELECT d.decided_by = 'machine' AND d.decision -> 'rules' ? 'E9' FROM decision d
                   WHERE d.referral_id = r.id ORDER BY d.decided_at DESC, d.id DESC LIMIT 1)
            ORDER BY r.id LIMIT :limit FOR UPDATE OF r SKIP LOCKED
        """),
        {"wards": wards, "limit": BATCH},
    )
    released = held.all()
    full = await full_routes(tx)
    for row in released:
        facts = full_routes_of(Facts.model_validate(row.facts), full)
        decided = rows.Decided(
            id=uuid7(),
            referral_id=row.id,
            reference=row.reference,
            agency_id=row.agency_id,
            version=row.version,
            received_at=row.received_at,
            facts=facts,
            decision=decide(facts, received_at=now, policy=policy),
            decided_by=DecidedBy.MACHINE,
            actor=CLOCK,
            at=now,
            cause=Cause(row.correlation_id),
            is_release=True,
        )
        await store_decisions(tx, [await replace_items(tx, decided, policy=policy)], policy=policy)
    return len(released)
