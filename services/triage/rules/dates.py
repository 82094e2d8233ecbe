"""Days and months as the rules count them: whole days from the day of receipt in Europe/London."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from shared.events import Infant
from shared.policy import Age
from shared.working_time import months_later

LONDON: Final = ZoneInfo("Europe/London")


def day_of_receipt(received_at: datetime) -> date:
    """Day in London on which the referral came; 23:30 UTC in June is already the next day.

    At the two ends of the calendar, where London has no such day, the date as it was written.
    Raises ValueError for a time without an offset.
    """
    if received_at.tzinfo is None:
        raise ValueError("received_at needs an offset")
    try:
        return received_at.astimezone(LONDON).date()
    except OverflowError:
        return received_at.date()


def months_old(born_on: date, on: date) -> int:
    """Whole months on that day; the day on which a month is full counts as full. Negative before birth."""
    months = (on.year - born_on.year) * 12 + on.month - born_on.month
    return months - 1 if on.day < born_on.day else months


def support_ends_on(day: date, age: Age) -> date:
    """First day without support: the second birthday (or the due date two years on), for 24 months."""
    return months_later(day, age.support_ends_months)


def unborn_due_on(infant: Infant) -> date | None:
    """Due date of a baby not yet born: without a birth date, which always wins; None otherwise."""
    return None if infant.born_on else infant.due_on


def days_pregnant(due_on: date, on: date, age: Age) -> int:
    """280 - (due date - day): 196 is 28 weeks. Above 280 when the due date has passed."""
    return age.pregnancy_days - (due_on - on).days
