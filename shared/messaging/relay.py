"""The relay: publishes the outbox in order, at least once, and only as long as PostgreSQL says it may.

Each copy holds some of the parts (leases.py). It reads a stretch of its parts in order, sends all of it and waits for
every answer. What was published, up to the first failure of each part, is deleted with the next read, and before
parts change hands. No transaction is open meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from shared.backoff import pauses, rest_after
from shared.brokers import Brokers
from shared.errors import DATABASE_TROUBLE, failure_name
from shared.events import source_of
from shared.messaging.leases import Leases, leased
from shared.messaging.waking import Wake
from shared.metrics import OUTBOX_OLDEST, OUTBOX_ROWS, PAUSES, PUBLISHED, measured
from shared.room import ROOM

log = structlog.get_logger(__name__)

BATCH: Final = 500
POLL_SECONDS: Final = 1.0
"""The net under the wake-ups (waking.py): one that was lost with a connection costs a second."""
LARGE_STRETCH: Final = 250
"""From so many on the relay does not rest: the next stretch is large already."""
MEASURE_SECONDS: Final = 5.0
REQUEST_TIMEOUT_MS: Final = 5_000
"""A broker that vanished without a word is given up after so long; the same producer goes on with another."""
SEND_SECONDS: Final = 10.0
"""For one stretch: an idempotent producer never gives up a batch by itself, so a new one has to take over."""
_SETTINGS: Final = {"synchronous_commit": "off", "idle_session_timeout": "20000"}
"""Of its connection, which it uses each second: a process that is frozen loses its parts after 20 s."""
_TROUBLE: Final = (KafkaError, *DATABASE_TROUBLE)

_CANNOT: Final = (MessageSizeTooLargeError, ValueError, TypeError, AssertionError)
"""What the client, or a broker, says of a row that no later try will send either."""

_NEXT: Final = """
    WITH gone AS (DELETE FROM outbox WHERE position = ANY($3::bigint[]))
    SELECT o.position, o.part, e.id, e.key, e.sequence, e.type, e.topic, e.occurred_at,
           e.correlation_id, e.causation_id, e.traceparent, e.value
    FROM outbox o JOIN event e ON e.id = o.event_id
    WHERE o.part = ANY($1::smallint[]) AND o.position <> ALL($3::bigint[]) AND o.set_aside IS NULL AND NOT EXISTS (
        SELECT FROM outbox aside JOIN event earlier ON earlier.id = aside.event_id
        WHERE aside.set_aside IS NOT NULL AND earlier.key = e.key
    )
    ORDER BY o.position LIMIT $2
"""
"""What was published goes as the next stretch is read. What waits behind a row that was set aside is not read: the
order of a key outlasts its repair."""
AGE: Final = """
    SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT 10000) AS first) AS rows,
           (SELECT coalesce(extract(epoch FROM now() - e.occurred_at), 0)
            FROM outbox o JOIN event e ON e.id = o.event_id ORDER BY o.position LIMIT 1) AS oldest
