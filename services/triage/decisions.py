"""A decision comes in force: it is kept and announced, its work is opened, and what was open is brought in line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import decision_store
from services.triage.decision_store import Decided
from services.triage.rules import decide
from services.triage.work_items import store
from services.triage.work_items.conditions import (
    AGES_OUT_SOON,
    SAFETY_WORDS,
    UNDELIVERABLE,
    WALL_CLOCK,
    outlives,
)
from services.triage.work_items.deadlines import (
    ItemState,
    age_out_warning,
    full_routes_of,
    higher,
    marks_of_item,
    plan,
    plan_item,
)
from services.triage.work_items.places import full_routes
from services.triage.work_items.store import NewItem
from shared.audit import MACHINE, Actor
from shared.events import (
    FAMILY_WORK,
    ClosureReason,
    DecidedBy,
    Event,
    Facts,
    ReferralTriaged,
    Route,
    Urgency,
    WaitingFor,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft
from shared.policy import Policy
from shared.working_time import day_in_london


async def by_the_rules(
    tx: AsyncConnection,
    referral: sa.Row[Any],
    facts: Facts,
    *,
    as_of: datetime,
    at: datetime,
    cause: Cause,
    policy: Policy,
    actor: Actor = MACHINE,
) -> Decided:
    """The rules' decision on a stored referral, not kept yet."""
    facts = full_routes_of(facts, await full_routes(tx))
    was_decided, had_priority = await decision_store.decided_before(tx, referral.id)
    return Decided(
        id=uuid7(),
        referral_id=referral.id,
        reference=referral.reference,
        agency_id=referral.agency_id,
        version=referral.version,
        received_at=referral.received_at,
        started_at=referral.released_at or referral.received_at,
        facts=facts,
        decision=decide(facts, received_at=as_of, policy=policy),
        decided_by=DecidedBy.MACHINE,
        actor=actor,
        at=at,
        cause=cause,
        was_decided=was_decided,
        had_priority=had_priority,
    )


async def put_in_force(tx: AsyncConnection, made: Decided, policy: Policy) -> None:
    """Close what the decision has no place for, bring the rest in line, open what is new, and say all of it."""
    await store.forget_proposal(tx, made.referral_id)
    work = await store.open_work(tx, made.referral_id)
    stale = [row for row in work if row.route not in made.decision.routes and not outlives(row)]
    await close(tx, stale, ClosureReason.DECIDED_AGAIN, at=made.at, by=made.actor.id, cause=made.cause)
    kept = [row for row in work if row not in stale]
    for row in kept:
        await bring_in_line(tx, row, made, policy)
    routes = frozenset(Route(row.route) for row in kept if UNDELIVERABLE not in row.marks)
    await open_all(tx, [replace(made, kept_routes=routes | made.settled)], policy)
    await store.reckon(tx, made.referral_id, policy.working_time)


def released(made: Decided) -> Decided:
    """The decision of a ward's opening: everything counts from it."""
    return replace(made, is_release=True, started_at=made.at, was_decided=False)


async def close(
    tx: AsyncConnection,
    rows: Sequence[sa.Row[Any]],
    reason: ClosureReason,
    *,
    at: datetime,
    by: str,
    cause: Cause,
) -> None:
    """End items because of something else, and say so."""
    await store.end(tx, rows, state=ItemState.CLOSED, reason=reason.value, at=at, by=by)
    await outbox.append(tx, [store.about(row, WorkItemClosed, at, cause, reason=reason) for row in rows])


# What a decision changes of an open item.


def shown(row: sa.Row[Any], made: Decided, policy: Policy) -> dict[str, Any]:
    """What every item shows of the facts as they are now: marks, contact holds, the warning before the birthday."""
    warn = age_out_warning(made.facts.infant, policy, today=day_in_london(made.at))
    own = [mark for mark in row.marks if not (mark == AGES_OUT_SOON and warn)]
    marks = marks_of_item(made.decision, own)
    if SAFETY_WORDS in row.marks and SAFETY_WORDS not in marks:
        marks.append(SAFETY_WORDS)  # somebody still has to read what was written first
    return {"marks": marks, "age_out_warning_on": None if row.first_contact_at else warn}


