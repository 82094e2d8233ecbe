"""When things happen: arrivals at any hour, work on working days from nine to five."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from deploy.demo.chance import Chance
from shared.working_time import LONDON, day_in_london, is_working_day, months_later

DAY: Final = timedelta(days=1)
_OPENS: Final = time(9, 0)
_HOURS: Final = 8
_LOOKING_UP: Final = timedelta(minutes=4)
"""Nobody acts on what came the same moment."""
_OUT_OF_HOURS: Final = 0.1
_ON_A_WEEKEND: Final = 0.12


def next_working_day(day: date) -> date:
    """The day itself, when it is one."""
    while not is_working_day(day):
        day += DAY
    return day


def at_work(chance: Chance, *, after: datetime, on: date | None = None) -> datetime:
    """A moment (UTC) of working time after `after`: on the day `on`, or the first with time left from then."""
    earliest = (after + _LOOKING_UP).astimezone(LONDON)
    day = max(on or earliest.date(), earliest.date())
    while True:
        day = next_working_day(day)
        opens = datetime.combine(day, _OPENS, LONDON)
        closes = opens + timedelta(hours=_HOURS)
        begins = max(opens, earliest)
        if begins < closes:
            at = begins + (closes - begins) * chance.share()
            return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)
        day += DAY


def later(chance: Chance, *, after: datetime, days: float) -> datetime:
    """Working time about so many days (of the calendar) later."""
    return at_work(chance, after=after, on=day_in_london(after) + timedelta(days=round(days)))


def by(chance: Chance, due: date, *, after: datetime) -> datetime:
    """Working time after `after` and, where that can be, on a day up to `due`."""
    first = at_work(chance, after=after)
    days = (due - day_in_london(first)).days
    if days <= 0:
        return first
    found = at_work(chance, after=after, on=day_in_london(first) + timedelta(days=chance.between(0, days)))
    return found if day_in_london(found) <= due else first


def missing(chance: Chance, due: date, *, after: datetime, days: float) -> datetime:
    """Working time after `due`, about so many days too late."""
    late = due + timedelta(days=1 + round(chance.wait(days)))
    return at_work(chance, after=after, on=late)


def arrivals(chance: Chance, month: date, count: int) -> list[datetime]:
    """So many moments (UTC) of a month, in order: mostly working time, some at night and at weekends."""
    days = [month + timedelta(days=n) for n in range((months_later(month, 1) - month).days)]
    weighed = [(day, 1.0 if is_working_day(day) else _ON_A_WEEKEND) for day in days]
    return sorted(_arrival(chance, chance.weighed(weighed)) for _ in range(count))


def _arrival(chance: Chance, day: date) -> datetime:
    seconds = chance.between(0, 86_399) if chance.happens(_OUT_OF_HOURS) else chance.between(29_700, 64_800)
    at = datetime.combine(day, time(), LONDON) + timedelta(seconds=seconds, milliseconds=chance.between(0, 999))
    return at.astimezone(UTC)
