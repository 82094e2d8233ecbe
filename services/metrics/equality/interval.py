"""How sure an access ratio is: what a published number may stand for, and chance, at 95 %."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

from services.metrics.disclosure import Range, range_of
from services.metrics.reports.model import Shown

CONFIDENCE: Final = 0.95
Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def known_total(counts: Mapping[str, Shown], total: Shown, *, known: Collection[str]) -> Range:
    """How many referrals are in the known categories: the total without the others, and the known added up, both hold.

    The rows and the total are rounded each by itself, so that each of the two ways may be the narrower one.
    """
    whole = range_of(total, at_most=0)
    each = {code: range_of(shown, at_most=whole.high) for code, shown in counts.items()}
    others = [found for code, found in each.items() if code not in known]
    own = [found for code, found in each.items() if code in known]
    taken_off = Range(
        max(0, whole.low - sum(found.high for found in others)), max(0, whole.high - sum(found.low for found in others))
    )
    low = max(taken_off.low, sum(found.low for found in own))
    high = min(taken_off.high, sum(found.high for found in own))
    return Range(low, high) if low <= high else taken_off


def wilson(count: float, total: float) -> tuple[float, float]:
    """The interval of a share that `count` of `total` is the sample of (Wilson 1927); the total is above zero."""
    share, square = count / total, Z * Z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = Z * sqrt(share * (1 - share) / total + square / (4 * total * total)) / (1 + square / total)
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


@dataclass(frozen=True, slots=True)
class Ratio:
    """Share of referrals ÷ share of under-twos; `value` is None where the number of referrals is held back."""

    share: float | None
    value: float | None
    low: float
    high: float


def ratio(shown: Shown, *, known: Range, population_share: float) -> Ratio | None:
    """The access ratio of one category among `known` referrals; None when it can't be worked out.

    The interval is as wide as the counts behind the rounded numbers and chance make it together: its low end is
    that of the fewest referrals among the most, its high end that of the most among the fewest.
    """
    if known.low < 1 or population_share <= 0:
        return None
    count = range_of(shown, at_most=known.high)
    low, _ = wilson(min(count.low, known.high), known.high)
    _, high = wilson(min(count.high, known.low), known.low)
    share = None if shown.value is None else min(1.0, shown.value / known.middle)
    value = None if share is None else share / population_share
    return Ratio(share=share, value=value, low=low / population_share, high=high / population_share)
