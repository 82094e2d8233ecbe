"""A decision comes in force: it is kept and announced, its work is opened, and what was open is brought in line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import tables
from services.triage.rules import decide
from services.triage.work_items import deadlines, store
from services.triage.work_items.conditions import (
    AGES_OUT_SOON,
    SAFETY_WORDS,
    WAITING_LIST,
    is_call,
    is_watched,
    outlives,
    stays_open,
)
from services.triage.work_items.places import full_routes
from shared import audit, events
from shared.audit import MACHINE, Actor, Entry
from shared.database import sql
from shared.events import FAMILY_WORK, WALL_CLOCK, ClosureReason, DecidedBy, Facts, Route, Urgency, WaitingFor
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft
from shared.policy import Policy
from shared.working_time import day_in_london


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(deadlines.Since):
    """A decision on its way into the database.

    `kept_routes` have an open item already and get no new one; `news`: routes whose open item is to be read again;
    `settled`: routes whose work a person has ended, which another referral that came or went does not open again;
    `holder`: the staff id of whoever decided and so has the new work, None for work that is nobody's yet.
    """

    id: UUID
    referral_id: UUID
    reference: str
    agency_id: UUID
    version: int
    facts: Facts
    decided_by: DecidedBy = DecidedBy.MACHINE
    actor: Actor
    cause: Cause
    is_release: bool = False
    is_proposal: bool = False
    kept_routes: frozenset[Route] = frozenset()
    news: frozenset[Route] = frozenset()
    settled: frozenset[Route] = frozenset()
    holder: str | None = None


def made_by_rules(
    referral: Any,
    facts: Facts,
    *,
    full: frozenset[Route],
    as_of: datetime,
    at: datetime,
    cause: Cause,
    policy: Policy,
    actor: Actor = MACHINE,
) -> Decided:
    """The rules' decision on facts of a referral, as if it were the first. `full`: routes without a free place."""
    facts = deadlines.full_routes_of(facts, full)
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
        actor=actor,
        at=at,
        cause=cause,
        is_first=True,
    )


async def by_the_rules(tx: AsyncConnection, referral: sa.Row[Any], facts: Facts, **how: Any) -> Decided:
    """The rules' decision on a stored referral, not kept yet; `how` as of `made_by_rules`."""
    made = made_by_rules(referral, facts, full=await full_routes(tx), **how)
    before = (await tx.execute(_BEFORE, {"id": referral.id})).one()
    return replace(made, is_first=False, was_decided=before.was_decided, had_priority=before.had_priority)


_BEFORE = sql("""
    SELECT coalesce(bool_or(decided_by = 'person' OR decision ->> 'mode' = 'auto_route'), false) AS was_decided,
        coalesce(bool_or(decision -> 'rules' ? 'M1'), false) AS had_priority
    FROM decision WHERE referral_id = :id AND NOT is_proposal
""")
"""Whether a decision has stood (the rules routed it, or a person decided), and whether one gave priority (M1)."""


async def decision_in_force(tx: AsyncConnection, referral_id: UUID) -> sa.Row[Any] | None:
    """The latest that is no proposal."""
    latest = (
        "SELECT * FROM decision WHERE referral_id = :id AND NOT is_proposal ORDER BY decided_at DESC, id DESC LIMIT 1"
    )
    return (await tx.execute(sql(latest), {"id": referral_id})).one_or_none()


async def put_in_force(tx: AsyncConnection, made: Decided, policy: Policy, *, decided_on: UUID | None = None) -> None:
    """Close what the decision has no place for, bring the rest in line, open what is new, and say all of it.

    `decided_on`: the item on which a person decides; none when the rules do.
    """
    await store.propose(tx, made.referral_id, None)
    work = await store.open_work(tx, made.referral_id)
    stays = partial(stays_open, decided_on=decided_on) if decided_on else outlives
    stale = [row for row in work if row.route not in made.decision.routes and not stays(row)]
    await close(tx, stale, ClosureReason.DECIDED_AGAIN, at=made.at, by=made.actor.id, cause=made.cause)
    kept = [row for row in work if row not in stale]
    for row in kept:
        await bring_in_line(tx, row, made, policy)
    routes = frozenset(Route(row.route) for row in kept if not is_call(row))
    await open_all(tx, [replace(made, kept_routes=routes | made.settled)], policy)
    was = {row.id: row.due_at for row in work}
    await store.reckon(tx, made.referral_id, policy.working_time, at=made.at, cause=made.cause, was=was)


