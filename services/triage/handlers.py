"""What triage does with each event: decide, open work, announce. One transaction, given; no commit, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import rows, standing, undeliverable
from services.triage.capacity import full_routes
from services.triage.planning import (
    ItemState,
    counted_from,
    first_escalation,
    full_routes_of,
    higher,
    marks_of_item,
    plan,
    plan_of,
)
from services.triage.rows import Decided
from services.triage.rules import decide
from services.triage.standing import Item, Refreshed
from shared import audit, outbox
from shared.audit import MACHINE, Actor, Entry
from shared.dispatch import Handlers
from shared.events import (
    ClosureReason,
    DecidedBy,
    EnquiryReceived,
    Envelope,
    Event,
    MessageUndeliverable,
    ReferralAmended,
    ReferralErased,
    ReferralInformed,
    ReferralReceived,
    ReferralTriaged,
    ReferralWithdrawn,
    Route,
    Urgency,
    WaitingFor,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.ids import uuid7
from shared.outbox import Cause, Draft, because_of
from shared.policy import Policy

Arrived = ReferralReceived | EnquiryReceived
REFERRER: Final = Actor("agency", "referrer")
"""Which agency it was stands in the referral service's own trail."""


async def triage_referrals(events: Sequence[Envelope[Arrived]], tx: AsyncConnection, *, policy: Policy) -> None:
    """Decide each, store the decisions, open their work items, announce: all of it or none of it."""
    full = await full_routes(tx)
    await rows.keep_referrals(tx, [rows.referral_of(event) for event in events])
    decided = [
        decide_one(event.key, event.data, policy=policy, full=full, at=event.heard_at, cause=because_of(event))
        for event in events
    ]
    await store_decisions(tx, decided, policy=policy)


async def triage_again(events: Sequence[Envelope[ReferralAmended]], tx: AsyncConnection, *, policy: Policy) -> None:
    """An amendment: decided afresh; open items that the new decision has no route for are closed, others stay."""
    for event in events:
        if not await rows.amend_referral(tx, event):
            continue  # withdrawn or erased meanwhile: nothing to decide
        full = await full_routes(tx)
        decided = decide_one(
            event.key,
            event.data,
            policy=policy,
            full=full,
            at=event.heard_at,
            cause=because_of(event),
            told_at=event.occurred_at,
        )
        await store_decisions(tx, [await replace_items(tx, decided, policy=policy)], policy=policy)


def decide_one(
    referral_id: UUID,
    data: Arrived,
    *,
    policy: Policy,
    full: frozenset[Route],
    at: datetime,
    cause: Cause,
    told_at: datetime | None = None,
) -> Decided:
    """The machine's decision on what arrived, as of its first receipt; of a birth since, as of when it was told."""
    facts = full_routes_of(data.facts, full)
    as_of = counted_from(facts.infant, received_at=data.received_at, now=told_at or data.received_at)
    return Decided(
        id=uuid7(),
        referral_id=referral_id,
        reference=data.reference,
        agency_id=data.agency_id,
        version=data.version if isinstance(data, ReferralReceived) else 1,
        received_at=data.received_at,
        facts=facts,
        decision=decide(facts, received_at=as_of, policy=policy),
        decided_by=DecidedBy.MACHINE,
        actor=MACHINE,
        at=at,
        cause=cause,
    )


async def replace_items(tx: AsyncConnection, decided: Decided, *, policy: Policy) -> Decided:
    """Close what the new decision has no place for, refresh the rest; returns it with the routes that have an item."""
    current = await standing.current_items(tx, decided.referral_id)
    stale = [item for item in current if _is_stale(item, decided)]
    await close_items(tx, stale, ClosureReason.DECIDED_AGAIN, decided)
    kept = [item for item in current if item not in stale]
    await refresh(tx, kept, decided, policy=policy)
    return decided.keeping({item.route for item in kept if not item.is_undeliverable})


