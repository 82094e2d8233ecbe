"""An item as a line of a list: by when, how long it has waited and who has it, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from services.triage.work_items.conditions import WALL_CLOCK, is_contact_due, is_overdue
from shared.access import Permission, Staff
from shared.events import Urgency
from shared.pages.times import long_day, near
from shared.working_time import day_in_london, working_days_between

CLAIMED_FROM_A_LIST: Final = frozenset({"open", "waiting_list"})
"""Not from `waiting_for_referrer`: that lets the clock run again, so it is decided on the item's own page."""
HOLD: Final = "contact_hold_"

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Line:
    """What a list says of an item: contact holds apart from other marks; `holder` is None while nobody has it."""

    id: UUID
    reference: str
    route: str
    tier: str | None
    urgency: str
    state: str
    holds: Sequence[str]
    marks: Sequence[str]
    due: str
    is_late: bool
    waiting: str
    holder: str | None
    may_be_claimed: bool


def line_of(row: sa.Row[Any], *, staff: Staff, now: datetime) -> Line:
    """A row of a list as `staff` sees it at `now`."""
    free = row.assignee is None and row.state in CLAIMED_FROM_A_LIST
    return Line(
        id=row.id,
        reference=row.reference,
        route=row.route,
        tier=row.tier,
        urgency=row.urgency,
        state=row.state,
        holds=[mark for mark in row.marks if mark.startswith(HOLD)],
        marks=[mark for mark in row.marks if not mark.startswith(HOLD)],
        due=due_in_words(row, now=now),
        is_late=is_overdue(row, now),
        waiting=waiting_in_words(row.received_at, min(row.accepted_at or now, now)),
        holder="You" if row.assignee == staff.id else row.holder or row.assignee,
        may_be_claimed=free and staff.may(Permission.WORK_ITEMS),
    )


def due_in_words(row: sa.Row[Any], *, now: datetime) -> str:
    """By when; or why no clock runs. `now` and `4h` are told by the minute, everything else by the working day."""
    if row.accepted_at is not None and not is_contact_due(row):
        return f"Accepted on {_day_of(row.accepted_at, now)}"
    if row.clock_stands:
        return "The clock has stopped until the referrer answers"
    if Urgency(row.urgency) in WALL_CLOCK:
        return clock_in_words(row.received_at, row.due_at, now=now)
    due = day_in_words(row.due_at, now=now)
    return f"First contact: {due[:1].lower()}{due[1:]}" if row.accepted_at is not None else due


def clock_in_words(received_at: datetime, due_at: datetime, *, now: datetime) -> str:
    """`3 hours 20 minutes left. Received today at 14:05, due today at 18:05`, or `12 minutes over. ...`."""
    span = f"{span_in_words(abs(now - due_at))} {'over' if now >= due_at else 'left'}".capitalize()
    by = f"due {near(due_at, now)}" if due_at > received_at else "due at once"
    return f"{span}. Received {near(received_at, now)}, {by}"


def day_in_words(due_at: datetime, *, now: datetime) -> str:
    """`Overdue by 2 working days`, `Due today by 17:00`, `Due tomorrow, ...`, `Due Monday 15 June`."""
    due_on, today = day_in_london(due_at), day_in_london(now)
    if due_at < now:
        days = working_days_between(due_on, today)
        return f"Overdue by {_counted(days, 'working day')}" if days else f"Overdue since {near(due_at, now)}"
    if due_on == today:
        return f"Due {near(due_at, now).replace(' at ', ' by ')}"
    is_tomorrow = due_on - today == timedelta(days=1)
    return f"Due {'tomorrow, ' if is_tomorrow else ''}{_day_of(due_at, now)}"


def waiting_in_words(received_at: datetime, until: datetime) -> str:
    """Working days since it came, the day itself not counted."""
    days = working_days_between(day_in_london(received_at), day_in_london(until))
    return _counted(days, "working day") if days else "Less than 1 working day"


def span_in_words(span: timedelta) -> str:
    """`25 minutes`, `3 hours 20 minutes`; from two days on whole days."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "less than 1 minute"
    if minutes >= 2 * _DAY:
        return _counted(minutes // _DAY, "day")
    hours, rest = divmod(minutes, _HOUR)
    parts = ((hours, "hour"), (rest, "minute"))
    return " ".join(_counted(number, word) for number, word in parts if number)


def _day_of(at: datetime, now: datetime) -> str:
    """The year only when it is another one."""
    return long_day(at).removesuffix(f" {day_in_london(now).year}")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
