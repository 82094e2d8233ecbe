"""A directory packed for memory and PostgreSQL: 6 bytes a postcode, one run of bytes an outward code (`NG6`).

A run is the sorted inward codes (`8GB`, 3 bytes each), then as many records of 3 bytes: which area (2 bytes: an index
into the list of ward and authority) and a mark (the decile, 0 for none, and the highest bit for a terminated
postcode). 2.7 million postcodes are 16 MB in some 3,000 runs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from services.referral.postcodes.ons_file import COUNTRIES, SHOWN, Row, RowsError

Area = tuple[str | None, str | None]
"""Ward and authority."""

_RAW: Final = struct.Struct(">3sHBH")
_RECORD: Final = struct.Struct(">HB")
_TERMINATED: Final = 0x80
_MOST_AREAS: Final = 0x1_0000
_COUNTRIES: Final = (None, *COUNTRIES)


class Record(NamedTuple):
    """What is known of a postcode; `area` is the index of its ward and authority."""

    area: int
    deprivation_decile: int | None
    is_terminated: bool


class Packing:
    """Takes rows in any order; `runs` gives them back packed, once the edition of each country's index is known."""

    def __init__(self) -> None:
        self.areas: list[Area] = []
        self.highest_ranks: dict[str, int] = {}
        self.postcodes = self.terminated = 0
        self._index: dict[Area, int] = {}
        self._raw: dict[str, bytearray] = {}

    def add(self, row: Row) -> None:
        outward, _, inward = row.postcode.partition(" ")
        mark = _COUNTRIES.index(row.country) | (_TERMINATED if row.is_terminated else 0)
        run = self._raw.get(outward)
        if run is None:
            run = self._raw[outward] = bytearray()
        run += _RAW.pack(inward.encode(), self._area(row.ward, row.authority), mark, row.rank)
        self.postcodes += 1
        self.terminated += row.is_terminated
        if row.country and row.rank > self.highest_ranks.get(row.country, 0):
            self.highest_ranks[row.country] = row.rank

    def runs(self, ranked: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
        """Each outward code with its run, sorted; `ranked` says how many areas a country ranks (none: no deciles).

        Raises RowsError at the end when a postcode is there twice. What was given is forgotten: it is in memory once.
        """
        sizes = [ranked.get(country, 0) if country else 0 for country in _COUNTRIES]
        twice: list[str] = []
        for outward in sorted(self._raw):
            rows: list[tuple[bytes, int, int, int]] = sorted(_RAW.iter_unpack(self._raw.pop(outward)))
            twice += [f"{outward} {one[0].decode()}" for one, other in pairwise(rows) if one[0] == other[0]]
            yield outward, b"".join([*(row[0] for row in rows), *(_packed(row, sizes) for row in rows)])
        if twice:
            raise RowsError(f"{len(twice):,} postcode(s) are there twice: {', '.join(twice[:SHOWN])}")

    def _area(self, ward: str | None, authority: str | None) -> int:
        area = (ward, authority)
        if (index := self._index.get(area)) is None:
            if len(self.areas) == _MOST_AREAS:
                raise RowsError("The file names more than 65,536 wards; the United Kingdom has some 8,500.")
            index = self._index[area] = len(self.areas)
            self.areas.append(area)
        return index


def _packed(row: tuple[bytes, int, int, int], sizes: Sequence[int]) -> bytes:
    _, area, mark, rank = row
    ended, size = mark & _TERMINATED, sizes[mark & ~_TERMINATED]
    return _RECORD.pack(area, ended | (decile(rank, size) if rank and size else 0))


def record_of(run: bytes, inward: str) -> Record | None:
    """Find an inward code in its run; None when there is none such.

    A code begins with its only digit, so a match can't begin inside another code.
    """
    half = len(run) // 2
    at = run.find(inward.encode(), 0, half)
    if at < 0:
        return None
    area, mark = _RECORD.unpack_from(run, half + at)
    return Record(area, mark & 0x0F or None, bool(mark & _TERMINATED))


def decile(rank: int, areas: int) -> int:
    """1 to 10 for a rank of 1 to `areas`: ranks 1 to 3,284 of 32,844 are the most deprived tenth."""
    return -(-rank * 10 // areas)
