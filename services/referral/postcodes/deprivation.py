"""From a rank of deprivation to its decile: each country ranks its own small areas, 1 being the most deprived.

Numbers of areas, by publisher: England, Indices of Deprivation 2019 (MHCLG) 32,844 and 2025 (MHCLG) 33,755; Wales,
WIMD 2019 (Welsh Government) 1,909 and 2025 1,917; Scotland, SIMD 2020v2 (Scottish Government) 6,976; Northern Ireland,
NIMDM 2017 (NISRA) 890. A country's deciles compare places within it, never with another country's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from services.referral.postcodes.columns import year_of

MOST_AREAS: Final = 65_535
"""A rank is kept in two bytes."""


class Index(NamedTuple):
    """One edition of a country's index: `areas` is how many it ranks."""

    name: str
    year: int
    areas: int


INDEXES: Final[Mapping[str, tuple[Index, ...]]] = {
    "E": (Index("IMD 2019", 2019, 32_844), Index("IMD 2025", 2025, 33_755)),
    "W": (Index("WIMD 2019", 2019, 1_909), Index("WIMD 2025", 2025, 1_917)),
    "S": (Index("SIMD 2020", 2020, 6_976),),
    "N": (Index("NIMDM 2017", 2017, 890),),
}
"""By the first letter of the country's codes, oldest first."""

COUNTRIES: Final = {"E": "England", "W": "Wales", "S": "Scotland", "N": "Northern Ireland"}


def index_of(country: str, *, highest_rank: int, column: str) -> Index | None:
    """The edition that a file's ranks are of; None when a rank is higher than any known edition has areas.

    A whole country's highest rank is the number of areas, which settles it. In part of a country the year in the
    column's name does (`imd20ind` is of 2020 or before); a column without a year is older than the editions of 2025.
    """
    fitting = [index for index in INDEXES[country] if index.areas >= highest_rank]
    if not fitting:
        return None
    whole = [index for index in fitting if index.areas == highest_rank]
    year = year_of(column)
    dated = [index for index in fitting if year is not None and index.year <= year]
    return (whole or dated[-1:] or fitting)[0]


def decile(rank: int, areas: int) -> int:
    """1 to 10 for a rank of 1 to `areas`: ranks 1 to 3,284 of 32,844 are the most deprived tenth."""
    return -(-rank * 10 // areas)


def country_of(small_area: str) -> str | None:
    """The country of a small area's code; None where there is no index (`L99999999`, Channel Islands) or no area.

    Northern Ireland's areas of 2001 have codes like 95GG01S1.
    """
    if small_area.endswith("99999999"):
        return None
    if small_area.startswith("95"):
        return "N"
    return small_area[:1] if small_area[:1] in COUNTRIES else None
