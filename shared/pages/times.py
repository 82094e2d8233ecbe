"""Days and times as people read them: written out, in London time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from shared.working_time import LONDON

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_NEAR: Final = {-1: "yesterday", 0: "today", 1: "tomorrow"}

_DAY_ALONE: Final = len("2026-06-15")

Moment = datetime | date | str | None
"""A time, a day, or either in ISO 8601; a time without a zone is UTC."""


def long_day(at: Moment) -> str:
    """`Monday 15 June 2026`, whatever the locale; nothing for None."""
    day = _day(at)
    return f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}" if day else ""


def clock(at: Moment) -> str:
    """`Monday 15 June 2026, 14:05`; a day alone has no time of day."""
    moment = _moment(at)
    return f"{long_day(moment)}, {moment:%H:%M}" if moment else long_day(at)


def near(at: Moment, now: Moment) -> str:
    """`today at 14:05` from yesterday to tomorrow, as seen `now`; else as `clock`."""
    moment, today = _moment(at), _day(now)
    if not moment or not today:
        return clock(at)
    word = _NEAR.get((moment.date() - today).days)
    return f"{word} at {moment:%H:%M}" if word else clock(moment)


def age(born_on: date, on: date) -> str:
    """How old on a day not before the birth: `9 days`, `7 weeks`, from 14 weeks whole months, from 3 years years."""
    days = (on - born_on).days
    months = (on.year - born_on.year) * 12 + on.month - born_on.month - (on.day < born_on.day)
    units = ((days, "day"), (days // 7, "week"), (months, "month"), (months // 12, "year"))
    number, unit = units[(days >= 14) + (days >= 14 * 7) + (months >= 36)]  # noqa: PLR2004  as the docstring says
    return f"{number} {unit}{'' if number == 1 else 's'}"


def is_past(at: Moment, now: Moment) -> bool:
    """Whether the moment has gone by; never for None."""
    moment, then = _moment(at), _moment(now)
    return bool(moment and then and moment < then)


def machine_time(at: Moment) -> str:
    """ISO 8601, as the `datetime` attribute of `<time>` wants it."""
    value = _moment(at) or _day(at)
    return value.isoformat() if value else ""


def _moment(at: Moment) -> datetime | None:
    """None for None and for a day alone."""
    value = datetime.fromisoformat(at) if isinstance(at, str) and len(at) > _DAY_ALONE else at
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(LONDON)


def _day(at: Moment) -> date | None:
    if moment := _moment(at):
        return moment.date()
    if isinstance(at, str):
        return date.fromisoformat(at) if at else None
    return at
