"""A service that is nothing but plumbing, and what flows through it: events, records, and a table of effects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import tables
from shared.brokers import Brokers
from shared.database import engine_of
from shared.events import Envelope, Event, ReferralWithdrawn, WithdrawalReason, source_of
from shared.ids import uuid7
from shared.messaging.consumer import Consumer
from shared.messaging.dispatch import Handler
from shared.messaging.outbox import Cause, Draft

SCHEMA: Final = "probe"
PATIENCE_SECONDS: Final = 60.0

metadata: Final = sa.MetaData()
tables.outbox_tables(metadata)
tables.inbox_tables(metadata)
tables.audit_table(metadata)
effect: Final = sa.Table(
    "effect",
    metadata,
    sa.Column("place", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("event_id", sa.Uuid, nullable=False),
    sa.Column("key", sa.Uuid, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
)
"""One row for each time a handler took effect: no unique constraint hides a second time."""

T = TypeVar("T")


@asynccontextmanager
async def probe_engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The schema of the plumbing, in a database of a test."""
    engine = engine_of(database_url, SCHEMA)
    async with engine.begin() as tx:
        await tx.execute(sa.text(f"CREATE SCHEMA {SCHEMA}"))
        await tx.run_sync(metadata.create_all)
    yield engine
    await engine.dispose()


# What flows: the smallest event there is, about a referral that nobody knows.


def something_happened() -> ReferralWithdrawn:
    return ReferralWithdrawn(reference="PIR-234-679", agency_id=uuid4(), reason=WithdrawalReason.OTHER)


def a_draft(key: UUID, data: Event | None = None, *, cause: Cause | None = None) -> Draft:
    return Draft(key, data or something_happened(), datetime.now(UTC), cause or Cause(uuid7()))


def an_event(
    key: UUID | None = None, sequence: int = 1, data: Event | None = None, *, at: datetime | None = None
) -> Envelope[Any]:
    data = data or something_happened()
    now = at or datetime.now(UTC)
    return Envelope(
        id=uuid7(),
        key=key or uuid7(),
        type=data.type,
        source=source_of(data.topic),
        sequence=sequence,
        occurred_at=now,
        correlation_id=uuid7(),
        causation_id=None,
        traceparent=None,
        heard_at=now,
        data=data,
    )


def headers_of(event: Envelope[Any]) -> list[tuple[str, bytes]]:
    named = {
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_source": event.source,
        "ce_type": event.type,
        "ce_subject": str(event.key),
        "ce_time": event.occurred_at.isoformat(),
        "ce_sequence": str(event.sequence),
        "ce_correlationid": str(event.correlation_id),
    }
    return [(name, value.encode()) for name, value in named.items()]


_offsets: Final = iter(range(10**9))


def a_record(event: Envelope[Any], **changes: Any) -> ConsumerRecord[bytes, bytes]:
    """The event as Kafka would hand it over; `changes` replace parts of the record."""
    parts: dict[str, Any] = {
        "topic": event.data.topic,
        "partition": 0,
        "offset": next(_offsets),
        "timestamp": int(time.time() * 1000),
        "timestamp_type": 0,
        "key": str(event.key).encode(),
        "value": event.data.model_dump_json().encode(),
        "checksum": None,
        "serialized_key_size": 36,
        "serialized_value_size": 0,
        "headers": headers_of(event),
    }
    return ConsumerRecord(**parts | changes)


def history_of(keys: int, events: int) -> list[Envelope[Any]]:
    """So many events of each of so many keys, the keys taking turns."""
    names = [uuid7() for _ in range(keys)]
    return [an_event(key, number) for number in range(1, events + 1) for key in names]


async def publish(bootstrap_servers: str, topic: str, events: Iterable[Envelope[Any]]) -> None:
    """Put events on a topic as a relay would, without one."""
    async with producer(bootstrap_servers) as sender:
        for event in events:
            await sender.send(
                topic,
                event.data.model_dump_json().encode(),
                key=str(event.key).encode(),
                headers=headers_of(event),
            )


