"""Which column of the file is what. The ONS renames them each year, so they are found by pattern.

Real headers: ONSPD February 2023 `pcds,doterm,oslaua,osward,lsoa11,imd,lsoa21`; NSPL May 2025 `laua,ward,lsoa21,imd`;
ONSPD February 2026 `lad25cd,wd25cd,lsoa11cd,imd20ind,lsoa21cd`; ONSPD August 2026 `lad26cd,wd26cd,…,imd20ind,imd25ind`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.referral.postcodes.errors import ColumnsError

PATTERNS: Final[Mapping[str, tuple[str, str]]] = {
    "postcode": (r"pcds", "pcds"),
    "terminated": (r"doterm", "doterm"),
    "ward": (r"osward|ward|wd\d\dcd", "osward, ward or wd26cd"),
    "authority": (r"oslaua|laua|lad\d\dcd", "oslaua, laua or lad26cd"),
    "small area": (r"lsoa(11|21)(cd)?", "lsoa11, lsoa21 or lsoa21cd"),
    "deprivation": (r"imd.*", "imd or imd25ind"),
}
"""What is needed → its pattern (the whole name, capitals or not) and examples for a person."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions in a row of `width` cells; `names` are those found, by what they are."""

    postcode: int
    terminated: int
    ward: int
    authority: int
    small_area: int
    deprivation: int
    width: int
    names: Mapping[str, str]


def find_columns(header: Sequence[str]) -> Columns:
    """Find every needed column. Of several that differ by a year the newest counts (`imd25ind` before `imd20ind`).

    Raises ColumnsError that names each that is missing or can't be told apart, and lists what the file has.
    """
    names = [name.strip().lower() for name in header]
    found: dict[str, str] = {}
    mistakes: list[str] = []
    for what, (pattern, examples) in PATTERNS.items():
        fitting = [name for name in names if re.fullmatch(pattern, name)]
        if not fitting:
            mistakes.append(f"There is no column for the {what} ({examples}).")
        elif (chosen := _newest(fitting)) is None:
            mistakes.append(f"Several columns could be the {what}: {', '.join(fitting)}.")
        else:
            found[what] = chosen
    if mistakes:
        there = ", ".join(names) if any(names) else "none"
        raise ColumnsError("\n".join([*mistakes, f"Columns of the file: {there[:2000]}"]))
    at = {what.replace(" ", "_"): names.index(name) for what, name in found.items()}
    return Columns(**at, width=len(names), names=found)


def year_of(name: str) -> int | None:
    """The year in a column's name: `imd25ind` → 2025, `lsoa11` → 2011; None for `imd`."""
    digits = re.search(r"\d\d", name)
    return 2000 + int(digits[0]) if digits else None


def _newest(names: Sequence[str]) -> str | None:
    if len(names) == 1:
        return names[0]
    by_year = {year_of(name): name for name in names}
    years = [year for year in by_year if year is not None]
    return by_year[max(years)] if len(years) == len(names) else None
