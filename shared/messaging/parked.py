"""What could not be handled: kept whole in the table `parked` until a person replays or discards it.

A referral with something parked has its later events of the same topic parked behind it, so that their order
survives the repair. (Between topics there is no order to keep.)
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from aiokafka.structs import ConsumerRecord
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import sql
from shared.events import EVENTS, Envelope, Event

UNKNOWN_TYPE: Final = "type: unknown"
BEHIND: Final = "behind: an earlier event of this referral is parked"
TOO_SLOW: Final = "too slow: it timed out again and again, alone"

Line = tuple[str, UUID]
"""A topic and a key: what has an order."""


@dataclass(frozen=True, slots=True)
class Parked:
    """One record set aside; `cause` starts with one of: type, value, attributes, handler, too slow, behind."""

    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    key: UUID | None
    event_id: UUID | None
    type: str | None
    headers: list[list[str]]
    value: bytes | None
    raw_key: bytes | None
    cause: str

    @property
    def record(self) -> tuple[str, int, int, datetime]:
        """Which record this is, should a topic be made anew with the same name too."""
        return self.topic, self.partition, self.offset, self.recorded_at


def unreadable(record: ConsumerRecord[bytes, bytes], *, cause: str) -> Parked:
    """With the key, where that much can be read: later events of the key have to wait behind it."""
    return _row(record, cause=cause, key=_readable_key(record))


def failed(record: ConsumerRecord[bytes, bytes], envelope: Envelope[Event], *, cause: str) -> Parked:
    return _row(record, cause=cause, key=envelope.key, envelope=envelope)


def behind(record: ConsumerRecord[bytes, bytes], envelope: Envelope[Event]) -> Parked:
    return _row(record, cause=BEHIND, key=envelope.key, envelope=envelope)


async def keep(tx: AsyncConnection, rows: Sequence[Parked]) -> None:
    """Store; the same record twice is one row."""
    if not rows:
        return
    await tx.execute(
        sql("""
            INSERT INTO parked (topic, "partition", "offset", recorded_at, key, event_id, type, headers, value, raw_key,
                                cause)
            VALUES (:topic, :partition, :offset, :recorded_at, :key, :event_id, :type, CAST(:headers AS jsonb), :value,
                    :raw_key, :cause)
            ON CONFLICT ON CONSTRAINT parked_record DO NOTHING
        """),
        [_columns(row) for row in rows],
    )


async def blocked(tx: AsyncConnection, lines: Collection[Line]) -> set[Line]:
    """The lines with something parked; their rows stay locked, so that a replay and a new event take turns."""
    found = await tx.execute(
        sql("""
            SELECT topic, key FROM parked
            WHERE key = ANY(:keys) AND topic = ANY(:topics) AND resolved_at IS NULL ORDER BY id FOR UPDATE
        """),
        {"keys": [key for _, key in lines], "topics": list({topic for topic, _ in lines})},
    )
    return {(row.topic, row.key) for row in found}


async def settled(tx: AsyncConnection, rows: Sequence[Parked]) -> set[tuple[str, int, int, datetime]]:
    """Which of these records were parked before and are replayed or discarded by now: they block nothing again."""
    found = await tx.execute(
        sql("""
            SELECT topic, "partition", "offset", recorded_at
            FROM parked JOIN unnest(CAST(:topics AS text[]), CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]),
                                    CAST(:times AS timestamptz[]))
                AS t(topic, "partition", "offset", recorded_at) USING (topic, "partition", "offset", recorded_at)
            WHERE resolved_at IS NOT NULL
        """),
        {
            "topics": [row.topic for row in rows],
            "partitions": [row.partition for row in rows],
            "offsets": [row.offset for row in rows],
            "times": [row.recorded_at for row in rows],
        },
    )
    return {(row.topic, row.partition, row.offset, row.recorded_at) for row in found}


async def to_try_again(engine: AsyncEngine, *, but: Collection[int]) -> list[int]:
    """Rows that may succeed with nothing done by a person, oldest first, at most 100; without the ids `but`.

    Those that were too slow, and those whose type nobody knew when they were parked, and this version knows.
    """
    async with engine.connect() as tx:
        rows = await tx.execute(
            sql("""
                SELECT id, cause, headers FROM parked
                WHERE resolved_at IS NULL AND cause IN (:unknown, :slow) AND NOT id = ANY(:but) ORDER BY id LIMIT 100
            """),
            {"unknown": UNKNOWN_TYPE, "slow": TOO_SLOW, "but": list(but)},
        )
        return [row.id for row in rows if row.cause == TOO_SLOW or _type_in(row.headers) in EVENTS]


def _type_in(headers: list[list[str]]) -> str:
    named = [bytes.fromhex(value) for name, value in headers if name == "ce_type"]
    return named[-1].decode("utf-8", "replace") if named else ""


def record_of(row: Any) -> ConsumerRecord[bytes, bytes]:
    """The record as it came, for a replay."""
    return ConsumerRecord(
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        timestamp=int(row.recorded_at.timestamp() * 1000),
        timestamp_type=0,
        key=row.raw_key,
        value=row.value,
        checksum=None,
        serialized_key_size=len(row.raw_key or b""),
        serialized_value_size=len(row.value or b""),
        headers=[(name, bytes.fromhex(value)) for name, value in row.headers],
    )


def _readable_key(record: ConsumerRecord[bytes, bytes]) -> UUID | None:
    try:
        return UUID((record.key or b"").decode())
    except ValueError:
        return None


def _row(
    record: ConsumerRecord[bytes, bytes], *, cause: str, key: UUID | None, envelope: Envelope[Event] | None = None
) -> Parked:
    return Parked(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        recorded_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        key=key,
        event_id=envelope.id if envelope else None,
        type=envelope.type if envelope else None,
        headers=[
            [name.replace("\0", "\ufffd"), (value or b"").hex()] for name, value in record.headers
        ],  # jsonb has no NUL
        value=record.value,
        raw_key=record.key,
        cause=cause[:500],
    )


def _columns(row: Parked) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Parked.__slots__} | {"headers": json.dumps(row.headers)}
