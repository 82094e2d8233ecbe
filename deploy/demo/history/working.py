"""What staff do with a work item, by triage's own table of steps.

Each step says its event and plans nothing; one that is not possible does nothing.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from deploy.demo.history import triaging
from deploy.demo.history.course import Course, PastItem
from deploy.demo.history.mailing import mail
from services.triage.work_items.conditions import WAITING_LIST, is_on_list, stays_open
from services.triage.work_items.deadlines import ItemState
from services.triage.work_items.steps import STEPS, is_possible
from shared.events import ClosureReason, DeclineReason, MessageKind, PlaceKind, Route, Tier, WaitingFor
from shared.working_time import due_at

SOMEBODY: Final = "somebody of the team"
_AFTER_A_WITHDRAWAL: Final = frozenset({"claim", "close"})


def _take(course: Course, item: PastItem, at: datetime, name: str, **said: Any) -> UUID | None:
    """Take the step and say `said` of it; returns the id of the event, None when the step is not possible now.

    After a withdrawal what is left is read and ended.
    """
    if not _is_possible(course, item, name):
        return None
    step = STEPS[name]
    item.state = step.to or item.state
    item.assignee = item.assignee or SOMEBODY
    item.opened_first_at = item.opened_first_at or at
    if not item.is_open:
        course.end(at)
    return course.say(at, item, step.says, **said) if step.says else None


def _is_possible(course: Course, item: PastItem, name: str) -> bool:
    if course.is_withdrawn and name not in _AFTER_A_WITHDRAWAL:
        return False
    return is_possible(name, route=item.route, state=item.state)


def claim(course: Course, item: PastItem, at: datetime) -> None:
    _take(course, item, at, "claim")


def release(course: Course, item: PastItem, at: datetime) -> None:
    """Back in the queue; said as an opening."""
    times = course.policy.working_time
    due = due_at(item.opened_at, days=times.first_contact_days, hours=times)
    waits = is_on_list(item)
    if _take(course, item, at, "release", tier=None, urgency=item.urgency, due_at=due, waiting_list=waits):
        item.state, item.assignee = ItemState.WAITING_LIST if waits else ItemState.OPEN, None


def ask(course: Course, item: PastItem, at: datetime) -> bool:
    """The referrer is asked for more; the clock waits. Tells whether that was possible."""
    said = _take(course, item, at, "request-information", waiting_for=WaitingFor.REFERRER)
    if said:
        mail(course, at, MessageKind.INFORMATION_REQUEST, because_of=said)
    return said is not None


def wait_for_place(course: Course, item: PastItem, at: datetime) -> None:
    """On the waiting list; said once."""
    if is_on_list(item):
        return
    if said := _take(course, item, at, "wait", waiting_for=WaitingFor.PLACE):
        item.marks = (*item.marks, WAITING_LIST)
        mail(course, at, MessageKind.OUTCOME, because_of=said)


def accept(course: Course, item: PastItem, at: datetime, place: PlaceKind | None) -> bool:
    """A team takes it on. Tells whether that was possible."""
    return _agree(course, item, at, "accept", place=place)


def arrange(course: Course, item: PastItem, at: datetime) -> bool:
    """A day for a consultation or training. Tells whether that was possible."""
    return _agree(course, item, at, "arrange", place=None)


def _agree(course: Course, item: PastItem, at: datetime, name: str, **said: Any) -> bool:
    event = _take(course, item, at, name, **said)
    if event:
        item.accepted_at = at
        mail(course, at, MessageKind.OUTCOME, because_of=event)
    return event is not None


def contact(course: Course, item: PastItem, at: datetime, *, on: date | None = None) -> None:
    """The first contact with the family, once; `on`: the day on which it was made, when it is written down later."""
    if item.first_contact_at is None and _take(course, item, at, "first-contact", on=on):
        item.first_contact_at = at


def close(course: Course, item: PastItem, at: datetime, reason: ClosureReason) -> None:
    _take(course, item, at, "close", reason=reason)


def deliver(course: Course, item: PastItem, at: datetime, *, attendees: int, held_on: date) -> None:
    """A consultation or training took place on that day, and is over."""
    _take(course, item, at, "deliver", reason=ClosureReason.COMPLETED, attendees=attendees, held_on=held_on)


def leave_the_list(course: Course, item: PastItem, at: datetime, reason: ClosureReason) -> None:
    """The family waits no longer, unless it has a place by now."""
    if item.is_to_do:
        close(course, item, at, reason)


def decline(course: Course, item: PastItem, at: datetime, reason: DeclineReason) -> None:
    """A person declines; other items end with it, but for what outlives that."""
    if said := _take(course, item, at, "decline", reason=reason):
        course.decided_by_person = True
        triaging.close(course, at, [each for each in course.open_items if not stays_open(each, decided_on=item.id)])
        mail(course, at, MessageKind.OUTCOME, because_of=said)


def override(course: Course, item: PastItem, at: datetime, route: Route, tier: Tier) -> None:
    """A person decides otherwise than the machine, and has the item and the new work from then on."""
    if _is_possible(course, item, "override"):
        if item.state in (ItemState.OPEN, ItemState.WAITING_FOR_REFERRER):
            _take(course, item, at, "claim")
        triaging.override(course, at, item, route, tier, holder=SOMEBODY)
