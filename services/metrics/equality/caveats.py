"""How far the comparisons can be trusted, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import ceil
from typing import Final

from services.metrics.codes import NOT_KNOWN, NOT_STATED, TITLES
from services.metrics.disclosure import range_of
from services.metrics.equality.comparison import TOTAL, Comparison
from services.metrics.equality.interval import CONFIDENCE
from services.metrics.population import Population
from services.metrics.reports.model import Dimension

NOT_KNOWN_LIMIT: Final = 0.10
"""From a tenth on, those of whom nothing is known could hide that a group of that size is not referred at all, or make
a ratio of 1 for it out of 2: the usual groups are of that size."""
TINY: Final = 1e-9
"""1 - 0.95 is a little more than a twentieth."""
_UNKNOWN: Final = (NOT_STATED, NOT_KNOWN)


def quality(
    comparisons: Sequence[Comparison],
    dimensions: Sequence[Dimension],
    *,
    authority: str,
    population: Population | None,
    shut: Collection[str],
) -> Iterator[str]:
    """Every sentence of the report; `authority` is its name, `shut` its wards that were not open all the time."""
    if population is None:
        yield f"There is no population file for {authority}: no group can be compared with the under-twos."
        return
    if invented := [each.title.lower() for each in dimensions if each.is_invented]:
        yield (
            f"The numbers of under-twos are invented for {_listed(invented)}: "
            "nobody should act on these ratios until the council's own numbers are there."
        )
    yield from (said for each in comparisons if (said := _unknown(each)))
    if shut:
        yield (
            f"{len(shut)} of {len(population.under_twos)} wards were not open for the whole period and are left out of "
            f"the comparison by ward; all others are with the under-twos of the whole of {authority}."
        )
    yield from _chance(dimensions)


def _unknown(comparison: Comparison) -> str:
    """A sentence where so many are not stated or not known that the ratios may mislead; empty otherwise."""
    total = comparison.pair(TOTAL)[0]
    if not total.value:
        return ""
    unknown = sum(range_of(comparison.pair(code)[0], at_most=0).middle for code in _UNKNOWN)
    if (share := unknown / total.value) <= NOT_KNOWN_LIMIT:
        return ""
    return (
        f"{TITLES[comparison.dimension]}: not stated or not known for about {round(100 * min(1, share))} % of the "
        f"referrals. Over {round(100 * NOT_KNOWN_LIMIT)} % the missing answers may hide a gap, or make one."
    )


def _chance(dimensions: Sequence[Dimension]) -> Iterator[str]:
    rows = [row for dimension in dimensions for row in dimension.rows]
    compared = sum(row.gap != "unknown" for row in rows)
    if held_back := sum(row.received.value is None for row in rows):
        yield f"In {held_back} of {len(rows)} groups the number of referrals is held back, so no ratio is given."
    if compared:
        by_chance = ceil(compared * (1 - CONFIDENCE) - TINY)
        yield (
            f"{compared} groups were compared. At {round(100 * CONFIDENCE)} % certainty each, up to about {by_chance} "
            "may show a difference by chance alone."
        )


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
