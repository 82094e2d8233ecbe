"""Whole years between days; a birthday on 29 February is kept on 1 March in other years."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

LONDON: Final = ZoneInfo("Europe/London")


def day_in_london(now: datetime) -> date:
    """Return the day it is in Europe/London at the aware time `now`."""
    return now.astimezone(LONDON).date()


def years_old(born_on: date, today: date) -> int:
    """Whole years on the day; negative before the birth."""
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))


def years_before(now: datetime, years: int) -> datetime:
    """Return the same moment that many years ago; 28 February where 29 February is missing."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)
