"""Work with a family: taken up, waited for a place, accepted, the first contact, the end."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from deploy.demo.chance import Weighed
from deploy.demo.history import asking, working
from deploy.demo.history.course import Course, PastItem
from deploy.demo.history.hours import at_work, by, later, missing
from shared.events import ClosureReason, DeclineReason, PlaceKind, Route, Tier, Urgency
from shared.working_time import day_in_london, months_later

DECLINES: Final = (DeclineReason.NOT_SUITABLE, DeclineReason.NEED_MET_ELSEWHERE, DeclineReason.NEED_MET_ELSEWHERE)
_FATES: Final[Weighed[str]] = (
    ("accept", 84), ("ask", 5), ("decline", 3), ("override", 2.5), ("close", 3), ("leave", 1.5), ("release", 1),
)  # fmt: skip
_STAYS: Final = {
    Route.UNIVERSAL: 35,
    Route.TARGETED: 60,
    Route.PIR_SHORT: 95,
    Route.PIR_LONG: 230,
    Route.PNMH: 90,
    Route.ADULT_MH: 70,
}
"""Days a family stays, on average."""
_ENDS: Final[Weighed[ClosureReason]] = (
    (ClosureReason.COMPLETED, 64),
    (ClosureReason.NO_FURTHER_NEED, 12),
    (ClosureReason.DID_NOT_ATTEND, 8),
    (ClosureReason.FAMILY_ASKED, 6),
    (ClosureReason.MOVED_AWAY, 6),
    (ClosureReason.PASSED_ON, 4),
)
_GAVE_UP: Final = (ClosureReason.DID_NOT_ATTEND, ClosureReason.FAMILY_ASKED, ClosureReason.MOVED_AWAY)
_IN_A_GROUP: Final = {Route.UNIVERSAL: 0.5, Route.TARGETED: 0.35, Route.PIR_SHORT: 0.25, Route.PIR_LONG: 0.2}
_WRITTEN_LATER: Final = 0.1
"""How often a first contact is written down some days after it was made."""
_PATIENCE_DAYS: Final = 150
"""Most families have left the waiting list by then."""


def first_look(course: Course, item: PastItem) -> datetime:
    """When somebody takes an item up: in time as often as the season says; later ones within days."""
    chance, due = course.chance, course.due(course.policy.working_time.seen_days)
    if day_in_london(item.opened_at) > due:
        return later(chance, after=item.opened_at, days=chance.wait(1.5))
    if chance.happens(course.season.seen_in_time):
        return by(chance, due, after=item.opened_at)
    return missing(chance, due, after=item.opened_at, days=2)


def begin(course: Course, item: PastItem) -> None:
    """Taken up, and then most often accepted."""
    chance = course.chance
    looked_at, fate = first_look(course, item), chance.weighed(_FATES)
    next_at = looked_at
    if fate != "accept" or chance.happens(0.65):
        course.later(looked_at, lambda at: working.claim(course, item, at))
        next_at = later(chance, after=looked_at, days=chance.wait(1.3))
    if fate == "accept":
        course.later(next_at, lambda at: take_on(course, item, at))
    elif fate == "ask":
        course.later(next_at, lambda at: asking.ask(course, item, at, take_on))
    elif fate == "decline":
        course.later(next_at, lambda at: working.decline(course, item, at, chance.of(DECLINES)))
    elif fate == "override":
        course.later(next_at, lambda at: working.override(course, item, at, Route.TARGETED, Tier.TARGETED))
    elif fate == "close":
        tried_at = later(chance, after=looked_at, days=chance.between(10, 25))
        course.later(tried_at, lambda at: working.close(course, item, at, chance.of(_GAVE_UP)))
    elif fate == "release":
        course.later(next_at, lambda at: working.release(course, item, at))
        course.later(later(chance, after=next_at, days=3), lambda at: take_on(course, item, at))


def take_on(course: Course, item: PastItem, at: datetime) -> None:
    """Accepted in a place, now or when one is free."""
    if not item.is_to_do:
        return
    chance = course.chance
    stay = max(7, round(chance.around(_STAYS[item.route], _STAYS[item.route] / 3)))
    wanted = PlaceKind.GROUP if chance.happens(_IN_A_GROUP.get(item.route, 0.0)) else PlaceKind.INDIVIDUAL
    if item.route not in course.world.places.routes:
        _accept(course, item, at, wanted, stay)
        return
    taken = course.world.places.take(item.route, wanted, on=day_in_london(at), days=stay)
    if taken is None:
        _leave_the_list(course, item, at)
        return
    place, free_on = taken
    if free_on <= day_in_london(at):
        _accept(course, item, at, place, stay)
        return
    working.wait_for_place(course, item, at)
    free_at = at_work(chance, after=at, on=free_on)
    course.later(free_at, lambda at: _accept(course, item, at, place, stay))
    if chance.happens(min(0.6, (free_on - day_in_london(at)).days / _PATIENCE_DAYS / 2)):
        left_at = later(chance, after=at, days=chance.between(10, (free_on - day_in_london(at)).days + 11))
        course.later(left_at, lambda at: working.leave_the_list(course, item, at, chance.of(_GAVE_UP)))


def _leave_the_list(course: Course, item: PastItem, at: datetime) -> None:
    """No place for a very long time: waits until support ends, or gives up."""
    working.wait_for_place(course, item, at)
    left_at = later(course.chance, after=at, days=course.chance.between(60, 200))
    course.later(left_at, lambda at: working.close(course, item, at, _why(course, at, course.chance.of(_GAVE_UP))))


def _accept(course: Course, item: PastItem, at: datetime, place: PlaceKind, stay: int) -> None:
    if not working.accept(course, item, at, place):
        return
    chance = course.chance
    if chance.happens(0.04):
        given_up_at = later(chance, after=at, days=chance.between(15, 40))
        course.later(given_up_at, lambda at: working.close(course, item, at, chance.of(_GAVE_UP)))
        return
    met_at = _met_at(course, at)
    if chance.happens(_WRITTEN_LATER):
        written_at, met_on = later(chance, after=met_at, days=1 + chance.wait(2)), day_in_london(met_at)
        course.later(written_at, lambda at: working.contact(course, item, at, on=met_on))
    else:
        course.later(met_at, lambda at: working.contact(course, item, at))
    ended_at = later(chance, after=met_at, days=stay)
    course.later(ended_at, lambda at: working.close(course, item, at, _why(course, at, chance.weighed(_ENDS))))


def _met_at(course: Course, at: datetime) -> datetime:
    """The first contact: in time as often as the season says, where there is time left."""
    times, chance = course.policy.working_time, course.chance
    is_soon = course.is_priority or course.urgency is Urgency.URGENT
    due = course.due(times.first_contact_priority_days if is_soon else times.first_contact_days)
    if chance.happens(course.season.contacted_in_time):
        return by(chance, _at_the_latest(due, at), after=at)
    return missing(chance, max(due, day_in_london(at)), after=at, days=5)


def _at_the_latest(due: date, at: datetime) -> date:
    """Where the due day has passed, within two weeks."""
    return due if due >= day_in_london(at) else day_in_london(at) + timedelta(days=14)


def _why(course: Course, at: datetime, reason: ClosureReason) -> ClosureReason:
    """Aged out, when support has ended meanwhile."""
    born_on = course.family.facts.infant.born_on
    if born_on and months_later(born_on, course.policy.age.support_ends_months) <= day_in_london(at):
        return ClosureReason.AGED_OUT
    return reason
