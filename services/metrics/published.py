"""What a published number may stand for: the counts that round to it, or that are held back as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.metrics.reports.model import Mark, Shown

SMALLEST_SHOWN: Final = 8
"""Counts below it are held back (the HES rule)."""
ROUNDED_BY: Final = 2
"""A count is rounded to the nearest 5, so it is at most this far away."""


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest count that a published number may stand for; both are in."""

    low: int
    high: int

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)


def range_of(shown: Shown, *, at_most: int) -> Range:
    """Of one published number by itself; `at_most` where it is held back and nothing else is said of it."""
    if shown.mark is Mark.SMALL:
        return Range(1, SMALLEST_SHOWN - 1)
    if shown.value is None:
        return Range(0, at_most)
    if shown.value == 0:
        return Range(0, 0)
    return Range(max(SMALLEST_SHOWN, shown.value - ROUNDED_BY), shown.value + ROUNDED_BY)
