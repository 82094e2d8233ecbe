"""What triage says by itself: decisions, the work they open and close, what nobody opened in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from deploy.demo.history.course import Course, PastItem
from deploy.demo.history.deciding import by_machine
from deploy.demo.history.hours import next_working_day
from deploy.demo.history.mailing import mail
from services.triage.work_items.conditions import SAFETY
from services.triage.work_items.deadlines import ItemState, Since, first_escalation, plan_item
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
    """The machine decides on what was told last, as of the receipt."""
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


def override(course: Course, at: datetime, route: Route, tier: Tier) -> None:
    """A person decides otherwise."""
    machine = _machine(course, at, since=course.received_at)
    full = course.world.places.full(day_in_london(at))
    decision = decision_of_a_person(machine, routes=(route,), tier=tier, urgency=course.urgency, full=full)
    settle(course, at, decision, DecidedBy.PERSON)


def _machine(course: Course, at: datetime, *, since: datetime) -> Decision:
    full = course.world.places.full(day_in_london(at))
    return by_machine(course.family.facts, received_at=since, now=at, policy=course.policy, full=full)


def settle(
    course: Course, at: datetime, decision: Decision, decided_by: DecidedBy, *, is_release: bool = False
) -> None:
    """Close what the decision has no place for, say it, open work for the rest of its routes."""
    stale = [item for item in course.open_items if _is_stale(item, decision, decided_by)]
    _close(course, at, stale)
    kept = {item.route for item in course.open_items if not item.is_undeliverable}
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
            _open(course, at, route, since)


def _is_stale(item: PastItem, decision: Decision, decided_by: DecidedBy) -> bool:
    if item.route in decision.routes or item.accepted_at or item.is_undeliverable:
        return False
    if item.route in SAFETY and not item.is_looked_at:
        return False
    return not (item.is_persons and decided_by is DecidedBy.MACHINE)


def _close(course: Course, at: datetime, items: Sequence[PastItem]) -> None:
    for item in items:
        course.say(at, item, WorkItemClosed, reason=ClosureReason.DECIDED_AGAIN)
        course.end(item, at)


def close_others(course: Course, at: datetime, declined: PastItem) -> None:
    """A decline ends every other item that nobody has taken on, but no unread safety work."""
    others = [
        item
        for item in course.open_items
        if item is not declined and item.is_to_do and not item.is_undeliverable
        if item.is_looked_at or item.route not in SAFETY
    ]
    _close(course, at, others)


def _open(course: Course, at: datetime, route: Route, since: Since) -> None:
    decision, full = since.decision, course.world.places.full(day_in_london(at))
    planned = plan_item(route, since, course.policy, full)
    is_on_list = planned.state is ItemState.WAITING_LIST
    item = PastItem(
        course.chance.id(at),
        route,
        decision.urgency,
        at,
        is_persons="person" in decision.rules,
        is_on_list=is_on_list,
        is_waiting=planned.state is ItemState.WAITING_FOR_REFERRER,
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
        waiting_list=is_on_list,
    )
    if item.is_waiting:
        course.say(at, item, WorkItemWaiting, waiting_for=WaitingFor.REFERRER)
        mail(course, at, MessageKind.INFORMATION_REQUEST, because_of=said)
    _watch(course, item, since.received_at if since.is_first else at)
    course.plan(course, item)


def _watch(course: Course, item: PastItem, counted_from: datetime) -> None:
    """What time alone will bring about: nobody opens it, or support is about to end."""
    first_at = first_escalation(item.urgency, since=counted_from, times=course.policy.working_time)
    if not course.chance.happens(_LOOKED_AT):
        course.later(max(first_at, item.opened_at + timedelta(minutes=1)), lambda at: _escalate(course, item, at, 1))
    born_on = course.family.facts.infant.born_on
    if born_on and item.route in FAMILY_WORK:
        on = months_later(born_on, course.policy.priority.time_short_months)
        if on > day_in_london(item.opened_at):
            at = datetime.combine(on, datetime.min.time(), item.opened_at.tzinfo) + _SETTLED_HOUR
            course.later(at, lambda at: _warn_of_age(course, item, at))


def _escalate(course: Course, item: PastItem, at: datetime, times: int) -> None:
    """Said aloud, and again, until somebody opens it."""
    if item.is_looked_at or not item.is_to_do or item.is_waiting or times > _ESCALATIONS:
        return
    reason, again_at = EscalationReason.UNOPENED_WORKING_DAY, at + timedelta(days=1)
    if item.urgency in WALL_CLOCK:
        reason = EscalationReason.UNOPENED_FIRST if times == 1 else EscalationReason.UNOPENED_SECOND
        again_at = at + timedelta(minutes=45 if times == 1 else 60)
    else:
        again_at += next_working_day(day_in_london(again_at)) - day_in_london(again_at)
    said = course.say(at, item, WorkItemEscalated, reason=reason)
    if item.urgency in WALL_CLOCK:
        mail(course, at, MessageKind.ON_CALL, because_of=said)
    course.later(again_at, lambda at: _escalate(course, item, at, times + 1))


def _warn_of_age(course: Course, item: PastItem, at: datetime) -> None:
    if item.is_open and item.contacted_at is None:
        course.say(at, item, WorkItemEscalated, reason=EscalationReason.AGES_OUT_SOON)


def ring_agency(course: Course, at: datetime) -> None:
    """A message was given up: somebody has to ring, unless that is on the list already."""
    if any(item.is_undeliverable for item in course.open_items):
        return
    item = PastItem(course.chance.id(at), Route.REVIEW, Urgency.URGENT, at, is_undeliverable=True)
    course.items.append(item)
    course.ended_at = None
    times = course.policy.working_time
    due = due_at(at, days=times.seen_days, hours=times)
    course.say(at, item, WorkItemOpened, tier=None, urgency=Urgency.URGENT, due_at=due)
    course.plan(course, item)
