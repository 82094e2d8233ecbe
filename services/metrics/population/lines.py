"""One line of a population file, and what may be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from services.metrics.codes import WARD
from services.metrics.population.codes import DIMENSIONS, mistake_in

YES_NO: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class PopulationLine:
    """The cells as they are written; the properties are for a line without mistakes."""

    number: int
    authority: str
    dimension: str
    code: str
    under_twos: str
    source: str
    is_invented: str
    as_of: str

    @property
    def count(self) -> int:
        return int(self.under_twos)

    @property
    def origin(self) -> str:
        return f"{self.source} ({self.as_of})"

    @property
    def where(self) -> str:
        return f"line {self.number} ({self.dimension} {self.code})"


def mistakes_in_line(line: PopulationLine, *, authority: str, wards: Collection[str] | None) -> list[str]:
    """A sentence for each; `wards` are the authority's, when they are known."""
    return [f"{line.where}, {mistake}" for mistake in _mistakes(line, authority, wards)]


def _mistakes(line: PopulationLine, authority: str, wards: Collection[str] | None) -> Iterator[str]:
    if line.authority != authority:
        yield f"authority: has to be {authority}, as the file is named"
    if line.dimension not in DIMENSIONS:
        yield f"dimension: has to be one of {', '.join(DIMENSIONS)}"
    elif wrong := mistake_in(line.dimension, line.code):
        yield f"code: {wrong}"
    elif line.dimension == WARD and wards is not None and line.code not in wards:
        yield f"code: {authority} has no such ward today"
    if re.fullmatch(r"-[0-9]+", line.under_twos):
        yield "under_twos: can't be below zero"
    elif not re.fullmatch(r"[0-9]{1,7}", line.under_twos):
        yield "under_twos: has to be a whole number, without separators"
    if not line.source:
        yield "source: has to say where the number is from"
    if line.is_invented not in YES_NO:
        yield "is_invented: has to be yes or no"
    if not re.fullmatch(r"20[0-9]{2}", line.as_of):
        yield "as_of: has to be the year the number stands for, such as 2022"
