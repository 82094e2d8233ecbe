"""Postcode directories as the ONS ships them: real headers of several years, and files with rows of one's own."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final


def _headers() -> dict[str, list[str]]:
    lines = (Path(__file__).parent / "data" / "postcode-headers.txt").read_text(encoding="utf-8").splitlines()
    return {name: names.split(",") for name, _, names in (line.partition(": ") for line in lines)}


HEADERS: Final[Mapping[str, Sequence[str]]] = _headers()
"""By product and year: ONSPD of February 2023, November 2025 and August 2026, NSPL of May 2025 and August 2026.

That of August 2026 has the ranks of 2019 and of 2025, and the areas of three censuses, beside each other.
"""
ONSPD_2026: Final = HEADERS["ONSPD 2026"]

_SHAPES: Final = {
    "postcode": re.compile(r"pcds"),
    "terminated": re.compile(r"doterm"),
    "ward": re.compile(r"osward|ward|wd2\dcd"),
    "authority": re.compile(r"oslaua|laua|lad\d\dcd"),
    "lsoa": re.compile(r"lsoa(11|21)(cd)?"),
    "rank": re.compile(r"imd|imd\d\dind"),
}
_BARE: Final = {"lat": "52.954783", "long": "-1.158109"}
_SHORT: Final = re.compile(
    r"(usertype|usrtypind|osgrdind|gridind|.*ru\d\dind|ruc.*|oac.*|pct|calncv|cal\d\dcd|ssr95cd)"
)


def a_row(postcode: str, **changes: Any) -> dict[str, str]:
    """A postcode of Bulwell; `changes` are ward, authority, lsoa, rank, terminated (its month)."""
    plain = {"ward": "E05012275", "authority": "E06000018", "lsoa": "E01013814", "rank": "100", "terminated": ""}
    return plain | {"postcode": postcode} | {name: str(value) for name, value in changes.items()}


def cells(header: Sequence[str], row: Mapping[str, str]) -> list[str]:
    """The row under this header, with something likely in every other column."""
    found = []
    for name in header:
        what = next((what for what, shape in _SHAPES.items() if shape.fullmatch(name)), None)
        found.append(row[what] if what else _something(name, row["postcode"]))
    return found


def _something(name: str, postcode: str) -> str:
    if name.startswith("pcd"):
        return postcode.replace(" ", "")
    if name in _BARE:
        return _BARE[name]
    if "east1m" in name or (name[:1] == "n" and "1m" in name) or "nrth1m" in name:
        return "457200"
    return "1" if _SHORT.fullmatch(name) else "199006" if name == "dointr" else "E99999999"


def directory(path: Path, rows: Iterable[Mapping[str, str]], header: Sequence[str] = ONSPD_2026) -> Path:
    """Write a CSV as the ONS does, every cell in quotes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerow(header)
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows(cells(header, row) for row in rows)
    return path


def zipped(path: Path, members: Mapping[str, Path | str]) -> Path:
    """A zip of files, or of texts, under the names given."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member if isinstance(member, str) else member.read_bytes())
    return path
