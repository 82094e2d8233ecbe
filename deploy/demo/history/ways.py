"""What will be done with a work item, and when: settled when it is opened, by the kind of work and the season."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from deploy.demo.chance import Weighed
from deploy.demo.history import asking, family_work, working
from deploy.demo.history.course import Course, PastItem
from deploy.demo.history.hours import at_work, by, later, missing
from services.triage.work_items.conditions import SAFETY, is_call
from shared.events import FAMILY_WORK, WALL_CLOCK, ClosureReason, DeclineReason, Route, Tier
from shared.working_time import day_in_london, due_on

Way = Callable[[Course, PastItem], None]

_DECLINES: Final = {
    Route.SIGNPOST_AGE: DeclineReason.OVER_AGE,
    Route.SIGNPOST_AREA: DeclineReason.OUT_OF_AREA,
    Route.ADVICE_TO_REFERRER: DeclineReason.CONSENT_REFUSED,
    Route.REVIEW_DUPLICATE: DeclineReason.DUPLICATE,
}
_AFTER_REVIEW: Final[Weighed[tuple[Route, Tier]]] = (
    ((Route.PIR_SHORT, Tier.SPECIALIST_SHORT), 42),
    ((Route.TARGETED, Tier.TARGETED), 30),
    ((Route.UNIVERSAL, Tier.UNIVERSAL), 14),
    ((Route.PIR_LONG, Tier.SPECIALIST_LONG), 10),
    ((Route.PNMH, Tier.PNMH), 4),
)


def plan(course: Course, item: PastItem) -> None:
    """Put what will happen to a new item on the agenda."""
    _way_of(item)(course, item)


def _way_of(item: PastItem) -> Way:
    if is_call(item):
        return _ring
    if item.route in FAMILY_WORK:
        return family_work.begin
    if item.route in _SAFETY:
        return _safety
    return _OTHERS.get(item.route, _review)


def _decided_at(course: Course, after: datetime) -> datetime:
    """When a person decides: in time as often as the season says."""
    chance, due = course.chance, course.due(course.policy.working_time.decision_days)
    if chance.happens(course.season.decided_in_time):
        return by(chance, due, after=after)
    return missing(chance, due, after=after, days=3)


def _ring(course: Course, item: PastItem) -> None:
    """The agency is rung up about a message that was given up."""
    at = later(course.chance, after=item.opened_at, days=course.chance.wait(1))
    course.later(at, lambda at: working.claim(course, item, at))
    ended_at = at_work(course.chance, after=at)
    course.later(ended_at, lambda at: working.close(course, item, at, ClosureReason.COMPLETED))


def _review(course: Course, item: PastItem) -> None:
    """A person looks, sometimes asks, and decides."""
    chance = course.chance
    looked_at = family_work.first_look(course, item)
    if chance.happens(0.95):
        course.later(looked_at, lambda at: working.claim(course, item, at))
    if chance.happens(0.14):
        course.later(at_work(chance, after=looked_at), lambda at: asking.ask(course, item, at, _settle))
    elif chance.happens(0.95):
        course.later(_decided_at(course, looked_at), lambda at: _settle(course, item, at))


def _settle(course: Course, item: PastItem, at: datetime) -> None:
    """How a review ends."""
    chance = course.chance
    if course.is_withdrawn:
        working.close(course, item, at, ClosureReason.PASSED_ON)
        return
    fate = chance.weighed((("override", 70), ("close", 16), ("decline", 14)))
    if fate == "override":
        route, tier = chance.weighed(_AFTER_REVIEW)
        working.override(course, item, at, route, tier)
    elif fate == "close":
        working.close(course, item, at, ClosureReason.NO_FURTHER_NEED)
    else:
        working.decline(course, item, at, _DECLINES.get(item.route) or chance.of(family_work.DECLINES))


def _consent(course: Course, item: PastItem) -> None:
    """The referrer was asked whether the family agrees; many answer, some never do."""
    chance = course.chance
    if chance.happens(0.75):
        at = later(chance, after=item.opened_at, days=1 + chance.wait(6))
        course.later(at, lambda at: asking.go_on_after(course, item, item.opened_at, at, _settle))
    elif chance.happens(0.7):
        at = later(chance, after=item.opened_at, days=chance.between(8, 28))
        course.later(at, lambda at: working.decline(course, item, at, chance.of(asking.UNANSWERED)))


def _signpost(course: Course, item: PastItem) -> None:
    """A decline is proposed, and most of the time confirmed."""
    chance = course.chance
    looked_at = family_work.first_look(course, item)
    course.later(looked_at, lambda at: working.claim(course, item, at))
    at = _decided_at(course, looked_at)
    fate = chance.weighed((("decline", 86), ("override", 6), ("leave", 8)))
    if fate == "decline":
        course.later(at, lambda at: working.decline(course, item, at, _DECLINES[item.route]))
    elif fate == "override":
        course.later(at, lambda at: working.override(course, item, at, Route.TARGETED, Tier.TARGETED))


def _safety(course: Course, item: PastItem) -> None:
    """Taken on, and handed over by the next working day, nearly always."""
    chance, times = course.chance, course.policy.working_time
    due = due_on(item.opened_at, days=times.safeguarding_days, hours=times)
    in_time = chance.happens(course.season.safeguarding_in_time)
    at = _danger_at(course, item, due, in_time=in_time)
    course.later(at, lambda at: working.claim(course, item, at))
    if chance.happens(0.45):  # rung at once
        ended_at = at + timedelta(minutes=chance.between(2, 20))
    else:
        ended_at = by(chance, due, after=at) if in_time else missing(chance, due, after=at, days=2)
    if chance.happens(0.95):
        course.later(ended_at, lambda at: working.close(course, item, at, ClosureReason.PASSED_ON))


def _danger_at(course: Course, item: PastItem, due: date, *, in_time: bool) -> datetime:
    """When somebody acts: within minutes of what can't wait, day and night."""
    chance = course.chance
    if item.urgency in WALL_CLOCK:
        minutes = chance.between(2, 50) if in_time else chance.between(60, 400)
        return item.opened_at + timedelta(minutes=minutes)
    return by(chance, due, after=item.opened_at) if in_time else missing(chance, due, after=item.opened_at, days=1)


