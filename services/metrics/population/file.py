"""A population file: which dimensions and codes it may hold, what is wrong with a line or its sums, and reading it.

Every mistake of a file is told at once, in a sentence with its line.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.metrics import codes
from services.metrics.codes import CARER, WARD
from services.metrics.population.model import Denominator, Population
from shared.policy import InvalidPolicyError

TOTAL: Final = "total"

_LISTS: Final[dict[str, tuple[str, ...]]] = {
    TOTAL: (TOTAL,),
    codes.BABY_ETHNICITY: tuple(codes.ETHNIC_GROUPS),
    codes.MOTHER_ETHNICITY: tuple(codes.ETHNIC_GROUPS),
    codes.FATHER_ETHNICITY: tuple(codes.ETHNIC_GROUPS),
    codes.CARER: tuple(codes.CARERS),
    codes.CARER_AGE: tuple(codes.AGES),
    codes.DEPRIVATION: tuple(codes.TENTHS),
}
_PATTERNS: Final[dict[str, tuple[str, str]]] = {
    codes.WARD: (r"E05[0-9]{6}", "an ONS ward code such as E05012275"),
    codes.LANGUAGE: (
        rf"[a-z]{{2,3}}|{codes.OTHER}",
        "a language code of two or three small letters such as ur, or other",
    ),
}
DIMENSIONS: Final = (*_LISTS, *_PATTERNS)


def mistake_in(dimension: str, code: str) -> str:
    """What the code has to be instead; empty when it fits. The dimension is a known one."""
    if dimension in _LISTS:
        return "" if code in _LISTS[dimension] else f"has to be one of {', '.join(_LISTS[dimension])}"
    pattern, words = _PATTERNS[dimension]
    return "" if re.fullmatch(pattern, code) else f"has to be {words}"


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


def mistakes_twice(lines: Sequence[PopulationLine]) -> Iterator[str]:
    """Categories that stand in the file more than once."""
    for (dimension, code), times in Counter((line.dimension, line.code) for line in lines).items():
        if times > 1:
            yield f"{dimension} {code} is there {times} times"


def mistakes_in_sums(lines: Sequence[PopulationLine], *, wards: Collection[str] | None) -> Iterator[str]:
    """Dimensions that do not fit the total. All lines are readable; a category is there once."""
    if (total := sum(line.count for line in lines if line.dimension == TOTAL)) < 1:
        yield "there has to be one line with dimension total and code total, and children in it"
        return
    counts: dict[str, dict[str, int]] = {}
    for line in lines:
        counts.setdefault(line.dimension, {})[line.code] = line.count
    for dimension, by_code in counts.items():
        yield from _carers(by_code, total) if dimension == CARER else _parts(dimension, by_code, total)
    if WARD in counts and (missing := [ward for ward in wards or () if ward not in counts[WARD]]):
        yield f"ward: these wards are missing: {', '.join(missing)}"


def _parts(dimension: str, by_code: dict[str, int], total: int) -> Iterator[str]:
    if (found := sum(by_code.values())) != total:
        yield f"{dimension}: its lines add up to {found}, but the total is {total}"


def _carers(by_code: dict[str, int], total: int) -> Iterator[str]:
    """A child counts once for each of its carers: no carer has more than all children, together they have them all."""
    for code, count in by_code.items():
        if count > total:
            yield f"{CARER} {code}: {count} children are more than the total of {total}"
    if (found := sum(by_code.values())) < total:
        yield f"{CARER}: its lines add up to {found}, less than the total of {total}: some child has no carer"


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
