"""Ages as the rules count them: whole months and days."""

from __future__ import annotations

from datetime import date

MONTHS_A_YEAR = 12


def months_old(born_on: date, on: date) -> int:
    """Whole months; the day on which one is full counts as full."""
    months = (on.year - born_on.year) * MONTHS_A_YEAR + on.month - born_on.month
    return months - 1 if on.day < born_on.day else months


def days_pregnant(due_on: date, on: date, pregnancy_days: int) -> int:
    return pregnancy_days - (due_on - on).days
