"""The consumer: takes a batch from Kafka and makes it true, once, in one transaction.

    records → decode → one transaction: bad ones parked, good ones: inbox row + effects + audit + outbox
                         │ → commit → offsets
                         │ transient failure: the same again after a pause
                         └ any other failure: split in two until the culprit is alone → parked

Later events of a parked referral on the same topic wait behind it (parked too, marked so), for order matters more than
speed. An inbox row is never forgotten: a republished event must stay harmless however old it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.structs import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import parked, repair
from shared.backoff import pauses, rest_after
from shared.database import sql
from shared.dispatch import Handlers, dispatch
from shared.errors import is_transient
from shared.events import Envelope, Event, ReferralErased
from shared.metrics import (
    BATCH_EVENTS,
    BATCH_SECONDS,
    CONSUMED,
    GIVEN_BACK,
    LAG,
    PARKED,
    PARKED_NOW,
    PARTITIONS,
    RETRIES,
    count,
    measured,
)
from shared.records import UnreadableRecordError, read_record

log = structlog.get_logger(__name__)


BATCH: Final = 500
SESSION_TIMEOUT_MS: Final = 6_000
"""After a kill the group must be whole again within 10 s: Kafka's own floor is 6 s."""
CALM_BYTES: Final = 64 * 1024
"""So much, or the calm seconds, until the broker answers a consumer that may wait."""
HOUSEKEEPING_SECONDS: Final = 30.0
GIVE_UP_SECONDS: Final = 60.0
"""A transient failure that lasts longer gives the batch back, so that the group may move its partitions."""

_CLAIM: Final = sql("""
    INSERT INTO inbox (event_id) SELECT id FROM unnest(CAST(:ids AS uuid[])) AS t(id) ORDER BY id
    ON CONFLICT DO NOTHING RETURNING event_id
""")


class _TooSlowError(Exception):
    """A batch did not get through in time, more than once."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A record with its event, or as it has to be parked because nobody can read it."""

    record: ConsumerRecord[bytes, bytes]
    envelope: Envelope[Event] | None
    bad: parked.Parked | None = None

    @property
    def line(self) -> parked.Line | None:
        key = self.envelope.key if self.envelope else self.bad.key if self.bad else None
        return (self.record.topic, key) if key else None


