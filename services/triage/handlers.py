"""What triage does with each event it hears. One transaction, given; no commit, no clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import arrivals, decisions, tables
from services.triage.work_items import deciding, reopening, store
from services.triage.work_items.conditions import IS_OPEN, UNDELIVERABLE, WITHDRAWN, is_unread_safety
from services.triage.work_items.deadlines import ItemState, first_escalation
from shared import audit, events
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import ClosureReason, Envelope, Route, Urgency
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.dispatch import Handler, Handlers
from shared.messaging.outbox import because_of
from shared.policy import Policy
from shared.working_time import due_at

REFERRER: Final = Actor("agency", "referrer")
"""Which agency it was stands in the referral service's own trail."""


async def run_clocks_again(tx: AsyncConnection, event: Envelope[events.ReferralInformed], policy: Policy) -> None:
    """The referrer answered: what had been asked before goes on where it was; unopened, it escalates."""
    times = policy.working_time
    await store.lock(tx, event.key)
    for row in await store.open_work(tx, event.key):
        if row.state != ItemState.WAITING_FOR_REFERRER or row.waiting_since >= event.occurred_at:
            continue
        escalate_at = row.escalate_at
        if row.opened_first_at is None:
            escalate_at = first_escalation(Urgency(row.urgency), since=event.occurred_at, times=times)
        await store.run_clock(tx, row, event.occurred_at)
        state = ItemState.CLAIMED if row.assignee else ItemState.OPEN
        await store.change(tx, row, state=state, escalate_at=escalate_at)
    await store.reckon(tx, event.key, times)
    await audit.write(tx, [Entry(REFERRER, "referral.informed", event.occurred_at, event.key)])


async def stop_work(tx: AsyncConnection, event: Envelope[events.ReferralWithdrawn], policy: Policy) -> None:
    """Withdrawn: open work ends. Safety work that nobody has read and taken stays, marked, until a person closes it."""
    await store.lock(tx, event.key)
    await tx.execute(
        sql("UPDATE referral SET withdrawn_at = :at WHERE id = :id"), {"id": event.key, "at": event.occurred_at}
    )
    work = await store.open_work(tx, event.key)
    for row in filter(is_unread_safety, work):
        await store.change(tx, row, marks=[*row.marks, WITHDRAWN])
    ends = [row for row in work if not is_unread_safety(row)]
    at, cause = event.heard_at, because_of(event)
    await decisions.close(tx, ends, ClosureReason.WITHDRAWN, at=at, by=REFERRER.id, cause=cause)
    await deciding.other_is_withdrawn(tx, event.key, at=at, cause=cause, policy=policy)
    await audit.write(tx, [Entry(REFERRER, "referral.withdrawn", event.occurred_at, event.key)])


async def look_again(tx: AsyncConnection, event: Envelope[events.ReferralChallenged], policy: Policy) -> None:
    """The referrer challenges a decline: its work is open again, for another lead than the one who declined."""
    await audit.write(tx, [Entry(REFERRER, "referral.challenged", event.occurred_at, event.key)])
    await reopening.challenge(tx, event.key, at=event.heard_at, cause=because_of(event), policy=policy)


async def drop_what_is_held(tx: AsyncConnection, event: Envelope[events.ReferralErased], _: Policy) -> None:
    """Erased: the key of what staff wrote is destroyed, facts and decisions go, and the work ends."""
    for statement in _ERASE:
        await tx.execute(statement, {"id": event.key, "at": event.occurred_at})


_ERASE: Final = (
    sql("""
        UPDATE referral SET wrapped_key = NULL, erased_at = :at, facts = '{}', linked = '[]', gaps = '[]',
            proposal_id = NULL, family_id = id, stops = '[]', decided_as_of = received_at, released_at = NULL,
            withdrawn_at = NULL
        WHERE id = :id
    """),
    sql("""
        UPDATE event SET value = replace(value, CAST(CAST(:id AS uuid) AS text), '00000000-0000-0000-0000-000000000000')
        WHERE type = 'family.judged.v1' AND position(CAST(CAST(:id AS uuid) AS text) IN value) > 0
    """),
    sql("DELETE FROM decision WHERE referral_id = :id"),
    sql("DELETE FROM staff_text WHERE referral_id = :id"),
    sql("DELETE FROM event WHERE key = :id"),
    sql(f"""
        UPDATE work_item SET state = CASE WHEN {IS_OPEN} THEN 'closed' ELSE state END,
            ended_at = coalesce(ended_at, :at), escalate_at = NULL, age_out_warning_on = NULL, marks = '[]',
            tier = NULL, interim_offer = NULL, waiting_since = NULL, clock_stands = false
        WHERE referral_id = :id
    """),  # noqa: S608  a constant
)


async def ask_a_person(tx: AsyncConnection, event: Envelope[events.MessageUndeliverable], policy: Policy) -> None:
    """A message could not be delivered after every retry: one open work item per referral, so that somebody rings.

    Built from the event alone: topics have no order among them, so triage may not have heard of the referral yet.
    """
    at, message = event.heard_at, event.data
    await store.lock_if_known(tx, event.key)
    if await store.is_called(tx, event.key):
        return
    decision = await decisions.decision_in_force(tx, event.key)
    due = due_at(at, days=policy.working_time.seen_days, hours=policy.working_time)
    times = {"received_at": at, "counts_from": at, "base_due_at": due, "due_at": due, "escalate_at": due}
    row = SimpleNamespace(
        **times,
        id=uuid7(),
        referral_id=event.key,
        decision_id=decision.id if decision else message.message_id,
        reference=message.reference,
        agency_id=message.agency_id,
        about=message.about.value,
        route=Route.REVIEW.value,
        urgency=Urgency.URGENT.value,
        marks=[UNDELIVERABLE],
        state=ItemState.OPEN.value,
    )
    await tables.insert(tx, tables.work_item, [vars(row)])
    opened = {"tier": None, "urgency": row.urgency, "due_at": due}
    await outbox.append(tx, [store.about(row, events.WorkItemOpened, at, because_of(event), **opened)])


def handlers(policy: Policy) -> Handlers:
    """What triage does with each event it hears."""

    def each(handle: Callable[[AsyncConnection, Envelope[Any], Policy], Awaitable[None]]) -> Handler:
        async def one_by_one(envelopes: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
            for event in envelopes:
                await handle(tx, event, policy)

        return one_by_one

    async def many(envelopes: Sequence[Envelope[arrivals.Arrived]], tx: AsyncConnection) -> None:
        await arrivals.arrive(tx, envelopes, policy)

    return {
        events.ReferralReceived: many,
        events.EnquiryReceived: many,
        events.ReferralAmended: each(arrivals.amend),
        events.ReferralInformed: each(run_clocks_again),
        events.ReferralWithdrawn: each(stop_work),
        events.ReferralChallenged: each(look_again),
        events.ReferralErased: each(drop_what_is_held),
        events.MessageUndeliverable: each(ask_a_person),
    }
