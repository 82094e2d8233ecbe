"""The referrer is asked for more, and answers, or never does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from deploy.demo.history import working
from deploy.demo.history.arriving import answer
from deploy.demo.history.course import Course, PastItem
from deploy.demo.history.hours import at_work, later
from shared.events import DeclineReason

GoOn = Callable[[Course, PastItem, datetime], None]
"""What is done after the answer."""

UNANSWERED: Final = (DeclineReason.INCOMPLETE, DeclineReason.CONSENT_REFUSED, DeclineReason.NEED_MET_ELSEWHERE)
_ANSWERS, _GIVES_UP = 0.8, 0.4


def ask(course: Course, item: PastItem, at: datetime, go_on: GoOn) -> None:
    """Ask; after the answer, or without one after some weeks, go on."""
    if not working.ask(course, item, at):
        return
    chance, asked_at = course.chance, at
    if chance.happens(_ANSWERS):
        answered_at = later(chance, after=at, days=1 + chance.wait(5))
        course.later(answered_at, lambda at: go_on_after(course, item, asked_at, at, go_on))
    else:
        given_up_at = later(chance, after=at, days=chance.between(8, 25))
        course.later(given_up_at, lambda at: _go_on_without(course, item, asked_at, at, go_on))


def go_on_after(course: Course, item: PastItem, asked_at: datetime, at: datetime, go_on: GoOn) -> None:
    """The answer is there: what was asked about goes on some days later."""
    if answer(course, item, at):
        course.stops.append((asked_at, at))
        course.later(later(course.chance, after=at, days=course.chance.wait(2)), lambda at: go_on(course, item, at))


def _go_on_without(course: Course, item: PastItem, asked_at: datetime, at: datetime, go_on: GoOn) -> None:
    course.stops.append((asked_at, at))
    if course.chance.happens(_GIVES_UP):
        working.decline(course, item, at, course.chance.of(UNANSWERED))
        return
    working.claim(course, item, at)
    course.later(at_work(course.chance, after=at), lambda at: go_on(course, item, at))
