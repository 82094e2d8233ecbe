"""Erasures written down outside the database, so that a restored backup can be made to forget again.

One JSON line each: id, reference, agency, when, by whom, and a keyed digest, so that nobody adds one by hand. A line
stands there before the erasure is committed: better one that is carried out twice than one that is lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.referral.identity import Identities


@dataclass(frozen=True, slots=True)
class Erasure:
    id: str
    reference: str
    agency_id: str
    at: str
    by: str


class LedgerError(Exception):
    """The file can't be read or written, or a line of it is not ours; the message says which."""


def add(
    file: Path, identities: Identities, *, referral_id: UUID, reference: str, agency_id: UUID, at: datetime, by: str
) -> None:
    """Append a line and have it on the disk; raises LedgerError."""
    entry = Erasure(str(referral_id), reference, str(agency_id), at.isoformat(), by)
    line = json.dumps(asdict(entry) | {"signed": _signature(entry, identities)})
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as out:
            out.write(f"{line}\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        raise LedgerError(f"{file}: {error.strerror}") from error


def entries(file: Path, identities: Identities) -> Iterator[Erasure]:
    """Every line in its order; raises LedgerError for one that is cut off, changed or of other keys."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LedgerError(f"{file}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        try:
            members = json.loads(line)
            signed = members.pop("signed")
            entry = Erasure(**members)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise LedgerError(f"{file}, line {number}: this is no erasure") from None
        if signed != _signature(entry, identities):
            raise LedgerError(f"{file}, line {number}: it was changed, or written with another index key")
        yield entry


def _signature(entry: Erasure, identities: Identities) -> str:
    return identities.digest("erasure-ledger", *asdict(entry).values()).hex()