"""
"""The one at the front is the oldest, give or take a transaction; looking at all would read the whole past."""


class Relay:
    """Publishes the outbox of one schema. `run()` never returns by itself; cancel it to stop."""

    def __init__(self, *, dsn: str, schema: str, brokers: Brokers, calm_seconds: float = 0.0) -> None:
        """`calm_seconds` is the rest after every stretch; longer for events nobody waits for."""
        self._calm_seconds = calm_seconds
        self._dsn = dsn
        self._schema = schema
        self._brokers = brokers
        self.wake = Wake(f"{schema}_outbox")
        self._published: list[int] = []
        self.waiting = 0
        self.moved_at = time.monotonic()
        """When a try last ended, well or not."""

    async def run(self) -> None:
        """Connect, publish, and start afresh after any trouble: a new producer, a new connection, new leases."""
        PAUSES.labels(self._schema)
        measuring = asyncio.create_task(self._measure(), name=f"outbox of {self._schema}")
        try:
            for pause in pauses():
                try:
                    await self._publish_until_trouble(pause.reset)
                except _TROUBLE as error:
                    PAUSES.labels(self._schema).inc()
                    ROOM.note(error)
                    log.warning("relay paused", cause=failure_name(error), seconds=round(pause.seconds, 1))
                self.moved_at = time.monotonic()
                await pause.sleep()
        finally:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)

    async def _publish_until_trouble(self, going_well: Any) -> None:
        producer = self._producer()
        try:
            await producer.start()  # first: a copy that can't reach Kafka holds no part that another could publish
            # A delete that is lost with the server is an event published again, which its readers skip.
            async with leased(self._dsn, self._schema, "outbox", self.wake, _SETTINGS) as leases:
                try:
                    await self._publish(leases, producer, going_well)
                finally:
                    with suppress(*_TROUBLE):
                        await self._forget_published(leases.connection)
                    await _end(producer)  # before another copy holds the parts: what is on its way comes first
        finally:
            await _end(producer)

    async def _publish(self, leases: Leases, producer: AIOKafkaProducer, going_well: Any) -> None:
        """Until something raises."""
        connection = leases.connection
        while True:
            if leases.are_due:
                await self._forget_published(connection)
                await leases.balance()
            self.wake.clear()
            if published := await self._publish_once(connection, producer, leases.held):
                going_well()
                await rest_after(published, full=LARGE_STRETCH, at_least=self._calm_seconds)
            if published < BATCH:
                await self.wake.wait(connection, leases.held, POLL_SECONDS)

    async def _forget_published(self, connection: asyncpg.Connection[Any]) -> None:
        """Before another copy may read the same rows: it would publish them again."""
        if self._published:
            await connection.execute("DELETE FROM outbox WHERE position = ANY($1::bigint[])", self._published)
            self._published = []

    async def _publish_once(
        self, connection: asyncpg.Connection[Any], producer: AIOKafkaProducer, parts: Sequence[int]
    ) -> int:
        """Publish one stretch; returns how many were settled: published, or set aside as Kafka refuses them.

        Raises the first failure, after the rest is settled.

        A stretch cut off by the timeout is read and sent again by a new producer: its readers see repeats, no gap.
        """
        rows = await connection.fetch(_NEXT, list(parts), BATCH, self._published)
        self._published = []
        if not rows:
            self.waiting = 0
            self.moved_at = time.monotonic()
            return 0
        self.waiting = len(rows)
        async with asyncio.timeout(SEND_SECONDS):
            answers = await self._send_all(producer, rows)
        settled, failure = await self._settle(connection, answers)
        self.waiting = len(rows) - settled
        if failure:
            raise failure
        return settled

    async def _settle(
        self, connection: asyncpg.Connection[Any], answers: Sequence[tuple[asyncpg.Record, Any]]
    ) -> tuple[int, BaseException | None]:
        """Note what was published up to the first failure of each part, set aside what can't be sent.

        Returns how many rows that were, and the first failure.
        """
        failures: dict[int, BaseException] = {}
        published, aside = [], []
        for row, answer in answers:
            if isinstance(answer, _CANNOT):
                aside.append((row, answer))
            elif isinstance(answer, BaseException):
                failures.setdefault(row["part"], answer)
            elif row["part"] not in failures:
                published.append(row["position"])
        if published:
            self._published = published
            PUBLISHED.labels(self._schema).inc(len(published))
        for row, error in aside:
            log.error("event set aside", event_id=str(row["id"]), type=row["type"], cause=failure_name(error))
            await connection.execute(
                "UPDATE outbox SET set_aside = $2 WHERE position = $1", row["position"], type(error).__name__
            )
        if published or aside:
            self.moved_at = time.monotonic()
        return len(published) + len(aside), next(iter(failures.values()), None)

    async def _send_all(
        self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
    ) -> list[tuple[asyncpg.Record, Any]]:
        """Each row that was tried, with its answer or error; not those behind one of their key that can't be sent."""
        refused: dict[UUID, tuple[asyncpg.Record, BaseException]] = {}
        sent: list[tuple[asyncpg.Record, asyncio.Future[Any]]] = []
        for row in rows:
            if row["key"] in refused:
                continue
            try:
                sent.append((row, await self._send(producer, row)))
            except _CANNOT as error:
                refused[row["key"]] = row, error
        answers = await asyncio.gather(*(answer for _, answer in sent), return_exceptions=True)
        return [*zip((row for row, _ in sent), answers, strict=True), *refused.values()]

    async def _send(self, producer: AIOKafkaProducer, row: asyncpg.Record) -> asyncio.Future[Any]:
        sent: asyncio.Future[Any] = await producer.send(
            row["topic"],
            row["value"].encode(),
            key=str(row["key"]).encode(),
            headers=_headers(row),
        )
        return sent

    async def _measure(self) -> None:
        """How much waits and how long, above all while Kafka is away; on connections that live for one question."""
        while True:
            try:
                await self._measure_once()
            except Exception as error:  # noqa: BLE001  the next one may succeed; publishing doesn't hang on it
                log.info("outbox not measured", cause=failure_name(error))
            await asyncio.sleep(MEASURE_SECONDS)

    async def _measure_once(self) -> None:
        connection = await asyncpg.connect(
            self._dsn, timeout=3, command_timeout=10, server_settings={"search_path": self._schema}
        )
        try:
            row = await connection.fetchrow(AGE)
            OUTBOX_ROWS.labels(self._schema).set(row["rows"])
            OUTBOX_OLDEST.labels(self._schema).set(max(0.0, float(row["oldest"] or 0)))
            measured("outbox")
        finally:
            await connection.close(timeout=2)

    def _producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **self._brokers.for_client(),
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            max_batch_size=128 * 1024,
            partitioner=_partition,
        )


def _partition(key: bytes, every: list[int], _available: list[int]) -> int:
    """Kafka's own choice, as every other client would make it."""
    return every[_place(key, len(every))]


@lru_cache(maxsize=1024)
def _place(key: bytes, count: int) -> int:
    """Remembered, for a key's events come together and hashing it in Python costs as much as sending it."""
    place: int = DefaultPartitioner()(key, range(count), ())
    return place


def _headers(row: asyncpg.Record) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0, Kafka binary mode."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(row["id"]),
        "ce_source": source_of(row["topic"]),
        "ce_type": row["type"],
        "ce_subject": str(row["key"]),
        "ce_time": row["occurred_at"].isoformat(),
        "ce_sequence": str(row["sequence"]),
        "ce_correlationid": str(row["correlation_id"]),
        "content-type": "application/json",
    }
    if row["causation_id"]:
        headers["ce_causationid"] = str(row["causation_id"])
    if row["traceparent"]:
        headers["traceparent"] = row["traceparent"]
    return [(name, value.encode()) for name, value in headers.items()]


async def _end(producer: AIOKafkaProducer) -> None:
    """Close it, whatever state it is in, within five seconds: a paused server answers nothing."""
    try:
        async with asyncio.timeout(5):
            await producer.stop()
    except _TROUBLE as error:
        log.info("closed the hard way", cause=failure_name(error))
    sender: Any = producer._sender  # noqa: SLF001  a stop cut short leaves it trying for ever
    if sender is not None and sender.sender_task is not None and not sender.sender_task.done():
        sender.sender_task.cancel()
        with suppress(*_TROUBLE):
            async with asyncio.timeout(2):
                await producer.client.close()
