"""From a decision to its work items: by when each is due, whom an unopened one is brought to, its marks. Pure.

A deadline counts from one of three moments. A team's first contact: from the start of the referral (its receipt, or the
release of its ward), as the contract counts it. A decision: the same until the referral was decided, from then on the
later decision that asks for it. Safety: the receipt, or the later decision that brought it up.

Reports reckon the first contact for themselves (`Case.contact_due_on` in services/metrics/counting/cases.py);
tests/integration/triage/test_life_of_a_referral.py compares both over random histories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from services.triage.work_items.conditions import (
    CALLS,
    OWN_MARKS,
    SAFETY,
    SAFETY_WORDS,
    WAITING_LIST,
    is_watched,
)
from shared.events import (
    FAMILY_WORK,
    SAFEGUARDING,
    WALL_CLOCK,
    Decision,
    EscalationReason,
    Facts,
    Hold,
    Infant,
    Route,
    Urgency,
)
from shared.policy import Policy, WorkingTime
from shared.working_time import LONDON, Stop, day_in_london, due_at, months_later, moved

MARKS: Final = {
    "M1": "priority",
    "M3": "twins",
    "M4": "sibling_open",
    "M5": "father",
    "M6": "accessible_information",
    "M7": "time_short",
    "M8": WAITING_LIST,
    "Q1": "nhs_number_invalid",
    "Q2": "postcode_terminated",
    "Q3": "re_referral",
    "Q4": "repeat",
    "I3": "duplicate",
    "X2": "young_parent",
    "S3": "child_protection",
    "E13s": "consent_overridden",
    "A1": SAFETY_WORDS,
}
"""Rules that a worker sees as a mark in the queue."""
HOUR: Final = timedelta(hours=1)


class ItemState(StrEnum):
    """`declined` and `closed` are the ends."""

    OPEN = "open"
    CLAIMED = "claimed"
    WAITING_LIST = "waiting_list"
    WAITING_FOR_REFERRER = "waiting_for_referrer"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """A decision, as far as its deadlines count from it.

    `started_at` is the receipt, or the release of a ward; `was_decided`: an earlier decision stood already;
    `had_priority`: an earlier one had M1, which a family does not lose by telling more.
    """

    decision: Decision
    received_at: datetime
    started_at: datetime
    at: datetime
    is_first: bool = False
    was_decided: bool = False
    had_priority: bool = False


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One route of a decision; times are UTC. `due_at` is without what the clock has stood."""

    route: Route
    counts_from: datetime
    due_at: datetime
    escalate_at: datetime | None
    state: ItemState


def plan(made: Since, policy: Policy, full_routes: Collection[Route] = ()) -> list[PlannedItem]:
    """One item per route of the decision, in its order."""
    return [plan_item(route, made, policy, full_routes) for route in made.decision.routes]


def plan_item(route: Route, made: Since, policy: Policy, full_routes: Collection[Route] = ()) -> PlannedItem:
    """Information asked for waits on the referrer from the start; only routes that are full have a waiting list.

    A referrer who never answers must not hide a family: somebody looks then, sooner under domestic abuse (S7).
    """
    decision, times = made.decision, policy.working_time
    state = ItemState.OPEN
    news_at = made.received_at if made.is_first else made.at
    escalate_at = first_escalation(decision.urgency, since=news_at, times=times)
    if route is Route.INFO_REQUEST:
        state = ItemState.WAITING_FOR_REFERRER
        days = times.seen_days if "S7" in decision.rules else times.decision_days
        escalate_at = due_at(news_at, days=days, hours=times)
    elif "M8" in decision.rules and route in FAMILY_WORK and route in full_routes:
        state = ItemState.WAITING_LIST
    counts_from = _counts_from(route, made, news_at)
    due = _due(route, made, since=counts_from, times=times)
    return PlannedItem(route, counts_from, due, escalate_at, state)


def _counts_from(route: Route, made: Since, news_at: datetime) -> datetime:
    if made.decision.urgency in WALL_CLOCK:
        return news_at
    if route in FAMILY_WORK:
        return made.started_at
    if made.decision.urgency is Urgency.WORKING_DAY or route in SAFETY:
        return news_at
    return made.at if made.was_decided else made.started_at


def _due(route: Route, made: Since, *, since: datetime, times: WorkingTime) -> datetime:
    """By when: the wall clock for `now` and `4h`, else working days of the policy. Priority (M1), once given, stays."""
    decision = made.decision
    if (within := WALL_CLOCK.get(decision.urgency)) is not None:
        return since + within
    if route is Route.PHASE_HOLD:
        return look_again_at(since, times)
    if route in FAMILY_WORK:
        has_priority = made.had_priority or "M1" in decision.rules
        days = times.first_contact_priority_days if has_priority else times.first_contact_days
    elif decision.urgency is Urgency.WORKING_DAY or route in SAFEGUARDING:
        days = times.safeguarding_days
    else:
        days = times.decision_days
    return due_at(since, days=days, hours=times)


