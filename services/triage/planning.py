"""From a decision to its work items: by when each is due, when an unopened one escalates, its marks. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.events import Decision, Facts, Hold, Infant, Route, Urgency
from shared.policy import Policy
from shared.working_time import day_in_london, due_at

MARKS: Final = {
    "M1": "priority",
    "M3": "twins",
    "M4": "sibling_open",
    "M5": "father",
    "M6": "accessible_information",
    "M7": "time_short",
    "M8": "waiting_list",
    "Q1": "nhs_number_invalid",
    "Q2": "postcode_terminated",
    "Q3": "re_referral",
    "Q4": "repeat",
    "I3": "duplicate",
    "X2": "young_parent",
    "S3": "child_protection",
    "E13s": "consent_overridden",
}
"""Rules that a worker sees as a mark in the queue."""

FAMILY_WORK: Final = frozenset(
    {Route.UNIVERSAL, Route.TARGETED, Route.PIR_SHORT, Route.PIR_LONG, Route.PNMH, Route.ADULT_MH}
)
"""Routes where a team works with the family: due is the first contact. Elsewhere due is a decision."""
SAFEGUARDING: Final = frozenset(
    {Route.MASH, Route.MASH_HOME_LA, Route.EMERGENCY_CALL, Route.SAFEGUARDING_LEAD, Route.SOCIAL_WORKER_LINK}
)
FOR_A_PERSON_TO_CLOSE: Final = SAFEGUARDING | {
    Route.PNMH_EMERGENCY,
    Route.BEREAVEMENT_REVIEW,
    Route.REVIEW_BIRTH_OUTCOME,
}
"""Unread, items of these routes are never closed by another decision: somebody has to look first."""
UNDELIVERABLE: Final = "undeliverable"
OWN_MARKS: Final = frozenset({UNDELIVERABLE, "ages_out_soon", "waiting_list"})
"""Marks of the item itself, whatever is decided later."""
WALL_CLOCK: Final = {Urgency.NOW: timedelta(0), Urgency.FOUR_HOURS: timedelta(hours=4)}
"""Nights and weekends count; `now` is due at once."""


class ItemState(StrEnum):
    """The states in which an item can begin."""

    OPEN = "open"
    WAITING_LIST = "waiting_list"
    WAITING_FOR_REFERRER = "waiting_for_referrer"


@dataclass(frozen=True, slots=True)
class Plan:
    """When things are due for one route of a decision; times are UTC."""

    route: Route
    due_at: datetime
    escalate_at: datetime | None
    state: ItemState


def plan(
    decision: Decision, *, received_at: datetime, policy: Policy, full_routes: Collection[Route] = ()
) -> list[Plan]:
    """One plan per route of the decision, counted from `received_at` (or the decision, for one made again)."""
    return [
        plan_of(route, decision, received_at=received_at, policy=policy, full_routes=full_routes)
        for route in decision.routes
    ]


def plan_of(
    route: Route, decision: Decision, *, received_at: datetime, policy: Policy, full_routes: Collection[Route] = ()
) -> Plan:
    """Information asked for waits on the referrer from the start; only routes that are full have a waiting list."""
    state = ItemState.OPEN
    escalate_at = first_escalation(decision.urgency, received_at=received_at, policy=policy)
    if route is Route.INFO_REQUEST:
        state = ItemState.WAITING_FOR_REFERRER
        escalate_at = _unanswered(decision, received_at=received_at, policy=policy)
    elif "M8" in decision.rules and route in FAMILY_WORK and route in full_routes:
        state = ItemState.WAITING_LIST
    return Plan(
        route=route,
        due_at=due(route, decision, received_at=received_at, policy=policy),
        escalate_at=escalate_at,
        state=state,
    )


def _unanswered(decision: Decision, *, received_at: datetime, policy: Policy) -> datetime:
    """A referrer who never answers must not hide a family: somebody looks then, sooner under domestic abuse."""
    times = policy.working_time
    days = times.seen_days if "S7" in decision.rules else times.decision_days
    return due_at(received_at, days=days, hours=times)


def due(route: Route, decision: Decision, *, received_at: datetime, policy: Policy) -> datetime:
    """By when: the wall clock for `now` and `4h`, else working days of the policy."""
    if (within := WALL_CLOCK.get(decision.urgency)) is not None:
        return received_at + within
    times = policy.working_time
    if decision.urgency is Urgency.WORKING_DAY or route in SAFEGUARDING:
        days = times.safeguarding_days
    elif route in FAMILY_WORK:
        is_soon = "M1" in decision.rules or decision.urgency is Urgency.URGENT
        days = times.first_contact_priority_days if is_soon else times.first_contact_days
    else:
        days = times.decision_days
    return due_at(received_at, days=days, hours=times)


def first_escalation(urgency: Urgency, *, received_at: datetime, policy: Policy) -> datetime:
    """When an item nobody opened is brought to attention: 15 minutes by the clock, or after one working day."""
    times = policy.working_time
    if urgency in WALL_CLOCK:
        return received_at + timedelta(minutes=times.unopened_first_minutes)
    return due_at(received_at, days=times.seen_days, hours=times)


def marks(decision: Decision) -> list[str]:
    """Marks for the queue, in the order of the rules; contact holds last."""
    found = [MARKS[rule] for rule in decision.rules if rule in MARKS]
    return [*found, *(f"contact_hold_{hold.value.lower()}" for hold in (Hold.C1, Hold.C2) if hold in decision.holds)]


def marks_of_item(decision: Decision, own: Collection[str] = ()) -> list[str]:
    """Marks of one item: the decision's, and its own, for another route of the decision may be the full one."""
    found = [mark for mark in marks(decision) if mark not in OWN_MARKS]
    return [*found, *(mark for mark in own if mark in OWN_MARKS)]


def higher(one: Urgency, other: Urgency) -> Urgency:
    """The more urgent of two."""
    return max(one, other, key=list(Urgency).index)


def counted_from(infant: Infant, *, received_at: datetime, now: datetime) -> datetime:
    """The moment as of which to decide: the first receipt; for a birth told since, now, when it is in the past."""
    if infant.born_on and day_in_london(received_at) < infant.born_on <= day_in_london(now):
        return now
    return received_at


def age_out_warning(infant: Infant, policy: Policy) -> date | None:
    """The day from which little time is left before the second birthday; None for a baby not born yet."""
    if infant.born_on is None:
        return None
    months = infant.born_on.year * 12 + infant.born_on.month - 1 + policy.priority.time_short_months
    year, month = divmod(months, 12)
    try:
        return infant.born_on.replace(year=year, month=month + 1)
    except ValueError:  # the 29th to 31st of a shorter month
        return date(year, month + 1, 28)


def full_routes_of(facts: Facts, full: frozenset[Route]) -> Facts:
    """The facts with what triage knows of capacity."""
    routes = tuple(route for route in Route if route in full)
    return facts if facts.full_routes == routes else facts.model_copy(update={"full_routes": routes})
