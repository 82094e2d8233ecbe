"""The consumer: batches from Kafka through FastStream, each handled by the inbox (inbox.py).

What was handled is acknowledged once a second, and before partitions move: who was killed meanwhile reads again what
the inbox knows already.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.backoff import pauses, rest_after
from shared.brokers import Brokers
from shared.database import sql
from shared.errors import failure_name, is_transient
from shared.messaging.dispatch import Handlers
from shared.messaging.inbox import Inbox
from shared.messaging.left_out import LeftOut
from shared.messaging.parked_again import ParkedAgain
from shared.messaging.reach import Reach
from shared.metrics import GIVEN_BACK, LAG, PARKED_NOW, PARTITIONS, measured

log = structlog.get_logger(__name__)

BATCH: Final = 500
LARGE_BATCH: Final = 250
"""From so many on the consumer does not rest: the next batch is large already."""
SESSION_TIMEOUT_MS: Final = 6_000
"""After a kill the group must be whole again within 10 s: Kafka's own floor is 6 s."""
REQUEST_TIMEOUT_MS: Final = 10_000
"""A broker that vanished without a word is given up after so long, and its partitions are read from another (40 s is
the client's own). Longer than a session, for which joining the group can take."""
METADATA_AGE_MS: Final = 10_000
"""A copy that joined before a topic was there has no partitions until it looks again. The default is 5 minutes."""
CALM_BYTES: Final = 64 * 1024
"""So much, or the calm seconds, until the broker answers a consumer that may wait."""
ACKNOWLEDGE_SECONDS: Final = 1.0
"""A request to the broker for each batch is a tenth of a consumer's CPU at 50 referrals a second."""
LONGEST_ACKNOWLEDGING: Final = 5.0
"""Of what is done beside reading; another try comes."""
HOUSEKEEPING_SECONDS: Final = 30.0


