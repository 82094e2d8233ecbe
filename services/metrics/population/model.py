"""How many children under two an authority has, and how they split in each dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.metrics.codes import LANGUAGE, NOT_KNOWN, OTHER, WARD


@dataclass(frozen=True, slots=True)
class Denominator:
    """Children under two by category of one dimension; `is_invented` as soon as one of the numbers is.

    `source` names every source with its year, as it stands in a report.
    """

    under_twos: Mapping[str, int]
    source: str
    is_invented: bool


@dataclass(frozen=True, slots=True)
class Population:
    """The children under two of an authority (ONS code): `whole` once, and `dimensions` that each split them."""

    authority: str
    whole: Denominator
    dimensions: Mapping[str, Denominator]

    @property
    def total(self) -> int:
        return sum(self.whole.under_twos.values())

    @property
    def under_twos(self) -> Mapping[str, int]:
        """By ward (ONS code); empty when the file has no wards."""
        wards = self.dimensions.get(WARD)
        return wards.under_twos if wards else {}

    def category_of(self, dimension: str, code: str) -> str:
        """The category a code is counted in: itself, or `other` for a language that the file does not list.

        Only languages are an open list. What is not known stays so, and `other` of an ethnic group is a group.
        """
        if dimension != LANGUAGE or code == NOT_KNOWN or dimension not in self.dimensions:
            return code
        known = self.dimensions[dimension].under_twos
        return OTHER if code not in known and OTHER in known else code