def _hold(course: Course, item: PastItem) -> None:
    """Waits for its ward; somebody looks after it, and some need nothing any more in the end."""
    chance = course.chance
    if chance.happens(0.9):
        looked_at = family_work.first_look(course, item)
        course.later(looked_at, lambda at: working.claim(course, item, at))
    if chance.happens(0.6):
        reasons = (ClosureReason.PASSED_ON, ClosureReason.MOVED_AWAY, ClosureReason.NO_FURTHER_NEED)
        at = later(chance, after=item.opened_at, days=chance.between(20, 220))
        course.later(at, lambda at: working.close(course, item, at, chance.of(reasons)))


def _talk(course: Course, item: PastItem) -> None:
    """A consultation or training: a day is agreed, it is held, and who came is written down, some days late."""
    chance = course.chance
    agreed_at = family_work.first_look(course, item)
    if chance.happens(0.08):
        course.later(agreed_at, lambda at: working.close(course, item, at, ClosureReason.NO_FURTHER_NEED))
        return
    if chance.happens(0.9):
        course.later(agreed_at, lambda at: working.arrange(course, item, at))
    held_at = later(chance, after=agreed_at, days=chance.between(2, 30))
    people = chance.between(4, 24) if item.route is Route.TRAINING else chance.between(1, 4)
    written_at = later(chance, after=held_at, days=chance.wait(1.5))
    if chance.happens(0.92):
        held_on = day_in_london(held_at)
        course.later(written_at, lambda at: working.deliver(course, item, at, attendees=people, held_on=held_on))
    else:
        course.later(written_at, lambda at: working.close(course, item, at, ClosureReason.DID_NOT_ATTEND))


_SAFETY: Final = SAFETY - {Route.REVIEW_BIRTH_OUTCOME}
_OTHERS: Final[dict[Route, Way]] = {
    Route.SIGNPOST_AGE: _signpost,
    Route.SIGNPOST_AREA: _signpost,
    Route.ADVICE_TO_REFERRER: _signpost,
    Route.INFO_REQUEST: _consent,
    Route.PHASE_HOLD: _hold,
    Route.CONSULTATION: _talk,
    Route.TRAINING: _talk,
}
"""Every other route is a review."""