async def close(
    tx: AsyncConnection, rows: Sequence[sa.Row[Any]], reason: ClosureReason, *, at: datetime, by: str, cause: Cause
) -> None:
    """End items because of something else, and say so."""
    await store.end(tx, rows, reason=reason.value, at=at, by=by)
    await outbox.append(tx, [store.about(row, events.WorkItemClosed, at, cause, reason=reason) for row in rows])


# What a decision changes of an open item.


def shown(row: sa.Row[Any], made: Decided, policy: Policy) -> dict[str, Any]:
    """What every item shows of the facts as they are now: marks, contact holds, the warning before the birthday."""
    warn = deadlines.age_out_warning(made.facts.infant, policy, today=day_in_london(made.at))
    own = [mark for mark in row.marks if not (mark == AGES_OUT_SOON and warn)]
    marks = deadlines.marks_of_item(made.decision, own)
    if SAFETY_WORDS in row.marks and SAFETY_WORDS not in marks:
        marks.append(SAFETY_WORDS)  # somebody still has to read what was written first
    return {"marks": marks, "age_out_warning_on": None if row.first_contact_at else warn}


async def bring_in_line(tx: AsyncConnection, row: sa.Row[Any], made: Decided, policy: Policy) -> None:
    """An item that stays: never less urgent. A raised one counts as unopened, and goes on without an answer."""
    planned = deadlines.plan_item(Route(row.route), made, policy)
    urgency = max(Urgency(row.urgency), made.decision.urgency, key=list(Urgency).index)
    is_raised = urgency != row.urgency or (row.route in made.news and not is_call(row))
    counts_from, due = row.counts_from, min(row.base_due_at, planned.due_at)
    if is_raised:
        counts_from = planned.counts_from
    elif row.route == Route.PHASE_HOLD:
        due = row.base_due_at  # counts from the last look, which new facts do not undo
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
    is_resumed = is_raised and row.state == deadlines.ItemState.WAITING_FOR_REFERRER and row.route != Route.INFO_REQUEST
    if is_resumed:
        await store.run_clock(tx, row, made.at)
        values["state"] = deadlines.ItemState.CLAIMED if row.assignee else deadlines.ItemState.OPEN
    await store.change(tx, row, **values)
    if is_resumed and row.assignee:
        await outbox.append(tx, [store.about(row, events.WorkItemClaimed, made.at, made.cause)])
    elif is_resumed:
        more = {"tier": made.decision.tier, "urgency": urgency, "due_at": due}
        await outbox.append(tx, [store.about(row, events.WorkItemOpened, made.at, made.cause, **more)])


# Kept and announced.


async def open_all(tx: AsyncConnection, decided: Sequence[Decided], policy: Policy) -> None:
    """Rows, audit and announcements of decisions, each with its new work items."""
    await keep(tx, decided)
    items = [
        (each, planned)
        for each in decided
        for planned in deadlines.plan(each, policy, each.facts.full_routes)
        if planned.route not in each.kept_routes
    ]
    opened = defaultdict(list)
    for made, row in await _store_new(tx, items, policy):
        opened[made.id].append(row)
    drafts = []
    for each in decided:
        triaged = Draft(each.referral_id, _triaged(each, opened[each.id]), each.at, each.cause)
        drafts += [triaged, *_begun(each, opened[each.id])]
    await outbox.append(tx, drafts)


async def keep(tx: AsyncConnection, decided: Sequence[Decided]) -> None:
    """The rows of decisions, each with its audit entry."""
    rows = [
        {
            "id": each.id,
            "referral_id": each.referral_id,
            "version": each.version,
            "decided_by": each.decided_by.value,
            "actor_id": each.actor.id,
            "decided_at": each.at,
            "facts": each.facts.model_dump_json(),
            "decision": each.decision.model_dump_json(),
            "is_proposal": each.is_proposal,
        }
        for each in decided
    ]
    await tables.insert(tx, tables.decision, rows)
    said = [("referral.proposed" if each.is_proposal else "referral.decided", each) for each in decided]
    entries = [Entry(each.actor, action, each.at, each.referral_id, each.decision.mode.value) for action, each in said]
    await audit.write(tx, entries)


