"""One group's number of referrals against its share of the under-twos: the ratio, the gap and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.metrics.disclosure import SMALLEST_SHOWN, Range
from services.metrics.equality.interval import Ratio, ratio
from services.metrics.equality.words import HELD_BACK, NOTHING_TO_COMPARE, SMALL_UNKNOWN, expecting, sentence
from services.metrics.reports.model import Mark, Shown

Gap = Literal["fewer", "more", "none", "unknown"]
DIGITS = 2
"""Decimals of a ratio. The gap goes by the rounded numbers, so that it never contradicts what is read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What can be said of one group; `ratio` with its ends are there only where the number of referrals is shown.

    `width` is how far the nearest end of the interval is from 1, as a factor: how wide the gap is at the least.
    """

    share: float | None
    ratio: float | None
    low: float | None
    high: float | None
    gap: Gap
    width: float
    words: str


def find(shown: Shown, *, known: Range, population_share: float, who: str, shares: str, verb: str) -> Finding:
    """Compare a published number with what `population_share` of the `known` referrals would be."""
    found = ratio(shown, known=known, population_share=population_share)
    if found is None:
        return nothing(NOTHING_TO_COMPARE)
    gap = _gap(shown, found)
    if shown.value and found.value is not None:
        low, value, high = (round(number, DIGITS) for number in (found.low, found.value, found.high))
        words = sentence(who, shares, verb=verb, ratio=value, low=low, high=high, gap=gap)
    elif gap == "unknown":
        words = SMALL_UNKNOWN if shown.mark is Mark.SMALL else HELD_BACK
    else:
        counted = "no referrals" if shown.value == 0 else f"fewer than {SMALLEST_SHOWN} referrals"
        counted = counted if verb == "are referred" else f"{counted} accepted"
        words = expecting(who, counted, expected=known.middle * population_share, gap=gap)
    return _said(found, gap, words=words)


def nothing(words: str) -> Finding:
    """Nothing can be compared, and why."""
    return Finding(share=None, ratio=None, low=None, high=None, gap="unknown", width=1, words=words)


def _gap(shown: Shown, found: Ratio) -> Gap:
    """A number that is held back as small may be sure to be too few, never too many: it may be a single family."""
    if shown.value is None and shown.mark is not Mark.SMALL:
        return "unknown"
    if round(found.high, DIGITS) < 1:
        return "fewer"
    if shown.value is None:
        return "unknown"
    return "more" if round(found.low, DIGITS) > 1 else "none"


def _said(found: Ratio, gap: Gap, *, words: str) -> Finding:
    is_there = found.value is not None
    return Finding(
        share=found.share,
        ratio=round(found.value, DIGITS) if found.value is not None else None,
        low=round(found.low, DIGITS) if is_there else None,
        high=round(found.high, DIGITS) if is_there else None,
        gap=gap,
        width={"fewer": 1 / found.high, "more": found.low}.get(gap, 1),
        words=words,
    )
