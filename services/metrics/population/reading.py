"""From an authority's CSV file to its population: every mistake is told at once, in a sentence with its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from services.metrics.population.codes import TOTAL
from services.metrics.population.lines import YES_NO, PopulationLine, mistakes_in_line
from services.metrics.population.model import Denominator, Population
from services.metrics.population.sums import mistakes_in_sums, mistakes_twice
from shared.policy import InvalidPolicyError

COLUMNS: Final = ("authority", "dimension", "code", "under_twos", "source", "is_invented", "as_of")


class InvalidPopulationError(InvalidPolicyError):
    """The file can't be used: its message lists every mistake. A service won't start with it, as with a policy."""


def read(text: str, *, authority: str, name: str, wards: Collection[str] | None = None) -> Population:
    """Make a population of what a CSV file holds; `name` stands in the message.

    `wards`: those that the authority has today, where they are known: the file has to hold each of them, and no other.
    Raises InvalidPopulationError.
    """
    header, *rows = _rows(text, name) or [(1, [])]
    columns = header[1]
    wrong = list(_mistakes_in_header(columns))
    rows = [] if wrong else rows
    wrong += [f"line {at} has {len(row)} cells instead of {len(columns)}" for at, row in rows if not _fits(row)]
    lines = [PopulationLine(at, **dict(zip(columns, row, strict=True))) for at, row in rows if _fits(row)]
    wrong += [mistake for line in lines for mistake in mistakes_in_line(line, authority=authority, wards=wards)]
    wrong += mistakes_twice(lines)
    wrong = wrong or list(mistakes_in_sums(lines, wards=wards))
    if wrong:
        raise InvalidPopulationError(
            "\n".join([f"{name} is not a usable population file:", *(f"  {w}" for w in wrong)])
        )
    return _population(authority, lines)


def _rows(text: str, name: str) -> list[tuple[int, list[str]]]:
    """Rows that hold something, each with the number of its line."""
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        return [(rows.line_num, [cell.strip() for cell in row]) for row in rows if row]
    except csv.Error as error:
        raise InvalidPopulationError(f"{name}, line {rows.line_num}: {error}") from error


def _fits(row: Sequence[str]) -> bool:
    return len(row) == len(COLUMNS)


def _mistakes_in_header(header: Sequence[str]) -> Iterator[str]:
    if missing := [column for column in COLUMNS if column not in header]:
        yield f"the first line lacks the columns {', '.join(missing)}"
    if unknown := [column or "(empty)" for column in header if column not in COLUMNS]:
        yield f"the first line has columns that nobody knows: {', '.join(unknown)}"
    if not (missing or unknown) and len(header) > len(COLUMNS):
        yield "the first line has a column twice"


def _population(authority: str, lines: Sequence[PopulationLine]) -> Population:
    by_dimension: dict[str, list[PopulationLine]] = {}
    for line in lines:
        by_dimension.setdefault(line.dimension, []).append(line)
    found = {dimension: _denominator(own) for dimension, own in by_dimension.items()}
    return Population(authority=authority, whole=found.pop(TOTAL), dimensions=found)


def _denominator(lines: Sequence[PopulationLine]) -> Denominator:
    return Denominator(
        under_twos={line.code: line.count for line in lines},
        source="; ".join(dict.fromkeys(line.origin for line in lines)),
        is_invented=any(YES_NO[line.is_invented] for line in lines),
    )


def load_file(path: Path, *, wards: Collection[str] | None = None) -> Population:
    """Read one file, named by its authority; raises InvalidPopulationError as `read`, or where it is no UTF-8 text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPopulationError(f"{path}: {error}") from error
    return read(text, authority=path.stem, name=str(path), wards=wards)


def load(folder: Path, authority: str, *, wards: Collection[str] | None = None) -> Population | None:
    """The authority's population, None when the folder has no file for it: then nothing can be compared."""
    path = folder / f"{authority}.csv"
    return load_file(path, wards=wards) if path.exists() else None