def _is_stale(item: Item, decided: Decided) -> bool:
    """Accepted work, unread safety work and, for the machine, a person's own items are for a person to close."""
    if item.route in decided.decision.routes or item.is_accepted or item.outlives_decisions:
        return False
    return not (item.is_persons and decided.decided_by is DecidedBy.MACHINE)


async def refresh(tx: AsyncConnection, kept: Sequence[Item], decided: Decided, *, policy: Policy) -> None:
    """Show the new decision in the items that stay; those that wait for the referrer no more are said so."""
    refreshed = [refreshed_of(item, decided, policy=policy) for item in kept]
    await standing.refresh_items(tx, decided, refreshed)
    resumed = [_resumed(each, decided) for each in refreshed if each.is_resumed]
    await outbox.append(tx, [Draft(decided.referral_id, said, decided.at, decided.cause) for said in resumed])


def refreshed_of(item: Item, decided: Decided, *, policy: Policy) -> Refreshed:
    """Never later, never less urgent than before: a family loses nothing by telling more."""
    planned = plan_of(item.route, decided.decision, received_at=decided.clock_from, policy=policy)
    urgency = higher(item.urgency, decided.decision.urgency)
    is_raised = urgency is not item.urgency
    unopened = [at for at in (item.escalate_at, planned.escalate_at) if at] if item.escalate_at else []
    return Refreshed(
        item=item,
        urgency=urgency,
        due_at=min(item.due_at, planned.due_at),
        escalate_at=planned.escalate_at if is_raised else min(unopened, default=None),
        marks=marks_of_item(decided.decision, item.marks),
        is_raised=is_raised,
    )


def _resumed(each: Refreshed, decided: Decided) -> Event:
    item = each.item
    if item.assignee:
        return WorkItemClaimed(
            reference=item.reference,
            agency_id=item.agency_id,
            about=item.about,
            work_item_id=item.id,
            route=item.route,
        )
    return WorkItemOpened(
        reference=item.reference,
        agency_id=item.agency_id,
        about=item.about,
        work_item_id=item.id,
        route=item.route,
        tier=decided.decision.tier,
        urgency=each.urgency,
        due_at=each.due_at,
    )


async def close_items(
    tx: AsyncConnection, items: Sequence[Item], reason: ClosureReason, because: Decided | Envelope[ReferralWithdrawn]
) -> None:
    """End the items and say so."""
    at = because.at if isinstance(because, Decided) else because.heard_at
    cause = because.cause if isinstance(because, Decided) else because_of(because)
    await rows.end_items(tx, [item.id for item in items], reason=reason, at=at)
    await outbox.append(
        tx,
        [
            Draft(
                item.referral_id,
                WorkItemClosed(
                    reference=item.reference,
                    agency_id=item.agency_id,
                    about=item.about,
                    work_item_id=item.id,
                    route=item.route,
                    reason=reason,
                ),
                at,
                cause,
            )
            for item in items
        ],
    )


async def store_decisions(tx: AsyncConnection, decided: Sequence[Decided], *, policy: Policy) -> None:
    """Rows, audit and announcements of decisions, each with its work items."""
    items = {
        each.id: [
            rows.NewItem(uuid7(), planned)
            for planned in plan(
                each.decision, received_at=each.clock_from, policy=policy, full_routes=each.facts.full_routes
            )
            if planned.route not in each.kept_routes
        ]
        for each in decided
    }
    await rows.keep_decisions(tx, decided)
    await rows.open_items(tx, [(each, item) for each in decided for item in items[each.id]], policy=policy)
    await audit.write(
        tx,
        [
            Entry(each.actor, "referral.decided", each.at, each.referral_id, each.decision.mode.value)
            for each in decided
        ],
    )
    drafts: list[Draft] = []
    for each in decided:
        drafts.append(Draft(each.referral_id, _triaged(each), each.at, each.cause))
        for item in items[each.id]:
            drafts += [Draft(each.referral_id, said, each.at, each.cause) for said in _said_of(each, item)]
    await outbox.append(tx, drafts)