def look_again_at(since: datetime, times: WorkingTime) -> datetime:
    """When a family that waits for its ward is looked at again: at the close of a working day, some months after."""
    day = months_later(day_in_london(since), times.hold_review_months)
    return due_at(datetime.combine(day, times.opens, LONDON), days=0, hours=times)


def moved_due(item: Any, stops: Iterable[Stop], *, started_at: datetime, times: WorkingTime) -> tuple[datetime, bool]:
    """When an item is due by the stops of its referral's clock, and whether that clock stands for it now.

    An item that began to count later than the referral (`started_at`) gets nothing for what stood before. Watched items
    never stand; nor does what was late before the question.
    """
    if is_watched(item):
        return item.base_due_at, False
    since: datetime = item.counts_from if item.counts_from > started_at else datetime.min.replace(tzinfo=UTC)
    own = [(max(stopped, since), ran) for stopped, ran in stops if ran is None or ran > since]
    due = moved(item.base_due_at, own, hours=times)
    return due, any(ran is None and stopped <= due for stopped, ran in own)


def first_escalation(urgency: Urgency, *, since: datetime, times: WorkingTime) -> datetime:
    """When an item nobody opened is brought to attention: 15 minutes by the clock, or after one working day."""
    if urgency in WALL_CLOCK:
        return since + timedelta(minutes=times.unopened_first_minutes)
    return due_at(since, days=times.seen_days, hours=times)


def call_again(row: Any, *, now: datetime) -> datetime | None:
    """When on-call hears of an item that somebody opens `now` or has opened: at its due time, and each hour after it.

    None for what does not run on the wall clock: opened, it is its holder's.
    """
    if row.urgency not in WALL_CLOCK:
        return None
    due: datetime = row.due_at
    return due if due > now else due + ((now - due) // HOUR + 1) * HOUR


def next_escalation(row: Any, *, now: datetime, times: WorkingTime) -> datetime:
    """After one at `now`. Unopened `now` and `4h`: the second time of the policy, then every hour; others daily."""
    if row.urgency not in WALL_CLOCK:
        return due_at(now, days=1, hours=times)
    if row.opened_first_at is not None:
        return call_again(row, now=now) or now + HOUR
    second: datetime = row.counts_from + timedelta(minutes=times.unopened_second_minutes)
    return second if row.escalations == 0 and second > now else now + HOUR


def escalation_reason(row: Any) -> EscalationReason:
    if row.urgency not in WALL_CLOCK:
        return EscalationReason.UNOPENED_WORKING_DAY
    if row.opened_first_at is not None:
        return EscalationReason.STILL_OPEN
    return EscalationReason.UNOPENED_FIRST if row.escalations == 0 else EscalationReason.UNOPENED_SECOND


def marks_of_item(decision: Decision, own: Collection[str] = ()) -> list[str]:
    """Marks of one item: the decision's in the order of its rules, contact holds, and its own.

    Own marks are no other item's: another route of the decision may be the full one. Somebody to ring
    (CALLS) is no safety work, whatever was decided.
    """
    not_its = {*OWN_MARKS, *({SAFETY_WORDS} if CALLS.intersection(own) else ())}
    found = [MARKS[rule] for rule in decision.rules if rule in MARKS and MARKS[rule] not in not_its]
    holds = (f"contact_hold_{hold.value.lower()}" for hold in (Hold.C1, Hold.C2) if hold in decision.holds)
    return [*found, *holds, *(mark for mark in own if mark in OWN_MARKS)]


def is_told_since(born_on: date | None, before: date | None, *, received_at: datetime, now: datetime) -> bool:
    """Whether a birth after the receipt is told `now`, and not only ahead: it is decided as of now."""
    if born_on is None or born_on == before:
        return False
    return day_in_london(received_at) < born_on <= day_in_london(now)


def age_out_warning(infant: Infant, policy: Policy, *, today: date) -> date | None:
    """The day from which little time is left before the second birthday.

    None before a birth is told, and when that day has come: the decision says so itself (M7).
    """
    if infant.born_on is None:
        return None
    day = months_later(infant.born_on, policy.priority.time_short_months)
    return day if day > today else None


def full_routes_of(facts: Facts, full: Collection[Route]) -> Facts:
    """The facts with what triage knows of capacity."""
    routes = tuple(route for route in Route if route in full) if full else ()
    return facts if facts.full_routes == routes else facts.model_copy(update={"full_routes": routes})
