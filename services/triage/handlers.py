"""What triage does with each event it hears. One transaction, given; no commit, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import arrivals, decision_store, decisions
from services.triage.arrivals import Arrived
from services.triage.work_items import duplicates, reopening, store
from services.triage.work_items.conditions import WITHDRAWN, is_unread_safety
from services.triage.work_items.deadlines import ItemState, first_escalation
from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import (
    ClosureReason,
    EnquiryReceived,
    Envelope,
    MessageUndeliverable,
    ReferralAmended,
    ReferralChallenged,
    ReferralErased,
    ReferralInformed,
    ReferralReceived,
    ReferralWithdrawn,
    Route,
    Urgency,
    WorkItemOpened,
)
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.dispatch import AtOnce, Handlers
from shared.messaging.outbox import Draft, because_of
from shared.policy import Policy
from shared.working_time import due_at

REFERRER: Final = Actor("agency", "referrer")
"""Which agency it was stands in the referral service's own trail."""


async def triage_referrals(events: Sequence[Envelope[Arrived]], tx: AsyncConnection, *, policy: Policy) -> None:
    await arrivals.arrive(tx, events, policy=policy)


async def triage_again(events: Sequence[Envelope[ReferralAmended]], tx: AsyncConnection, *, policy: Policy) -> None:
    for event in events:
        await arrivals.amend(tx, event, policy=policy)


async def run_clocks_again(
    events: Sequence[Envelope[ReferralInformed]], tx: AsyncConnection, *, policy: Policy
) -> None:
    """The referrer answered: what had been asked before goes on where it was; unopened, it escalates."""
    times = policy.working_time
    for event in events:
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


async def stop_work(events: Sequence[Envelope[ReferralWithdrawn]], tx: AsyncConnection, *, policy: Policy) -> None:
    """Withdrawn: open work ends. Safety work that nobody has read and taken stays, marked, until a person closes it."""
    for event in events:
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
        await duplicates.other_is_withdrawn(tx, event.key, at=at, cause=cause, policy=policy)
        await audit.write(tx, [Entry(REFERRER, "referral.withdrawn", event.occurred_at, event.key)])


async def look_again(events: Sequence[Envelope[ReferralChallenged]], tx: AsyncConnection, *, policy: Policy) -> None:
    """The referrer challenges a decline: its work is open again, for another lead than the one who declined."""
    for event in events:
        await audit.write(tx, [Entry(REFERRER, "referral.challenged", event.occurred_at, event.key)])
        await reopening.challenge(tx, event.key, at=event.heard_at, cause=because_of(event), policy=policy)


async def drop_what_is_held(events: Sequence[Envelope[ReferralErased]], tx: AsyncConnection) -> None:
    """Erased: the key of what staff wrote is destroyed, facts and decisions go, and the work ends."""
    for event in events:
        erased = {"id": event.key, "at": event.occurred_at}
        for statement in _ERASE:
            await tx.execute(statement, erased if ":at" in statement.text else {"id": event.key})
        await store.forget(tx, event.key, event.occurred_at)


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
)


async def ask_a_person(
    events: Sequence[Envelope[MessageUndeliverable]], tx: AsyncConnection, *, policy: Policy
) -> None:
    """A message could not be delivered after every retry: one open work item per referral, so that somebody rings.

    Built from the event alone: topics have no order among them, so triage may not have heard of the referral yet.
    """
    times = policy.working_time
    for event in events:
        at, message = event.heard_at, event.data
        await store.lock_if_known(tx, event.key)
        opened = WorkItemOpened(
            reference=message.reference,
            agency_id=message.agency_id,
            about=message.about,
            work_item_id=uuid7(),
            route=Route.REVIEW,
            tier=None,
            urgency=Urgency.URGENT,
            due_at=due_at(at, days=times.seen_days, hours=times),
        )
        decision = await decision_store.decision_in_force(tx, event.key)
        decision_id = decision.id if decision else message.message_id
        if await store.open_call(tx, event.key, opened, decision_id=decision_id, at=at):
            await outbox.append(tx, [Draft(event.key, opened, at, because_of(event))])


def handlers(policy: Policy) -> Handlers:
    """What triage does with each event it hears."""
    return {
        ReferralReceived: AtOnce(partial(triage_referrals, policy=policy)),
        EnquiryReceived: AtOnce(partial(triage_referrals, policy=policy)),
        ReferralAmended: partial(triage_again, policy=policy),
        ReferralInformed: partial(run_clocks_again, policy=policy),
        ReferralWithdrawn: partial(stop_work, policy=policy),
        ReferralChallenged: partial(look_again, policy=policy),
        ReferralErased: drop_what_is_held,
        MessageUndeliverable: partial(ask_a_person, policy=policy),
    }
