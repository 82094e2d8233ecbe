"""What a seal holds: the digest of each row of the audit trail, and a head that follows from the seal before."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

DIGEST_BYTES: Final = 32
COLUMNS: Final = ("at", "actor_kind", "actor_id", "action", "referral_id", "detail")
"""Every column of a row but its id, which stands in the seal beside the digest."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NULL: Final = b"\xff\xff\xff\xff"
"""In place of a length; no value is that long."""


@dataclass(frozen=True, slots=True)
class Seal:
    """`number` counts from 1; `ids` ascend, and are above those of every earlier seal; `digests` in their order."""

    number: int
    sealed_at: datetime
    ids: Sequence[int]
    digests: bytes

    def head(self, previous: bytes) -> bytes:
        """SHA-256 over the head before it and all that the seal holds, numbers as 8 bytes, the most significant first.

        A time is in microseconds since 1970.
        """
        count = len(self.ids)
        numbers = struct.pack(f">qqq{count}q", self.number, _microseconds(self.sealed_at), count, *self.ids)
        return hashlib.sha256(previous + numbers + self.digests).digest()

    def digest_of_each(self) -> Iterator[bytes]:
        for start in range(0, len(self.digests), DIGEST_BYTES):
            yield self.digests[start : start + DIGEST_BYTES]


def head_before_all(schema: str) -> bytes:
    """What the first seal of a service follows from: no chain can be put in another's place."""
    return hashlib.sha256(f"audit trail of {schema}".encode()).digest()


def digest(row: Any) -> bytes:
    """SHA-256 over COLUMNS of an audit row, each after its length in 4 bytes, so that no two rows read the same."""
    code = hashlib.sha256()
    for name in COLUMNS:
        value = getattr(row, name)
        if value is None:
            code.update(_NULL)
            continue
        raw = _raw(value)
        code.update(len(raw).to_bytes(4, "big") + raw)
    return code.digest()


def _raw(value: str | UUID | datetime) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return value.bytes if isinstance(value, UUID) else struct.pack(">q", _microseconds(value))


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
