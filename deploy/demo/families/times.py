"""When referrals come: more and more over the last two months, mostly in working hours, a few at night."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Final

from shared.working_time import LONDON, is_working_day

DAYS: Final = 60
"""How far back the oldest may lie."""
SKEW: Final = 1.9
"""Above 1 the last weeks hold more than the first: most of what is old is done and gone in a real service."""
OUT_OF_HOURS: Final = 0.08
LATEST: Final = timedelta(hours=6)
"""What comes later than this is written down one by one (`RECENT` in families.py)."""


def some_times(count: int, *, now: datetime, chance: Random) -> list[datetime]:
    """So many moments (UTC, whole seconds) before `now`, the earliest first."""
    return sorted(_some_time(now, chance) for _ in range(count))


def _some_time(now: datetime, chance: Random) -> datetime:
    latest = now - LATEST
    at = latest - timedelta(days=(DAYS - 1) * chance.random() ** SKEW)
    if chance.random() >= OUT_OF_HOURS:
        at = _in_working_hours(at, chance)
    return min(at, latest).astimezone(UTC).replace(microsecond=0)


def _in_working_hours(at: datetime, chance: Random) -> datetime:
    """Some time between 8:30 and 17:30 of that day, or of the working day before."""
    day = at.astimezone(LONDON).date()
    while not is_working_day(day):
        day -= timedelta(days=1)
    morning = datetime.combine(day, time(8, 30), LONDON)
    return morning + timedelta(seconds=chance.randrange(9 * 3600))
