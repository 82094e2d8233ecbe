"""The yearly file of the ONS, a CSV or the zip it came in: opened, its columns found, its rows read strictly.

Real headers: ONSPD February 2023 `pcds,doterm,oslaua,osward,lsoa11,imd,lsoa21`; NSPL May 2025 `laua,ward,lsoa21,imd`;
ONSPD February 2026 `lad25cd,wd25cd,lsoa11cd,imd20ind,lsoa21cd`; ONSPD August 2026 `lad26cd,wd26cd,…,imd20ind,imd25ind`.

What can go wrong with a directory, in words for the person who loads it:

LoadError          the load before, if there is one, stays in force
├── FileError      the file can't be opened, or not read to its end
├── ColumnsError   a needed column is missing, or several could be it
├── RowsError      too many rows can't be read, or a postcode is there twice
├── DoubtsError    it does not look like the directory this council needs; `--force` takes it all the same
└── BusyError      somebody else is loading
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final, NamedTuple


class LoadError(Exception):
    """Nothing was changed; the message says why, in words."""


class FileError(LoadError):
    """A path, a zip or a disk that does not give the file."""


class ColumnsError(LoadError):
    """Names the columns and lists those found."""


class RowsError(LoadError):
    """Names the first rows with their line numbers."""


class DoubtsError(LoadError):
    """Names every doubt."""


class BusyError(LoadError):
    """One load at a time."""


MOST_AREAS: Final = 65_535
"""A rank is kept in two bytes."""


COUNTRIES: Final = {"E": "England", "W": "Wales", "S": "Scotland", "N": "Northern Ireland"}


DIRECTORY: Final = re.compile(r"(?:.*/)?data/(?:onspd|nspl)[^/]*\.csv", re.IGNORECASE)
"""`Data/ONSPD_AUG_2026_UK.csv`; the same postcodes again, by area, are in `Data/multi_csv/`."""
_BROKEN: Final = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""What a zip says of itself when it is cut short, encrypted, or packed in a way that Python can't unpack."""


@dataclass(frozen=True, slots=True)
class Opened:
    """`size` is in bytes, unpacked; `position()` says how many of them were read."""

    name: str
    size: int
    lines: IO[str]
    position: Callable[[], int]


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a CSV or a zip. Raises FileError, also for what goes wrong while it is read."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                member = _directory_in(archive)
                with archive.open(member) as raw:
                    yield _as_text(PurePosixPath(member.filename).name, member.file_size, raw)
        else:
            with path.open("rb") as raw:
                yield _as_text(path.name, path.stat().st_size, raw)
    except _BROKEN as error:
        raise FileError(
            f"{path.name} can't be read: {error or type(error).__name__}. Fetch it again; if it is a zip, unpack it "
            "and load the CSV in its folder Data."
        ) from error


def _directory_in(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    fitting = [member for member in archive.infolist() if DIRECTORY.fullmatch(member.filename)]
    if len(fitting) == 1:
        return fitting[0]
    seen = [member.filename for member in fitting or archive.infolist() if not member.is_dir()]
    raise FileError(
        f"The zip holds {'several files' if fitting else 'no file'} like Data/ONSPD_AUG_2026_UK.csv or "
        f"Data/NSPL_AUG_2026_UK.csv. It holds: {', '.join(seen[:20])}{' …' if len(seen) > 20 else ''}"  # noqa: PLR2004  the same
    )


def _as_text(name: str, size: int, raw: IO[bytes]) -> Opened:
    """Codes and postcodes are ASCII: a byte that is no UTF-8 makes its own cell wrong, not the file unreadable."""
    return Opened(name, size, io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace", newline=""), raw.tell)


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


def country_of(small_area: str) -> str | None:
    """The country of a small area's code; None where there is no index (`L99999999`, Channel Islands) or no area.

    Northern Ireland's areas of 2001 have codes like 95GG01S1.
    """
    if small_area.endswith("99999999"):
        return None
    if small_area.startswith("95"):
        return "N"
    return small_area[:1] if small_area[:1] in COUNTRIES else None
