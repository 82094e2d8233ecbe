"""What triage says by itself: decisions, the work they open and close, what nobody opened in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from deploy.demo.history.course import Course, PastItem
from deploy.demo.history.mailing import mail
from services.triage import rules
from services.triage.work_items.conditions import UNDELIVERABLE, WAITING_LIST, is_call, outlives, stays_open
from services.triage.work_items.deadlines import (
    ItemState,
    Since,
    escalation_reason,
    first_escalation,
    full_routes_of,
    is_told_since,
    marks_of_item,
    next_escalation,
    plan_item,
)
from services.triage.work_items.deciding import decision_of_a_person
from shared.events import (
    FAMILY_WORK,
    WALL_CLOCK,
    ClosureReason,
    DecidedBy,
    Decision,
    EscalationReason,
    MessageKind,
    Mode,
    ReferralTriaged,
    Route,
    Tier,
    Urgency,
    WaitingFor,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemEscalated,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.working_time import day_in_london, due_at, months_later

_LOOKED_AT: Final = 0.75
"""How often somebody has at least looked at an item before it is brought to attention."""
_ESCALATIONS: Final = 4
_SETTLED_HOUR: Final = timedelta(hours=5)


def decide(course: Course, at: datetime) -> None:
    """The machine decides on what was told last, as of the receipt; beside a person's decision it only proposes."""
    if course.is_withdrawn or course.is_a_persons:
        return
    decision = _machine(course, at, since=course.received_at)
    settle(course, at, decision, DecidedBy.MACHINE)
    ward = course.policy.ward_by_code.get(course.family.facts.place.ward or "")
    if "E9" in decision.rules and ward and ward.opens_on:
        opens = datetime.combine(ward.opens_on, datetime.min.time(), at.tzinfo) + _SETTLED_HOUR
        course.later(opens, lambda at: release(course, at))


def release(course: Course, at: datetime) -> None:
    """The ward is open now: what was held for it is decided again, as of now."""
    if any(item.route is Route.PHASE_HOLD and item.is_to_do for item in course.items):
        course.released_at = at
        settle(course, at, _machine(course, at, since=at), DecidedBy.MACHINE, is_release=True)


def override(course: Course, at: datetime, item: PastItem, route: Route, tier: Tier, *, holder: str) -> None:
    """A person decides otherwise, on this item; the new work is theirs."""
    machine = _machine(course, at, since=course.received_at)
    full = course.world.places.full(day_in_london(at))
    decision = decision_of_a_person(machine, routes=(route,), tier=tier, urgency=course.urgency, full=full)
    settle(course, at, decision, DecidedBy.PERSON, decided_on=item.id, holder=holder)


def _machine(course: Course, at: datetime, *, since: datetime) -> Decision:
    """By triage's rules: as of `since`, or of now for a birth that is told since. What is full has a waiting list."""
    facts, full = course.family.facts, course.world.places.full(day_in_london(at))
    is_told = is_told_since(facts.infant.born_on, None, received_at=since, now=at)
    as_of = at if is_told else since
    return rules.decide(full_routes_of(facts, frozenset(full)), received_at=as_of, policy=course.policy)


def settle(
    course: Course,
    at: datetime,
    decision: Decision,
    decided_by: DecidedBy,
    *,
    is_release: bool = False,
    decided_on: UUID | None = None,
    holder: str | None = None,
) -> None:
    """Close what the decision has no place for, say it, open work for the rest of its routes."""
    stays = partial(stays_open, decided_on=decided_on) if decided_on else outlives
    close(course, at, [item for item in course.open_items if item.route not in decision.routes and not stays(item)])
    kept = {item.route for item in course.open_items if not is_call(item)}
    course.decided_by_person = decided_by is DecidedBy.PERSON
    course.urgency, course.is_priority = decision.urgency, course.is_priority or "M1" in decision.rules
    said = course.teller.say(
        at,
        ReferralTriaged,
        decision_id=course.chance.id(at),
        version=course.version,
        decided_by=decided_by,
        decision=decision,
        is_release=is_release,
    )
    is_first = decided_by is DecidedBy.MACHINE and not is_release
    kind = MessageKind.DECISION if is_first else MessageKind.OUTCOME
    mail(course, at, kind, because_of=said, given_up=lambda at: ring_agency(course, at))
    since = Since(
        decision=decision,
        received_at=course.received_at,
        started_at=at if is_release else course.received_at,
        at=at,
        is_first=is_first and course.version == 1,
        was_decided=course.is_decided,
        had_priority=course.is_priority,
    )
    course.is_decided |= decided_by is DecidedBy.PERSON or decision.mode is Mode.AUTO_ROUTE
    for route in decision.routes:
        if route not in kept:
            _open(course, at, route, since, holder)


