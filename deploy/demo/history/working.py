"""What staff do with a work item. Each step says its event and plans nothing; one that is not possible does nothing."""

from __future__ import annotations

from datetime import date, datetime

from deploy.demo.history import triaging
from deploy.demo.history.course import Course, PastItem
from deploy.demo.history.mailing import mail
from shared.events import (
    ClosureReason,
    DeclineReason,
    MessageKind,
    PlaceKind,
    Route,
    Tier,
    WaitingFor,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.working_time import due_at


def claim(course: Course, item: PastItem, at: datetime) -> None:
    if item.is_to_do:
        item.is_looked_at, item.is_waiting = True, False
        course.say(at, item, WorkItemClaimed)


def release(course: Course, item: PastItem, at: datetime) -> None:
    """Back in the queue; said as an opening."""
    if item.is_to_do:
        times = course.policy.working_time
        due = due_at(item.opened_at, days=times.first_contact_days, hours=times)
        course.say(at, item, WorkItemOpened, tier=None, urgency=item.urgency, due_at=due, waiting_list=item.is_on_list)


def ask(course: Course, item: PastItem, at: datetime) -> bool:
    """The referrer is asked for more; the clock waits. Tells whether that was possible."""
    if not item.is_to_do or item.is_waiting or item.is_on_list:
        return False
    item.is_waiting = item.is_looked_at = True
    said = course.say(at, item, WorkItemWaiting, waiting_for=WaitingFor.REFERRER)
    mail(course, at, MessageKind.INFORMATION_REQUEST, because_of=said)
    return True


def wait_for_place(course: Course, item: PastItem, at: datetime) -> None:
    """On the waiting list; said once."""
    if item.is_to_do and not item.is_on_list:
        item.is_on_list = item.is_looked_at = True
        item.is_waiting = False
        said = course.say(at, item, WorkItemWaiting, waiting_for=WaitingFor.PLACE)
        mail(course, at, MessageKind.OUTCOME, because_of=said)


def accept(course: Course, item: PastItem, at: datetime, place: PlaceKind | None) -> bool:
    """A team takes it on. Tells whether that was possible."""
    if not item.is_to_do:
        return False
    item.accepted_at, item.place = at, place
    item.is_looked_at, item.is_waiting = True, False
    said = course.say(at, item, WorkItemAccepted, place=place)
    mail(course, at, MessageKind.OUTCOME, because_of=said)
    return True


def contact(course: Course, item: PastItem, at: datetime, *, on: date | None = None) -> None:
    """The first contact with the family, once; `on`: the day on which it was made, when it is written down later."""
    if item.is_open and item.accepted_at and item.contacted_at is None:
        item.contacted_at = at
        course.say(at, item, WorkItemFirstContact, on=on)


def close(course: Course, item: PastItem, at: datetime, reason: ClosureReason) -> None:
    if item.is_open:
        course.say(at, item, WorkItemClosed, reason=reason)
        course.end(item, at)


def hold(course: Course, item: PastItem, at: datetime, *, attendees: int, held_on: date) -> None:
    """A consultation or training took place on that day, and is over."""
    if item.is_open:
        course.say(at, item, WorkItemClosed, reason=ClosureReason.COMPLETED, attendees=attendees, held_on=held_on)
        course.end(item, at)


def leave_the_list(course: Course, item: PastItem, at: datetime, reason: ClosureReason) -> None:
    """The family waits no longer, unless it has a place by now."""
    if item.is_to_do:
        close(course, item, at, reason)


def decline(course: Course, item: PastItem, at: datetime, reason: DeclineReason) -> None:
    """A person declines; the other items that nobody has taken on end with it."""
    if not item.is_to_do:
        return
    said = course.say(at, item, WorkItemDeclined, reason=reason)
    course.end(item, at)
    triaging.close_others(course, at, item)
    mail(course, at, MessageKind.OUTCOME, because_of=said)


def override(course: Course, item: PastItem, at: datetime, route: Route, tier: Tier) -> None:
    """A person decides otherwise than the machine."""
    if item.is_to_do:
        item.is_looked_at = True
        triaging.override(course, at, route, tier)
