"""The journals of the three services that speak, filled with an invented past, and read again in the order of time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final

import asyncpg
from aiokafka.structs import ConsumerRecord

from deploy.demo.history import Story
from shared.events import SPEAKERS, Envelope, source_of, speaker_of
from shared.messaging import outbox
from tests.integration.support import engine_of

COLUMNS: Final = (
    "id", "key", "sequence", "type", "occurred_at", "correlation_id", "causation_id", "traceparent", "value",
)  # fmt: skip
STRETCH: Final = 20_000
_IN_ORDER: Final = " UNION ALL ".join(f"SELECT topic, {', '.join(COLUMNS)} FROM {schema}.event" for schema in SPEAKERS)


async def write(url: str, stories: Iterable[Story], told: Callable[[int], None]) -> int:
    """Every event as its service keeps it; returns how many. `told` hears how many so far."""
    connection = await asyncpg.connect(url)
    rows: dict[str, list[tuple[Any, ...]]] = {schema: [] for schema in SPEAKERS}
    events = 0
    for story in stories:
        for topic, said in story.by_topic.items():
            rows[speaker_of(topic)] += [_row(event) for event in said]
            events += len(said)
        if sum(map(len, rows.values())) >= STRETCH:
            await _copy(connection, rows)
            told(events)
    await _copy(connection, rows)
    await connection.execute("; ".join(f"ANALYZE {schema}.event" for schema in rows))
    await connection.close()
    return events


def _row(event: Envelope[Any]) -> tuple[Any, ...]:
    value = event.data.model_dump_json()
    around = (event.correlation_id, event.causation_id, event.traceparent)
    return event.id, event.key, event.sequence, event.type, event.occurred_at, *around, value, event.data.topic


async def _copy(connection: asyncpg.Connection[Any], rows: dict[str, list[tuple[Any, ...]]]) -> None:
    for schema, each in rows.items():
        await connection.copy_records_to_table("event", schema_name=schema, columns=(*COLUMNS, "topic"), records=each)
        each.clear()


async def batches(url: str, size: int) -> AsyncIterator[list[ConsumerRecord[bytes, bytes]]]:
    """All events of all topics in the order of time, as Kafka would hand them over."""
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        cursor = await connection.cursor(f"SELECT * FROM ({_IN_ORDER}) said ORDER BY occurred_at, key, sequence")
        offset = 0
        while rows := await cursor.fetch(size):
            yield [_record(row, offset + place) for place, row in enumerate(rows)]
            offset += len(rows)
    await connection.close()


def _record(row: Any, offset: int) -> ConsumerRecord[bytes, bytes]:
    named = {
        "ce_specversion": "1.0",
        "ce_id": str(row["id"]),
        "ce_source": source_of(row["topic"]),
        "ce_type": row["type"],
        "ce_time": row["occurred_at"].isoformat(),
        "ce_sequence": str(row["sequence"]),
        "ce_correlationid": str(row["correlation_id"]),
    }
    return ConsumerRecord(
        topic=row["topic"],
        partition=0,
        offset=offset,
        timestamp=int(row["occurred_at"].timestamp() * 1000),
        timestamp_type=0,
        key=str(row["key"]).encode(),
        value=row["value"].encode(),
        checksum=None,
        serialized_key_size=36,
        serialized_value_size=0,
        headers=[(name, value.encode()) for name, value in named.items()],
    )


async def republish(url: str) -> None:
    """As `python -m services.NAME republish` does, for each of the three."""
    for schema in SPEAKERS:
        engine = engine_of(url, schema)
        after: outbox.Place | None = outbox.START
        while after:
            async with engine.begin() as tx:
                _, after = await outbox.republish(tx, after=after)
        await engine.dispose()


async def count(url: str, types: Iterable[str]) -> int:
    """How many events of these types the journals hold."""
    connection = await asyncpg.connect(url)
    found = await connection.fetchval(
        f"SELECT count(*) FROM ({_IN_ORDER}) said WHERE type = ANY($1)",
        list(types),
        timeout=120,
    )
    await connection.close()
    return int(found)
