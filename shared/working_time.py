"""Working days in Europe/London with English bank holidays: when things are due; and months, as ages count them.

Queues and reports both take their deadlines from here, so that a referral has the same due day in both. Bank holidays
come from deploy/reference/bank-holidays.csv (made from PyPI `holidays`, see deploy/holidays.py); hours, cut-off and
numbers of days are the policy's (`shared.policy.WorkingTime` is such `Hours`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

LONDON: Final = ZoneInfo("Europe/London")
Stop = tuple[datetime, datetime | None]
"""From when to when a clock stood still; None: it stands still now."""

_SATURDAY: Final = 5


class Hours(Protocol):
    """When people work on a working day, by the clocks in London; what comes after `cutoff` counts from the next."""

    @property
    def cutoff(self) -> time: ...
    @property
    def opens(self) -> time: ...
    @property
    def closes(self) -> time: ...


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


def due_on(at: datetime, *, days: int, hours: Hours) -> date:
    """The working day on which something that began `at` is due.

    Day 0 is the day of `at`, or the next working day when it came after the cut-off or on a day nobody works.
    """
    local = at.astimezone(LONDON)
    day = local.date()
    if is_working_day(day) and local.time() > hours.cutoff:
        day += timedelta(days=1)
    return _count_on(day, days)


def due_at(at: datetime, *, days: int, hours: Hours) -> datetime:
    """The moment (UTC) by which something is due: the close of `due_on`."""
    return _on(due_on(at, days=days, hours=hours), hours.closes)


def moved(due: datetime, stops: Iterable[Stop], *, hours: Hours) -> datetime:
    """`due` (the close of a working day), later by the working time for which the clock stood still.

    The working time of all stops is added up, a moment that lies in two of them once; a day that is begun counts as
    one, so that a deadline is at a close again. A stop that began after the deadline as moved so far gives nothing
    back: what was missed stays missed. Nor does one that goes on. Never earlier than `due`.
    """
    later, stood, day = due, timedelta(0), day_in_london(due)
    whole = datetime.combine(day, hours.closes) - datetime.combine(day, hours.opens)
    for stopped, ran in merged(stops):
        if stopped > later or ran is None:
            break
        stood += working_time_between(stopped, ran, hours)
        later = _on(_count_on(day, -(-stood // whole)), hours.closes)
    return later


def merged(stops: Iterable[Stop]) -> list[Stop]:
    """The stops in their order, those that overlap as one; one that ends no later than it began is none."""
    found: list[Stop] = []
    for stopped, ran in sorted(stops, key=lambda stop: stop[0]):
        if ran is not None and ran <= stopped:
            continue
        if not found or (found[-1][1] is not None and found[-1][1] < stopped):
            found.append((stopped, ran))
        elif found[-1][1] is not None:
            found[-1] = (found[-1][0], None if ran is None else max(found[-1][1], ran))
    return found


def _on(day: date, at: time) -> datetime:
    return datetime.combine(day, at, LONDON).astimezone(UTC)


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


def is_working_time(at: datetime, hours: Hours) -> bool:
    """From the opening up to the close of a working day, by the clocks in London."""
    local = at.astimezone(LONDON)
    return is_working_day(local.date()) and hours.opens <= local.time() < hours.closes


def working_time_between(start: datetime, end: datetime, hours: Hours) -> timedelta:
    """How much of the time from `start` to `end` is working time; none when `end` is not later."""
    worked, day = timedelta(0), day_in_london(start)
    while day <= day_in_london(end):
        if is_working_day(day):
            worked += max(timedelta(0), min(end, _on(day, hours.closes)) - max(start, _on(day, hours.opens)))
        day += timedelta(days=1)
    return worked
