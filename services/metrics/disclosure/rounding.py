"""The HES rule for one number, what a published number may stand for, and shares of two published numbers."""

from __future__ import annotations

from typing import Final

from services.metrics.reports.model import NOTHING, SMALL, WITHHELD, ZERO, Mark, Shown

SMALLEST_SHOWN: Final = 8
STEP: Final = 5
NO_LIMIT: Final = 10**9
"""Stands for "any number": more families than there are."""


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


def possible(shown: Shown) -> tuple[int, int]:
    """The lowest and the highest count that may stand behind a published number, both in."""
    if shown.mark is Mark.SMALL:
        return 1, SMALLEST_SHOWN - 1
    if shown.value is None:
        return 0, NO_LIMIT
    if shown.value == 0:
        return 0, 0
    return max(SMALLEST_SHOWN, shown.value - STEP // 2), shown.value + STEP // 2


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