async def bring_in_line(tx: AsyncConnection, row: sa.Row[Any], made: Decided, policy: Policy) -> None:
    """An item that stays: never less urgent. A raised one counts as unopened, and goes on without an answer."""
    planned = plan_item(Route(row.route), made, policy)
    urgency = higher(Urgency(row.urgency), made.decision.urgency)
    is_raised = urgency != row.urgency or (row.route in made.news and UNDELIVERABLE not in row.marks)
    counts_from, due = row.counts_from, min(row.base_due_at, planned.due_at)
    if is_raised:
        counts_from = planned.counts_from
    elif row.route in FAMILY_WORK and urgency not in WALL_CLOCK:
        counts_from, due = planned.counts_from, planned.due_at  # as the contract counts
    unopened = [at for at in (row.escalate_at, planned.escalate_at) if at] if row.escalate_at else []
    values: dict[str, Any] = shown(row, made, policy) | {
        "urgency": urgency.value,
        "counts_from": counts_from,
        "base_due_at": due,
        "due_at": due,
        "escalate_at": planned.escalate_at if is_raised else min(unopened, default=None),
        "tier": made.decision.tier,
        "decision_id": made.id,
    }
    if is_raised:
        values |= {"opened_first_at": None, "escalations": 0}
    is_resumed = is_raised and row.state == ItemState.WAITING_FOR_REFERRER and row.route != Route.INFO_REQUEST
    if is_resumed:
        await store.run_clock(tx, row, made.at)
        values["state"] = ItemState.CLAIMED if row.assignee else ItemState.OPEN
    await store.change(tx, row, **values)
    if is_resumed and row.assignee:
        await outbox.append(tx, [store.about(row, WorkItemClaimed, made.at, made.cause)])
    elif is_resumed:
        more = {"tier": made.decision.tier, "urgency": urgency, "due_at": due}
        await outbox.append(tx, [store.about(row, WorkItemOpened, made.at, made.cause, **more)])


# Kept and announced.


async def open_all(tx: AsyncConnection, decided: Sequence[Decided], policy: Policy) -> None:
    """Rows, audit and announcements of decisions, each with its new work items."""
    await decision_store.keep(tx, decided)
    await outbox.append(tx, [Draft(each.referral_id, _triaged(each), each.at, each.cause) for each in decided])
    items = [
        (each, NewItem(uuid7(), planned))
        for each in decided
        for planned in plan(each, policy, each.facts.full_routes)
        if planned.route not in each.kept_routes
    ]
    await open_new(tx, items, policy)


async def open_new(tx: AsyncConnection, items: Sequence[tuple[Decided, NewItem]], policy: Policy) -> None:
    await store.open_items(tx, items, policy=policy)
    drafts = [
        Draft(made.referral_id, said, made.at, made.cause) for made, item in items for said in _said_of(made, item)
    ]
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


def _said_of(made: Decided, item: NewItem) -> list[Event]:
    """An item is opened; one that asks the referrer waits from the start."""
    said: dict[str, Any] = {
        "reference": made.reference,
        "agency_id": made.agency_id,
        "about": made.facts.kind,
        "work_item_id": item.id,
        "route": item.plan.route,
    }
    opened = WorkItemOpened.model_construct(
        **said,
        tier=made.decision.tier,
        urgency=made.decision.urgency,
        due_at=item.plan.due_at,
        waiting_list=item.plan.state is ItemState.WAITING_LIST,
    )
    if item.plan.state is not ItemState.WAITING_FOR_REFERRER:
        return [opened]
    stops = made.decision.urgency not in WALL_CLOCK
    return [opened, WorkItemWaiting(**said, waiting_for=WaitingFor.REFERRER, stops_clock=stops)]
