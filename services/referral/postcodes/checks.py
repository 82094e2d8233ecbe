"""Which edition of the deprivation indexes a file is of, and what speaks against the file, in words.

Each country ranks its own small areas, 1 being the most deprived. Numbers of areas, by publisher: England, Indices of
Deprivation 2019 (MHCLG) 32,844 and 2025 (MHCLG) 33,755; Wales, WIMD 2019 (Welsh Government) 1,909 and 2025 1,917;
Scotland, SIMD 2020v2 (Scottish Government) 6,976; Northern Ireland, NIMDM 2017 (NISRA) 890. A country's deciles compare
places within it, never with another country's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.referral.postcodes.ons_file import COUNTRIES, year_of
from services.referral.postcodes.packing import Packing
from shared.policy import Policy


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


SHARE_OF_BEFORE: Final = 0.5
"""A directory only grows: terminated postcodes stay in it."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """`reasons` refuse the file unless somebody insists; `remarks` are only said."""

    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


def look_at(packing: Packing, indexes: Mapping[str, Index | None], *, before: int | None, policy: Policy) -> Doubts:
    """`before` is how many postcodes the load before had; `indexes` the edition found for each country."""
    reasons: list[str] = []
    remarks: list[str] = []
    if before and packing.postcodes < SHARE_OF_BEFORE * before:
        reasons.append(f"It has {packing.postcodes:,} postcodes; the load before had {before:,}.")
    wards = {ward for ward, authority in packing.areas if authority == policy.authority}
    missing = [ward for ward in policy.ward_by_code if ward not in wards]
    if len(missing) == len(policy.ward_by_code):
        reasons.append(
            f"No postcode is in a ward of the policy {policy.id} ({policy.authority_name}, {policy.authority})."
        )
    elif missing:
        remarks.append(
            f"No postcode is in these wards of the policy {policy.id}: {', '.join(missing)}. If the ONS gave them new "
            "codes, change the policy: until then a person has to place every family who lives there."
        )
    for country, index in indexes.items():
        if index is None:
            words = (
                f"A rank of deprivation in {COUNTRIES[country]} is {packing.highest_ranks[country]:,}: no edition that "
                "is known here ranks so many areas, so there would be no deciles."
            )
            (reasons if country == policy.authority[0] else remarks).append(words)
    return Doubts(tuple(reasons), tuple(remarks))