class _Gate(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Partitions move only between batches: a revoke waits until the batch in hand is committed and acknowledged."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.assigned: set[TopicPartition] = set()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        async with self.lock:
            self.assigned -= set(revoked)

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self.assigned = set(assigned)


def group_of(service: str) -> str:
    """The consumer group that all copies of a service share."""
    return f"pir-{service}"


class Consumer:
    """Feeds a service's handlers from its topics. `run()` never returns by itself; cancel it to stop."""

    def __init__(
        self,
        *,
        engine: AsyncEngine,
        service: str,
        topics: Sequence[str],
        handlers: Handlers,
        bootstrap_servers: str,
        instance: str | None = None,
        calm_seconds: float = 0.0,
    ) -> None:
        """`calm_seconds`: where nobody waits, records may gather that long at the broker: fewer, larger batches."""
        self._engine = engine
        self.group = group_of(service)
        self.topics = tuple(topics)
        self._handlers = handlers
        self._bootstrap_servers = bootstrap_servers
        self._instance = f"{self.group}-{instance}" if instance else None
        self._gate = _Gate()
        self._calm_seconds = calm_seconds
        self._acknowledged_at = float("-inf")
        self._stopping = False
        self._subscriber: Any = None
        self.moved_at = time.monotonic()

    @property
    def is_assigned(self) -> bool:
        """True while the group has given this copy partitions to read."""
        return bool(self._gate.assigned)

    @property
    def lag(self) -> int:
        """Messages behind the end of the topics, as last heard from the brokers; 0 when nothing is known."""
        total = 0
        by_topic = dict.fromkeys(self.topics, 0)
        kafka: Any = getattr(self._subscriber, "consumer", None)
        for partition in self._gate.assigned if kafka else ():
            end = kafka.highwater(partition)
            state = kafka._subscription.subscription.assignment.state_value(partition)  # noqa: SLF001  no await
            if end and state is not None and state.has_valid_position:
                by_topic[partition.topic] += max(0, end - state.position)
        for topic, behind in by_topic.items():
            LAG.labels(topic).set(behind)
            total += behind
        return total

    async def run(self) -> None:
        """Connect and stay connected: Kafka may be away at the start, or go away for hours."""
        self._stopping = False
        for pause in pauses():
            broker = self._broker()
            try:
                await broker.start()
            except Exception as error:  # noqa: BLE001  whatever the client raises while Kafka is away: try again
                log.warning("no Kafka yet", cause=type(error).__name__)
                await _stop(broker)
                await pause.sleep()
                continue
            try:
                await self._watch()
            finally:
                self._stopping = True
                self._gate.assigned = set()
                PARTITIONS.set(0)
                await _stop(broker)

    async def _watch(self) -> None:
        """Until cancelled; the library restarts its own loop, the watchdog (health.py) judges whether it moves."""
        housekept_at = float("-inf")
        while True:
            await asyncio.sleep(2)
            PARTITIONS.set(len(self._gate.assigned))
            if self.lag == 0 and self.is_assigned:
                self.moved_at = time.monotonic()
            if time.monotonic() - housekept_at > HOUSEKEEPING_SECONDS:
                housekept_at = time.monotonic()
                await self._keep_house()
                await self._handle_what_is_known_now()

    async def _keep_house(self) -> None:
        """Count what is parked."""
        try:
            async with self._engine.connect() as tx:
                PARKED_NOW.set(await tx.scalar(sql("SELECT count(*) FROM parked WHERE resolved_at IS NULL")) or 0)
            measured("parked")
        except Exception as error:
            if not is_transient(error):
                raise

    async def _handle_what_is_known_now(self) -> None:
        """What an older version of this service parked for its type, which this one knows, it handles by itself."""
        try:
            for row_id in await parked.of_known_type(self._engine):
                await repair.replay(self._engine, self._handlers, only=row_id, by="upgrade")
        except Exception as error:
            if not is_transient(error):
                raise

    def _broker(self) -> KafkaBroker:
        broker = KafkaBroker(self._bootstrap_servers, logger=None, graceful_timeout=10, allow_auto_create_topics=False)
        subscriber = broker.subscriber(
            *self.topics,
            group_id=self.group,
            group_instance_id=self._instance,
            batch=True,
            max_records=BATCH,
            batch_timeout_ms=250,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=1_500,
            fetch_min_bytes=CALM_BYTES if self._calm_seconds else 1,
            fetch_max_wait_ms=int(self._calm_seconds * 1000) or 500,
            listener=self._gate,
            parser=_keep_records,
            decoder=_as_they_are,
        )

        async def receive(records: Any, message: Any) -> None:
            await self._receive(records, message)

        receive.__annotations__ = {"records": Any, "message": _kafka_message()}
        subscriber(receive)
        self._subscriber = subscriber
        return broker

    async def _receive(self, records: Sequence[ConsumerRecord[bytes, bytes]], message: KafkaAckableMessage) -> None:
        """One batch from Kafka: done and acknowledged, or given back untouched."""
        async with self._gate.lock:
            try:
                handled = await self.handle(records)
                await self._acknowledge(message, handled)
                await rest_after(len(records), at_least=self._calm_seconds)
            except asyncio.CancelledError as error:
                if self._stopping:
                    raise
                await message.nack()
                raise RuntimeError("a handler was cancelled") from error  # a cancel would end the subscriber for good
            except Exception as error:  # noqa: BLE001  logged without its values, then read again
                GIVEN_BACK.inc()
                log.warning("batch given back", cause=type(error).__name__, records=len(records))
                await message.nack()
                await asyncio.sleep(1)

    async def _acknowledge(self, message: KafkaAckableMessage, handled: int) -> None:
        """Commit the offsets; after batches with nothing for us once a second, because reading those again is harmless.

        At the end of the topics always: whoever asks the brokers has to see that nothing is left.
        """
        now = time.monotonic()
        if handled or now - self._acknowledged_at > 1 or not self.lag:
            self._acknowledged_at = now
            await message.ack()

    async def handle(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> int:
        """Decode, park what can't be read, make the rest true; returns how many events, when all is committed."""
        heard_at = datetime.now(UTC)
        seen: set[UUID] = set()
        items: list[_Read] = []
        for record in records:
            try:
                envelope = read_record(record, heard_at=heard_at, only=self._handlers)
            except UnreadableRecordError as error:
                items.append(_Read(record, None, parked.unreadable(record, cause=str(error))))
            else:
                if envelope is not None and envelope.id not in seen:
                    seen.add(envelope.id)
                    items.append(_Read(record, envelope))
        started = time.perf_counter()
        if items:
            await self._make_true(items)
        if seen:
            BATCH_SECONDS.observe(time.perf_counter() - started)
            BATCH_EVENTS.observe(len(seen))
        self.moved_at = time.monotonic()
        return len(seen)

    async def _make_true(self, items: Sequence[_Read]) -> None:
        """All in one transaction; on a failure that will not pass, halves, until the culprit is alone.

        A batch that is too slow twice is halved as well: one heavy event must not hold up five hundred.
        """
        try:
            await self._until_it_passes(lambda: self._in_one_transaction(items), most_timeouts=2 if items[1:] else None)
        except _TooSlowError:
            middle = len(items) // 2
            await self._make_true(items[:middle])
            await self._make_true(items[middle:])
        except Exception as error:
            if is_transient(error) or self._stopping:
                raise
            if len(items) > 1:
                middle = len(items) // 2
                await self._make_true(items[:middle])
                await self._make_true(items[middle:])
                return
            record, envelope = items[0].record, items[0].envelope
            if envelope is None:
                raise
            log.warning("event parked", type=envelope.type, event_id=str(envelope.id), cause=type(error).__name__)
            culprit = parked.failed(record, envelope, cause=f"handler: {type(error).__name__}")
            await self._until_it_passes(lambda: self._park(culprit, envelope.id))

    async def _in_one_transaction(self, items: Sequence[_Read]) -> None:
        async with self._engine.begin() as tx:
            fresh = await _fresh(tx, items)
            if not fresh:
                return
            blocked = await parked.blocked(tx, {item.line for item in fresh if item.line})
            aside: list[parked.Parked] = []
            to_do: list[Envelope[Event]] = []
            for item in fresh:  # in the order of the records: what came before a bad one is still handled
                if item.bad:
                    aside.append(item.bad)
                    if item.line:
                        blocked.add(item.line)
                elif item.envelope and item.line in blocked and not isinstance(item.envelope.data, ReferralErased):
                    aside.append(parked.behind(item.record, item.envelope))
                elif item.envelope:
                    to_do.append(item.envelope)
            await parked.keep(tx, aside)
            await dispatch(to_do, self._handlers, tx)
        for item in fresh:
            if item.envelope:
                CONSUMED.labels(item.envelope.type).inc()
                count(item.envelope.data)
            elif item.bad:
                PARKED.labels(item.bad.cause.split(":", 1)[0]).inc()

    async def _park(self, culprit: parked.Parked, event_id: UUID) -> None:
        async with self._engine.begin() as tx:
            if not (await tx.execute(_CLAIM, {"ids": [event_id]})).scalars().all():
                return
            await parked.keep(tx, [culprit])
        PARKED.labels(culprit.cause.split(":", 1)[0]).inc()

    async def _until_it_passes(self, work: Callable[[], Awaitable[None]], *, most_timeouts: int | None = None) -> None:
        """Try again in place after a transient failure, for up to GIVE_UP_SECONDS; any other failure is raised.

        Raises _TooSlowError at the last of `most_timeouts`.
        """
        give_up_at, timeouts = time.monotonic() + GIVE_UP_SECONDS, 0
        for pause in pauses():
            try:
                return await work()
            except asyncio.CancelledError as error:
                if self._stopping or (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                raise RuntimeError("a handler was cancelled") from error
            except Exception as error:
                if not is_transient(error) or time.monotonic() > give_up_at:
                    raise
                timeouts += isinstance(error, TimeoutError)
                if timeouts == most_timeouts:
                    raise _TooSlowError from error
                RETRIES.inc()
                log.warning("trying again", cause=type(error).__name__, seconds=round(pause.seconds, 1))
            await pause.sleep()
        return None


async def _fresh(tx: AsyncConnection, items: Sequence[_Read]) -> list[_Read]:
    """Claim the events; without those handled before, and without bad records that a person has dealt with."""
    ids = [item.envelope.id for item in items if item.envelope]
    claimed = set((await tx.execute(_CLAIM, {"ids": ids})).scalars()) if ids else set()
    bad = [item.bad for item in items if item.bad]
    settled = await parked.settled(tx, bad) if bad else set()
    return [
        item
        for item in items
        if (item.envelope and item.envelope.id in claimed) or (item.bad and item.bad.record not in settled)
    ]


async def _keep_records(records: Sequence[ConsumerRecord[bytes, bytes]], original: Any) -> KafkaAckableMessage:
    """Never decode headers here: one that is not UTF-8 would lose the whole batch (faststream#2458)."""
    return KafkaAckableMessage(
        body=[],
        headers={},
        batch_headers=[],
        raw_message=tuple(records),
        message_id=f"{records[0].offset}-{records[-1].offset}",
        consumer=original.__self__._consumer,  # noqa: SLF001  the parser holds the only reference
    )


async def _as_they_are(message: Any) -> Any:
    return message.raw_message


def _kafka_message() -> Any:
    from faststream.kafka.annotations import KafkaMessage  # noqa: PLC0415  imports the CLI's context machinery

    return KafkaMessage


async def _stop(broker: KafkaBroker) -> None:
    with suppress(Exception):  # it may never have started; nothing is lost by a consumer that does not say goodbye
        async with asyncio.timeout(12):
            await broker.stop()
