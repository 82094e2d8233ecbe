"""Messages about a referral: sent almost always, at once most of the time, given up now and then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from deploy.demo.history.course import Course
from shared.events import MessageDelivered, MessageKind, MessageSent, MessageUndeliverable

GIVEN_UP: Final = 0.004
GIVEN_UP_AFTER: Final = timedelta(hours=72)
_REPORTED: Final = 0.08
"""How often the mail system says that it was delivered."""


def mail(
    course: Course,
    at: datetime,
    kind: MessageKind,
    *,
    because_of: UUID,
    given_up: Callable[[datetime], None] | None = None,
) -> None:
    """One message that follows from an event; `given_up` is what happens when it could not be delivered."""
    chance = course.chance
    message = {"message_id": chance.id(at), "kind": kind}
    if given_up and chance.happens(GIVEN_UP):
        over_at = at + GIVEN_UP_AFTER + timedelta(minutes=chance.between(1, 60))
        course.teller.say(over_at, MessageUndeliverable, because_of=because_of, **message)
        course.later(over_at + timedelta(seconds=1), given_up)
        return
    sent_at = at + _delay(course, at)
    sent = course.teller.say(sent_at, MessageSent, because_of=because_of, **message)
    if chance.happens(_REPORTED):
        delivered_at = sent_at + timedelta(seconds=chance.between(2, 90))
        course.teller.say(delivered_at, MessageDelivered, because_of=sent, **message)


def _delay(course: Course, at: datetime) -> timedelta:
    """Seconds, unless the mail system was away."""
    chance = course.chance
    if chance.happens(course.world.season(at).receipts_at_once):
        return timedelta(milliseconds=chance.between(400, 40_000))
    return timedelta(seconds=chance.between(15 * 60, 9 * 3600))