def _triaged(each: Decided) -> ReferralTriaged:
    return ReferralTriaged.model_construct(
        reference=each.reference,
        agency_id=each.agency_id,
        decision_id=each.id,
        version=each.version,
        decided_by=each.decided_by,
        about=each.facts.kind,
        decision=each.decision,
        is_release=each.is_release,
    )


def _said_of(each: Decided, item: rows.NewItem) -> list[Event]:
    """An item is opened; one that asks the referrer waits from the start."""
    opened = _opened(each, item)
    if item.plan.state is not ItemState.WAITING_FOR_REFERRER:
        return [opened]
    waiting = WorkItemWaiting(
        reference=each.reference,
        agency_id=each.agency_id,
        about=each.facts.kind,
        work_item_id=item.id,
        route=item.plan.route,
        waiting_for=WaitingFor.REFERRER,
    )
    return [opened, waiting]


def _opened(each: Decided, item: rows.NewItem) -> WorkItemOpened:
    return WorkItemOpened.model_construct(
        reference=each.reference,
        agency_id=each.agency_id,
        about=each.facts.kind,
        work_item_id=item.id,
        route=item.plan.route,
        tier=each.decision.tier,
        urgency=each.decision.urgency,
        due_at=item.plan.due_at,
        waiting_list=item.plan.state is ItemState.WAITING_LIST,
    )


async def run_clocks_again(
    events: Sequence[Envelope[ReferralInformed]], tx: AsyncConnection, *, policy: Policy
) -> None:
    """The referrer answered: items that waited for them are open again, due later by the time they waited."""
    for event in events:
        escalate_at = first_escalation(Urgency.ROUTINE, received_at=event.occurred_at, policy=policy)
        await rows.resume_items(tx, event.key, at=event.occurred_at, escalate_at=escalate_at)
        await audit.write(tx, [Entry(REFERRER, "referral.informed", event.occurred_at, event.key)])


async def stop_work(events: Sequence[Envelope[ReferralWithdrawn]], tx: AsyncConnection) -> None:
    """Withdrawn: every open item of the referral ends."""
    for event in events:
        await rows.mark_withdrawn(tx, event.key, at=event.occurred_at)
        await close_items(tx, await standing.current_items(tx, event.key), ClosureReason.WITHDRAWN, event)
        await audit.write(tx, [Entry(REFERRER, "referral.withdrawn", event.occurred_at, event.key)])


async def drop_what_is_held(events: Sequence[Envelope[ReferralErased]], tx: AsyncConnection) -> None:
    """Erased: the key of what staff wrote is destroyed, and the facts with it."""
    for event in events:
        await rows.erase(tx, event.key, at=event.occurred_at)
        await audit.write(tx, [Entry(MACHINE, "referral.erased", event.occurred_at, event.key)])


async def ask_a_person(
    events: Sequence[Envelope[MessageUndeliverable]], tx: AsyncConnection, *, policy: Policy
) -> None:
    """A message could not be delivered after every retry: a work item, so that somebody rings the agency."""
    for event in events:
        opened = await undeliverable.open_item(tx, event, policy=policy)
        if opened is not None:
            await outbox.append(tx, [Draft(event.key, opened, event.heard_at, because_of(event))])


def handlers(policy: Policy) -> Handlers:
    """What triage does with each event it hears."""
    return {
        ReferralReceived: partial(triage_referrals, policy=policy),
        EnquiryReceived: partial(triage_referrals, policy=policy),
        ReferralAmended: partial(triage_again, policy=policy),
        ReferralInformed: partial(run_clocks_again, policy=policy),
        ReferralWithdrawn: stop_work,
        ReferralErased: drop_what_is_held,
        MessageUndeliverable: partial(ask_a_person, policy=policy),
    }