def _triaged(each: Decided, rows: Sequence[SimpleNamespace]) -> events.ReferralTriaged:
    return events.ReferralTriaged.model_construct(
        reference=each.reference,
        agency_id=each.agency_id,
        decision_id=each.id,
        version=each.version,
        decided_by=each.decided_by,
        about=each.facts.kind,
        decision=each.decision,
        is_release=each.is_release,
        opened=tuple(
            events.OpenedItem.model_construct(
                work_item_id=row.id, route=Route(row.route), due_at=row.due_at, waiting_list=_is_listed(row)
            )
            for row in rows
        ),
    )


async def open_new(tx: AsyncConnection, items: Sequence[tuple[Decided, deadlines.PlannedItem]], policy: Policy) -> None:
    """Work items beside a decision that stands, and what is said of each."""
    drafts = []
    for made, row in await _store_new(tx, items, policy):
        more = {"tier": row.tier, "urgency": made.decision.urgency, "due_at": row.due_at}
        opened = store.about(row, events.WorkItemOpened, made.at, made.cause, **more, waiting_list=_is_listed(row))
        drafts += [opened, *_begun(made, [row])]
    await outbox.append(tx, drafts)


async def _store_new(
    tx: AsyncConnection, items: Sequence[tuple[Decided, deadlines.PlannedItem]], policy: Policy
) -> list[tuple[Decided, SimpleNamespace]]:
    """In one statement for any number."""
    asking = {made.id for made, planned in items if planned.state is deadlines.ItemState.WAITING_FOR_REFERRER}
    new = [(made, _row_of(made, planned, policy, is_asking=made.id in asking)) for made, planned in items]
    await store.insert(tx, [row for _, row in new])
    return new


def _row_of(made: Decided, planned: deadlines.PlannedItem, policy: Policy, *, is_asking: bool) -> SimpleNamespace:
    """Of a first decision that asks the referrer the clock stands from the start, but for what is watched.

    A holder has it as if it were given to them: until they look, it goes on escalating. A waiting list is nobody's.
    """
    is_listed = planned.state is deadlines.ItemState.WAITING_LIST
    is_claimed = made.holder is not None and planned.state is deadlines.ItemState.OPEN
    own = (WAITING_LIST,) if is_listed else ()
    row = SimpleNamespace(
        id=uuid7(),
        referral_id=made.referral_id,
        decision_id=made.id,
        reference=made.reference,
        agency_id=made.agency_id,
        about=made.facts.kind.value,
        route=planned.route.value,
        tier=made.decision.tier,
        urgency=made.decision.urgency.value,
        marks=deadlines.marks_of_item(made.decision, own),
        state=(deadlines.ItemState.CLAIMED if is_claimed else planned.state).value,
        assignee=None if is_listed else made.holder,
        received_at=made.received_at,
        counts_from=planned.counts_from,
        base_due_at=planned.due_at,
        due_at=planned.due_at,
        escalate_at=planned.escalate_at,
        age_out_warning_on=deadlines.age_out_warning(made.facts.infant, policy, today=day_in_london(made.at)),
        waiting_since=made.at if planned.state is deadlines.ItemState.WAITING_FOR_REFERRER else None,
    )
    row.clock_stands = is_asking and not is_watched(row)
    return row


def _is_listed(row: SimpleNamespace) -> bool:
    return bool(row.state == deadlines.ItemState.WAITING_LIST)


def _begun(made: Decided, rows: Sequence[SimpleNamespace]) -> list[Draft]:
    """An item that asks the referrer waits from the start; whoever decided has taken theirs on."""
    waits = {"waiting_for": WaitingFor.REFERRER, "stops_clock": made.decision.urgency not in WALL_CLOCK}
    begun: dict[str, tuple[type[events.AboutWorkItem], dict[str, Any]]] = {
        deadlines.ItemState.WAITING_FOR_REFERRER: (events.WorkItemWaiting, waits),
        deadlines.ItemState.CLAIMED: (events.WorkItemClaimed, {}),
    }
    said = [(row, *begun[row.state]) for row in rows if row.state in begun]
    return [store.about(row, event, made.at, made.cause, **more) for row, event, more in said]
