"""The file as a stream of lines: a CSV, or the one directory inside the zip that the ONS ships."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from services.referral.postcodes.errors import FileError

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
