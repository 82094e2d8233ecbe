"""The fixed spans of time that are counted: months, and the half-years and years of the contract. Days in London."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Final

from shared.working_time import LONDON, is_working_day, months_later

HALF_MONTHS: Final = 6
YEAR_MONTHS: Final = 12


@dataclass(frozen=True, order=True)
class Span:
    """Whole months: from the first day of one to the last day of another, both in it."""

    first_day: date
    months: int = 1

    @cached_property
    def next_day(self) -> date:
        """The first day after it."""
        return months_later(self.first_day, self.months)

    @cached_property
    def last_day(self) -> date:
        return self.next_day - timedelta(days=1)

    @property
    def code(self) -> str:
        """`2026-06`; of several months `2026-03--2026-08`."""
        first = f"{self.first_day:%Y-%m}"
        return first if self.months == 1 else f"{first}--{self.last_day:%Y-%m}"

    def __contains__(self, day: date | None) -> bool:
        """Whether a day is in it; no day is in none."""
        return day is not None and self.first_day <= day < self.next_day

    @cached_property
    def starts_at(self) -> datetime:
        """Midnight in London at which it begins."""
        return datetime.combine(self.first_day, time(), LONDON)

    @cached_property
    def ends_at(self) -> datetime:
        """Midnight in London at which the next one begins."""
        return datetime.combine(self.next_day, time(), LONDON)

    def each_month(self) -> Iterator[Span]:
        for number in range(self.months):
            yield Span(months_later(self.first_day, number))

    def next(self) -> Span:
        """The span of the same length that follows."""
        return Span(self.next_day, self.months)


def month_of(day: date) -> Span:
    return Span(day.replace(day=1))


def read_month(text: str) -> Span:
    """`2026-06`. Raises ValueError for anything else, and for a year outside 1900 to 2199."""
    year, _, month = text.partition("-")
    if not (len(year) == len("2026") and len(month) == len("06") and (year + month).isascii() and text[-2:].isdigit()):
        raise ValueError("a month is written 2026-06")
    first = date(int(year), int(month), 1)
    if not 1900 <= first.year < 2200:  # noqa: PLR2004  the calendar of a service for babies
        raise ValueError("the year is out of range")
    return Span(first)


def half_of(day: date, starts_on: date) -> Span:
    """The half of the contract year that a day is in; a contract that starts within a month counts from its 1st."""
    return _part_of(day, starts_on, HALF_MONTHS)


def year_of(day: date, starts_on: date) -> Span:
    """The contract year that a day is in; days before the start are in years counted backwards."""
    return _part_of(day, starts_on, YEAR_MONTHS)


def _part_of(day: date, starts_on: date, months: int) -> Span:
    apart = (day.year - starts_on.year) * YEAR_MONTHS + day.month - starts_on.month
    return Span(months_later(starts_on.replace(day=1), apart // months * months), months)


def contract_year(day: date, starts_on: date) -> int | None:
    """Which year of the contract a day is in, from 1; None before it started."""
    apart = (day.year - starts_on.year) * YEAR_MONTHS + day.month - starts_on.month
    return apart // YEAR_MONTHS + 1 if apart >= 0 else None


def published_on(span: Span, days: int) -> date:
    """The working day on which its report comes: so many working days after its end, never on its last day itself."""
    day = span.last_day
    for _ in range(max(days, 1)):
        day += timedelta(days=1)
        while not is_working_day(day):
            day += timedelta(days=1)
    return day
