"""Working days in Europe/London with English bank holidays: when things are due; and months, as ages count them.

Bank holidays come from deploy/reference/bank-holidays.csv (made from PyPI `holidays`, see deploy/holidays.py);
cut-off and numbers of days are the policy's.
"""

from __future__ import annotations

import csv
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

LONDON: Final = ZoneInfo("Europe/London")
START_OF_DAY: Final = time(9, 0)
CLOSE_OF_DAY: Final = time(17, 0)
"""What is due on a day is due by 17:00 there."""

_SATURDAY: Final = 5


BANK_HOLIDAYS: Final = Path(__file__).parents[1] / "deploy" / "reference" / "bank-holidays.csv"


@lru_cache(maxsize=1)
def _bank_holidays() -> frozenset[date]:
    with BANK_HOLIDAYS.open(encoding="utf-8", newline="") as lines:
        return frozenset(date.fromisoformat(row["date"]) for row in csv.DictReader(lines))


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> bool:
    """Monday to Friday, not a bank holiday in England."""
    return day.weekday() < _SATURDAY and day not in _bank_holidays()


def day_in_london(at: datetime) -> date:
    """The day an aware moment falls on in Europe/London."""
    return at.astimezone(LONDON).date()


@lru_cache(maxsize=1024)
def _count_on(day: date, days: int) -> date:
    while not is_working_day(day):
        day += timedelta(days=1)
    for _ in range(days):
        day += timedelta(days=1)
        while not is_working_day(day):
            day += timedelta(days=1)
    return day


def due_on(at: datetime, *, days: int, cutoff: time) -> date:
    """The working day on which something that began `at` is due.

    Day 0 is the day of `at`, or the next working day when it came after `cutoff` or on a day nobody works.
    """
    local = at.astimezone(LONDON)
    day = local.date()
    if is_working_day(day) and local.time() > cutoff:
        day += timedelta(days=1)
    return _count_on(day, days)


def due_at(at: datetime, *, days: int, cutoff: time) -> datetime:
    """The moment (UTC) by which something is due: the close of `due_on`."""
    return datetime.combine(due_on(at, days=days, cutoff=cutoff), CLOSE_OF_DAY, LONDON).astimezone(UTC)


def months_later(day: date, months: int) -> date:
    """Add months: same day, or the 1st of the month after where there is none: 29 February → 1 March.

    The last day of the calendar when the answer would lie behind it.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > MAXYEAR:
        return date.max
    try:
        return date(year, month + 1, day.day)
    except ValueError:
        return date(year, month + 2, 1)


def working_days_between(start: date, end: date) -> int:
    """Working days after `start` up to and with `end`; 0 when `end` is not later."""
    return sum(is_working_day(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def is_working_time(at: datetime) -> bool:
    """From 09:00 up to 17:00 of a working day, by the clocks in London."""
    local = at.astimezone(LONDON)
    return is_working_day(local.date()) and START_OF_DAY <= local.time() < CLOSE_OF_DAY


def working_seconds_between(start: datetime, end: datetime) -> float:
    """How much of the time from `start` to `end` is working time; 0 when `end` is not later."""
    seconds, day = 0.0, day_in_london(start)
    while day <= day_in_london(end):
        if is_working_day(day):
            opens, closes = (datetime.combine(day, at, LONDON).astimezone(UTC) for at in (START_OF_DAY, CLOSE_OF_DAY))
            seconds += max(0.0, (min(end, closes) - max(start, opens)).total_seconds())
        day += timedelta(days=1)
    return seconds
