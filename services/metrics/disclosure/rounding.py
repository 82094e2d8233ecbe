"""The HES rule for one number, what a published number may stand for, and shares of two published numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.metrics.reports.model import NOTHING, SMALL, WITHHELD, ZERO, Mark, Shown

SMALLEST_SHOWN: Final = 8
"""Counts below it are held back; 0 is not."""
STEP: Final = 5
"""All others are rounded to a multiple of it."""
NO_LIMIT: Final = 10**9
"""Stands for "any number": more families than there are."""


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


def rounded(count: int) -> Shown:
    """0 is shown, 1 to 7 are held back, others go to the nearest 5: 8 → 10, 12 → 10, 13 → 15.

    Source: NHS England, HES disclosure control. Raises ValueError below 0.
    """
    if count < 0:
        raise ValueError(f"{count} is no count")
    if count == 0:
        return ZERO
    if count < SMALLEST_SHOWN:
        return SMALL
    return Shown(value=(count + STEP // 2) // STEP * STEP)


def range_of(shown: Shown, *, at_most: int = NO_LIMIT) -> Range:
    """What one published number may stand for by itself; `at_most` where it is held back and nothing else is said."""
    if shown.mark is Mark.SMALL:
        return Range(1, SMALLEST_SHOWN - 1)
    if shown.value is None:
        return Range(0, at_most)
    if shown.value == 0:
        return Range(0, 0)
    return Range(max(SMALLEST_SHOWN, shown.value - STEP // 2), shown.value + STEP // 2)


def percent_range(numerator: Shown, denominator: Shown) -> tuple[int, int] | None:
    """The lowest and the highest per cent that may be behind two published numbers, rounded outwards to whole ones.

    None where one of them is held back, and of none.
    """
    if numerator.value is None or not denominator.value:
        return None
    above, below = range_of(numerator), range_of(denominator)
    return 100 * above.low // below.high, min(100, -(-100 * above.high // below.low))


def percent(numerator: Shown, denominator: Shown) -> Shown:
    """Whole per cent, a half upwards, never above 100; worked out from what is published, so it gives nothing away.

    NOTHING of none; held back where one of the two is, and as that one is.
    """
    if denominator.value == 0:
        return NOTHING
    if Mark.WITHHELD in (numerator.mark, denominator.mark):
        return WITHHELD
    if Mark.SMALL in (numerator.mark, denominator.mark):
        return SMALL
    if numerator.value is None or denominator.value is None:
        return numerator if numerator.value is None else denominator
    return Shown(value=min(100, (200 * numerator.value + denominator.value) // (2 * denominator.value)))