class _Gate(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Partitions move only between batches: a revoke waits until the batch in hand is committed and acknowledged.

    What can't be acknowledged then is forgotten: whoever has the partition meanwhile comes further, and an offset of
    before would take the group back behind that.
    """

    def __init__(self, acknowledge: Callable[[], Awaitable[None]], forget: Callable[[], None]) -> None:
        self._acknowledge, self._forget = acknowledge, forget
        self.lock = asyncio.Lock()
        self.assigned: set[TopicPartition] = set()
        self.has_joined = False

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        async with self.lock:
            await self._acknowledge()
            self._forget()
            self.assigned -= set(revoked)
            self.has_joined = False

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self.assigned = set(assigned)
        self.has_joined = True

    def leave(self) -> None:
        self._forget()
        self.assigned, self.has_joined = set(), False


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
        brokers: Brokers,
        instance: str | None = None,
        calm_seconds: float = 0.0,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`wake` is called after each commit.

        `calm_seconds`: where nobody waits, records may gather that long at the broker: fewer, larger batches.
        """
        self._engine = engine
        self.group = group_of(service)
        self.topics = tuple(topics)
        self._handlers = handlers
        self._inbox = Inbox(engine, handlers, wake)
        self._brokers = brokers
        self._instance = f"{self.group}-{instance}" if instance else None
        self._gate = _Gate(self._acknowledge, self._forget)
        self._calm_seconds = calm_seconds
        self._handled: dict[TopicPartition, int] = {}
        self._share = 0
        """Counts how often its partitions have gone."""
        self._acknowledged_at = float("-inf")
        self._left_out = LeftOut(brokers, self.group, self.topics)
        self.parked_again = ParkedAgain(engine, handlers)
        self._subscriber: Any = None
        self._reach = Reach(self._inbox.database_answers)
        self.lag = 0
        """Messages behind the end of the topics, as heard from the brokers within the last second; 0 until then."""

    @property
    def moved_at(self) -> float:
        """When it last had nothing to do, or a try of what it had ended, well or not."""
        return self._inbox.moved_at

    @property
    def reached_at(self) -> float:
        """When its own connections last answered: a new one may do so when those are cut off without a word."""
        return self._reach.answered_at

    @property
    def has_joined(self) -> bool:
        """True while the group counts this copy in; with more copies than partitions it may have none to read."""
        return self._gate.has_joined

    @property
    def is_assigned(self) -> bool:
        """True while the group has given this copy partitions to read."""
        return bool(self._gate.assigned)

    async def run(self) -> None:
        """Connect and stay connected: Kafka may be away at the start, or go away for hours."""
        for pause in pauses():
            while self._reach.is_lost and await self._reach.is_away():
                await pause.sleep()
            self._inbox.stopping = False
            broker = self._broker()
            try:
                await broker.start()
            except Exception as error:  # noqa: BLE001  whatever the client raises while Kafka is away: try again
                log.warning("no Kafka yet", cause=failure_name(error))
                await self._stop(broker)
                await pause.sleep()
                continue
            pause.reset()
            self._reach.begin()
            try:
                await self._watch()
            finally:
                self._inbox.stopping = True
                await self._stop(broker)
                self._gate.leave()
                self.lag = 0
                PARTITIONS.set(0)

    async def _watch(self) -> None:
        """Until cancelled, cut off from the database, or left out of its group; the library restarts its own loop.

        The watchdog (health.py) judges whether it moves.
        """
        housekept_at = float("-inf")
        self._left_out.begin()
        while not await self._is_cut_off():
            if await self._left_out.look(self._instance, stands_by=self.has_joined and not self.is_assigned):
                self._instance = None  # by its name it would be given the same again
                return
            await asyncio.sleep(ACKNOWLEDGE_SECONDS)
            await self._acknowledge()
            PARTITIONS.set(len(self._gate.assigned))
            await self._measure_lag()
            if self.lag == 0 and self.has_joined:
                self._inbox.moved_at = time.monotonic()
            if time.monotonic() - housekept_at > HOUSEKEEPING_SECONDS:
                housekept_at = time.monotonic()
                if await self._keep_house():
                    await self.parked_again.try_again(now=time.monotonic())

    async def _is_cut_off(self) -> bool:
        """Whether another copy should read its partitions: this one does not reach the database, time after time.

        In an outage of the database all leave the group, and come back when it answers.
        """
        if not await self._reach.look():
            return False
        log.warning("left the group: the database does not answer")
        self._inbox.stopping = True  # so that the batch in hand, which may hold all up, is given up
        await self._subscriber.consumer.stop()
        self._gate.leave()
        return True

    async def _measure_lag(self) -> None:
        """What is known stays while partitions move: then the client has no position yet."""
        by_topic, kafka = dict.fromkeys(self.topics, 0), self._subscriber.consumer
        try:
            async with asyncio.timeout(ACKNOWLEDGE_SECONDS):
                for partition in tuple(self._gate.assigned) if kafka else ():
                    if end := kafka.highwater(partition):
                        by_topic[partition.topic] += max(0, end - await kafka.position(partition))
        except (KafkaError, TimeoutError):
            return
        for topic, behind in by_topic.items():
            LAG.labels(topic).set(behind)
        self.lag = sum(by_topic.values())

    async def _keep_house(self) -> bool:
        """Count what is parked; False when the database does not say so soon."""
        try:
            async with asyncio.timeout(LONGEST_ACKNOWLEDGING), self._engine.connect() as tx:
                PARKED_NOW.set(await tx.scalar(sql("SELECT count(*) FROM parked WHERE resolved_at IS NULL")) or 0)
            measured("parked")
        except Exception as error:
            if not is_transient(error):
                raise
            return False
        return True

    def _broker(self) -> KafkaBroker:
        broker = KafkaBroker(
            self._brokers.addresses,
            security=self._brokers.for_faststream(),
            logger=None,
            graceful_timeout=10,
            allow_auto_create_topics=False,
            metadata_max_age_ms=METADATA_AGE_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            consumer_only=True,
            apply_types=False,
        )
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
            parser=self._keep_records,
            decoder=_as_it_is,
        )
        subscriber(self._receive)
        self._subscriber = subscriber
        return broker

    async def _receive(self, message: Any) -> None:
        """One batch from Kafka: done, to be acknowledged, or given back untouched."""
        records = message.raw_message
        async with self._gate.lock:
            try:
                await self.handle(records)
                self._handled |= {TopicPartition(each.topic, each.partition): each.offset + 1 for each in records}
                if self._inbox.stopping or time.monotonic() - self._acknowledged_at > ACKNOWLEDGE_SECONDS:
                    await self._acknowledge()
                await rest_after(len(records), full=LARGE_BATCH, at_least=self._calm_seconds)
            except asyncio.CancelledError as error:
                if self._inbox.stopping:
                    raise
                await message.nack()
                raise RuntimeError("a handler was cancelled") from error  # a cancel would end the subscriber for good
            except Exception as error:  # noqa: BLE001  logged without its values, then read again
                GIVEN_BACK.inc()
                log.warning("batch given back", cause=failure_name(error), records=len(records))
                await message.nack()
                await asyncio.sleep(1)

    async def _acknowledge(self) -> None:
        """Commit the offsets of what was handled; those of partitions that have gone are no business of ours now."""
        handled = {place: offset for place, offset in self._handled.items() if place in self._gate.assigned}
        self._handled, self._acknowledged_at, share = {}, time.monotonic(), self._share
        if handled:
            try:
                async with asyncio.timeout(LONGEST_ACKNOWLEDGING):
                    await self._subscriber.consumer.commit(handled)
            except (KafkaError, TimeoutError) as error:
                log.warning("not acknowledged", cause=failure_name(error))
                if share == self._share:  # else they went to another copy meanwhile, which comes further
                    self._handled = handled | self._handled

    def _forget(self) -> None:
        self._handled = {}
        self._share += 1

    async def _stop(self, broker: KafkaBroker) -> None:
        with suppress(Exception):  # it may never have started; nothing is lost by a consumer that does not say goodbye
            async with asyncio.timeout(12):
                await self._acknowledge()
                await broker.stop()

    async def _keep_records(self, records: Sequence[ConsumerRecord[bytes, bytes]], _: Any) -> KafkaAckableMessage:
        """Never decode headers here: one that is not UTF-8 would lose the whole batch (faststream#2458)."""
        return KafkaAckableMessage(
            body=[],
            headers={},
            batch_headers=[],
            raw_message=tuple(records),
            message_id=f"{records[0].offset}-{records[-1].offset}",
            consumer=self._subscriber.consumer,
        )

    async def handle(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> int:
        """Have these records handled (inbox.py); returns how many events, when all is committed."""
        return await self._inbox.handle(records)


async def _as_it_is(message: Any) -> Any:
    """Whole, for a handler that takes it alone: what FastStream injects costs a thread for each batch."""
    return message
