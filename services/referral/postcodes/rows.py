"""Rows of the directory, read strictly: what can't be read is counted and named by its line, and left out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final, NamedTuple

from services.referral.postcodes.columns import Columns, find_columns
from services.referral.postcodes.deprivation import MOST_AREAS, country_of
from services.referral.postcodes.errors import RowsError

SHOWN: Final = 20
ALLOWED_SHARE: Final = 0.001
HOPELESS: Final = 10_000
"""More than a thousandth of any directory: no need to read on."""

_POSTCODE: Final = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][A-Z]{2}|GIR 0AA", re.ASCII)
_MONTH: Final = re.compile(r"[0-9]{6}", re.ASCII)
_AREA: Final = re.compile(r"[EWSNLM][0-9]{8}", re.ASCII)
_NOWHERE: Final = "99999999"
"""`E99999999` says that there is no such area; `L99999999` and `M99999999` are the Channel Islands and Man."""
_ISLANDS: Final = ("L", "M")


class Row(NamedTuple):
    """Ward and authority as ONS codes; `rank` is 0 and `country` None where deprivation is not ranked."""

    postcode: str
    ward: str | None
    authority: str | None
    country: str | None
    rank: int
    is_terminated: bool


@dataclass(slots=True)
class Unread:
    """How many rows could not be read, and of the first ones the line and what is wrong."""

    count: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, line: int, what: str) -> None:
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append(f"line {line:,}: {what}")

    def refuse_if_too_many(self, rows: int) -> None:
        """Raises RowsError when it is more than one in a thousand of `rows` (those that were read)."""
        if self.count > ALLOWED_SHARE * (rows + self.count):
            more = [f"and {self.count - SHOWN:,} more"] if self.count > SHOWN else []
            told = "\n".join(["  " + line for line in [*self.shown, *more]])
            raise RowsError(f"{self.count:,} row(s) can't be read, more than one in a thousand:\n{told}")


class Rows:
    """The readable rows of a file. Raises ColumnsError when it is made, RowsError when reading on is hopeless."""

    def __init__(self, lines: IO[str]) -> None:
        self._reader = csv.reader(lines)
        self.columns: Columns = find_columns(next(self._reader, []))
        self.unread = Unread()
        self._wards: dict[str, str | None] = {}
        self._authorities: dict[str, str | None] = {}

    def __iter__(self) -> Iterator[Row]:
        while True:
            try:
                cells = next(self._reader)
                if cells:  # an empty line is no row
                    yield self._row(cells)
            except StopIteration:
                return
            except (csv.Error, ValueError) as error:
                self.unread.add(self._reader.line_num, str(error))
                if self.unread.count > HOPELESS:
                    self.unread.refuse_if_too_many(0)

    def _row(self, cells: list[str]) -> Row:
        at = self.columns
        if len(cells) != at.width:
            raise ValueError(f"{len(cells)} cells instead of {at.width}")
        postcode, ended, rank = cells[at.postcode], cells[at.terminated].strip(), cells[at.deprivation].strip()
        if not _POSTCODE.fullmatch(postcode):
            raise _wrong("postcode", postcode)
        if ended and not _MONTH.fullmatch(ended):
            raise _wrong("month of termination", ended)
        if rank and not (rank.isdecimal() and rank.isascii() and int(rank) <= MOST_AREAS):
            raise _wrong("rank of deprivation", rank)
        country = country_of(cells[at.small_area])
        return Row(
            postcode,
            _code(cells[at.ward], "ward", self._wards),
            _code(cells[at.authority], "authority", self._authorities),
            country,
            int(rank) if rank and country else 0,
            bool(ended),
        )


def _code(text: str, what: str, known: dict[str, str | None]) -> str | None:
    """The code, or None where there is none; each is checked once and remembered, one string for all its rows."""
    if text in known:
        return known[text]
    code = text.strip()
    if code and not _AREA.fullmatch(code):
        raise _wrong(what, text)
    is_area = bool(code) and (not code.endswith(_NOWHERE) or (what == "authority" and code.startswith(_ISLANDS)))
    known[text] = found = code if is_area else None
    return found


def _wrong(what: str, text: str) -> ValueError:
    return ValueError(f"{text[:20]!r} is no {what}")