@asynccontextmanager
async def producer(bootstrap_servers: str) -> AsyncIterator[AIOKafkaProducer]:
    sender = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", max_request_size=2 * 1024 * 1024)
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


# Handlers.


async def take_effect(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
    """One row an event, in the order given."""
    await tx.execute(
        sa.text("""
            INSERT INTO effect (event_id, key, sequence)
            SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS uuid[]), CAST(:sequences AS integer[]))
        """),
        {
            "ids": [event.id for event in events],
            "keys": [event.key for event in events],
            "sequences": [event.sequence for event in events],
        },
    )


def failing_for(bad: set[UUID], error: type[BaseException] = ValueError) -> Handler:
    """Take effect, but fail for these events for as long as they are in the set."""

    async def handle(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
        await take_effect(events, tx)
        if any(event.id in bad for event in events):
            raise error("this one can't be done")

    return handle


def a_consumer(
    engine: AsyncEngine,
    handler: Handler = take_effect,
    *,
    topics: Sequence[str] = ("unused",),
    bootstrap_servers: str = "127.0.0.1:1",
    group: str = "probe",
    instance: str | None = None,
) -> Consumer:
    return Consumer(
        engine=engine,
        service=group,
        topics=topics,
        handlers={ReferralWithdrawn: handler},
        brokers=Brokers(bootstrap_servers),
        instance=instance,
    )


@asynccontextmanager
async def running(*parts: Any) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Consumers and relays at work until the block ends; fails when one of them ended by itself."""
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield tasks
        assert not [task for task in tasks if task.done() and not task.cancelled()], "a loop ended by itself"
    finally:
        for task in tasks:
            await ended(task)


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel and wait."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


# Questions.


async def eventually(question: Callable[[], Awaitable[T]], *, what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """The first true answer; AssertionError with the last one when there is none in time."""
    last: Any = None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if last := await question():
            return last
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what}: not in {seconds:.0f} s; last {last!r}")


async def count(engine: AsyncEngine, what: str) -> int:
    """`count(engine, "parked WHERE resolved_at IS NULL")`."""
    [row] = await fetch(engine, f"SELECT count(*) AS rows FROM {what}")
    return int(row.rows)


async def fetch(engine: AsyncEngine, sql: str, **values: Any) -> Sequence[sa.Row[Any]]:
    """The rows; asked again when the connection at hand had died with its server."""
    for _ in range(3):
        with suppress(sa.exc.DBAPIError):
            async with engine.connect() as tx:
                return (await tx.execute(sa.text(sql), values)).all()
    async with engine.connect() as tx:
        return (await tx.execute(sa.text(sql), values)).all()


async def effects_of(engine: AsyncEngine, key: UUID) -> list[int]:
    """The sequences of a key's events, in the order in which they took effect."""
    rows = await fetch(engine, "SELECT sequence FROM effect WHERE key = :key ORDER BY place", key=key)
    return [row.sequence for row in rows]


async def read_all(bootstrap_servers: str, *topics: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Every record on the topics now, each partition in its order."""
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        records: list[ConsumerRecord[bytes, bytes]] = []
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for found in (await consumer.getmany(timeout_ms=200)).values():
                records += found
        return records
    finally:
        await consumer.stop()


def named_headers(record: ConsumerRecord[bytes, bytes]) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def sequences_by_key(records: Iterable[ConsumerRecord[bytes, bytes]]) -> dict[str, list[int]]:
    """What each key's readers see, repeats left out."""
    seen: set[str] = set()
    found: dict[str, list[int]] = {}
    for record in records:
        headers = named_headers(record)
        if headers["ce_id"] not in seen:
            seen.add(headers["ce_id"])
            found.setdefault(headers["ce_subject"], []).append(int(headers["ce_sequence"]))
    return found


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(engine.sync_engine, "before_cursor_execute", note)