def close(
    course: Course,
    at: datetime,
    items: Sequence[PastItem],
    reason: ClosureReason = ClosureReason.DECIDED_AGAIN,
    **said: Any,
) -> None:
    """Items end because of something else."""
    for item in items:
        item.state = ItemState.CLOSED
        course.say(at, item, WorkItemClosed, reason=reason, **said)
        course.end(at)


def _open(course: Course, at: datetime, route: Route, since: Since, holder: str | None) -> None:
    decision, full = since.decision, course.world.places.full(day_in_london(at))
    planned = plan_item(route, since, course.policy, full)
    waits = planned.state is ItemState.WAITING_LIST
    item = PastItem(
        course.chance.id(at),
        route,
        decision.urgency,
        at,
        planned.counts_from,
        planned.due_at,
        planned.state,
        tuple(marks_of_item(decision, [WAITING_LIST] if waits else [])),
    )
    course.items.append(item)
    course.ended_at = None
    said = course.say(
        at,
        item,
        WorkItemOpened,
        tier=decision.tier,
        urgency=decision.urgency,
        due_at=planned.due_at,
        waiting_list=waits,
    )
    if holder and item.state is ItemState.OPEN:
        item.state, item.assignee = ItemState.CLAIMED, holder
        course.say(at, item, WorkItemClaimed)
    if item.state is ItemState.WAITING_FOR_REFERRER:
        course.say(at, item, WorkItemWaiting, waiting_for=WaitingFor.REFERRER)
        mail(course, at, MessageKind.INFORMATION_REQUEST, because_of=said)
    _watch(course, item, since.received_at if since.is_first else at)
    course.plan(course, item)


def _watch(course: Course, item: PastItem, counted_from: datetime) -> None:
    """What time alone will bring about: nobody opens it, or support is about to end."""
    first_at = first_escalation(item.urgency, since=counted_from, times=course.policy.working_time)
    if not course.chance.happens(_LOOKED_AT):
        course.later(max(first_at, item.opened_at + timedelta(minutes=1)), lambda at: _escalate(course, item, at))
    born_on = course.family.facts.infant.born_on
    if born_on and item.route in FAMILY_WORK:
        on = months_later(born_on, course.policy.priority.time_short_months)
        if on > day_in_london(item.opened_at):
            at = datetime.combine(on, datetime.min.time(), item.opened_at.tzinfo) + _SETTLED_HOUR
            course.later(at, lambda at: _warn_of_age(course, item, at))


def _escalate(course: Course, item: PastItem, at: datetime) -> None:
    """Said aloud, and again, until somebody opens it."""
    is_asked = item.state is ItemState.WAITING_FOR_REFERRER
    if item.opened_first_at or not item.is_to_do or is_asked or item.escalations == _ESCALATIONS:
        return
    said = course.say(at, item, WorkItemEscalated, reason=escalation_reason(item))
    if item.urgency in WALL_CLOCK:
        mail(course, at, MessageKind.ON_CALL, because_of=said)
    again_at = next_escalation(item, now=at, times=course.policy.working_time)
    item.escalations += 1
    course.later(again_at, lambda at: _escalate(course, item, at))


def _warn_of_age(course: Course, item: PastItem, at: datetime) -> None:
    if item.is_open and item.first_contact_at is None:
        course.say(at, item, WorkItemEscalated, reason=EscalationReason.AGES_OUT_SOON)


def ring_agency(course: Course, at: datetime) -> None:
    """A message was given up: somebody has to ring, unless that is on the list already."""
    if any(is_call(item) for item in course.open_items):
        return
    times = course.policy.working_time
    due = due_at(at, days=times.seen_days, hours=times)
    item = PastItem(course.chance.id(at), Route.REVIEW, Urgency.URGENT, at, at, due, marks=(UNDELIVERABLE,))
    course.items.append(item)
    course.ended_at = None
    course.say(at, item, WorkItemOpened, tier=None, urgency=Urgency.URGENT, due_at=due)
    course.plan(course, item)
