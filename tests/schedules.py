"""A machine for hypothesis: agencies, relays and consumers of one event stream, who stand still and die anywhere.

The services' own code runs (idempotency, outbox, relay with its leases, inbox, consumer) on a real PostgreSQL. Kafka is
a list for each partition, so that the schedule decides which transaction stays open, which answer is lost, and who
dies before its commit. Nothing here waits for a clock: a task goes to its gate, or to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.submitting import idempotency
from services.referral.submitting.idempotency import Answer, RequestKey
from shared.brokers import Brokers
from shared.database import engine_of
from shared.events import REFERRAL_TOPIC, Envelope
from shared.messaging import outbox
from shared.messaging.consumer import Consumer
from shared.messaging.dispatch import AtOnce
from shared.messaging.leases import Leases
from shared.messaging.relay import Relay
from tests.integration.support import SCHEMA, a_consumer, a_draft, take_effect

T = TypeVar("T")

FAMILIES: Final = 3
PARTITIONS: Final = 2
AT_ONCE: Final = 2
"""Requests of one family, and copies of the consumer that believe to have one partition."""
COPIES: Final = 2
"""Of the relay."""
AGENCY: Final = UUID(int=1)


_SEEN: Final = sa.text("""
    SELECT 'effects' AS what, coalesce(json_agg(sequences), '[]') AS found
    FROM (SELECT array_agg(sequence ORDER BY place) AS sequences FROM effect GROUP BY key) AS of_key
    UNION ALL SELECT 'stored', coalesce(json_agg(stored), '[]') FROM stored
""")


class Gate:
    """Where a task waits, as long as the schedule wants it to."""

    def __init__(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        self.reached.set()
        await self.opened.wait()


@dataclass
class Underway:
    """A task that stands at its gate, or waits for what another holds.

    `turn`: it begins when those of its family are done, as a lock would have it, which no test should wait for.
    """

    task: asyncio.Task[Any]
    gate: Gate
    of: int
    turn: asyncio.Event = field(default_factory=asyncio.Event)


class Log:
    """Kafka: a list of records for each partition, with a group's offsets."""

    def __init__(self) -> None:
        self.records: list[list[ConsumerRecord[bytes, bytes]]] = [[] for _ in range(PARTITIONS)]
        self.committed = [0] * PARTITIONS
        self.position = [0] * PARTITIONS

    def append(self, topic: str, value: bytes, key: bytes, headers: list[tuple[str, bytes]]) -> None:
        number = key[-1] % PARTITIONS
        place = self.records[number]
        place.append(ConsumerRecord(topic, number, len(place), 0, 0, key, value, None, len(key), len(value), headers))

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """What aiokafka's consumer does with offsets."""
        for place, offset in offsets.items():
            self.committed[place.partition] = offset

    def has_more(self, number: int) -> bool:
        return self.position[number] < len(self.records[number])

    def give_back(self, number: int) -> None:
        self.position[number] = self.committed[number]


@dataclass
class Producer:
    """What a relay sends with. `lost`: so many answers from now on never come, after the record was stored."""

    log: Log
    gate: Gate | None = None
    lost: int = 0

    async def send(self, topic: str, value: bytes, *, key: bytes, headers: list[tuple[str, bytes]]) -> Awaitable[None]:
        if self.gate:
            await self.gate.wait()
        self.log.append(topic, value, key, headers)
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.lost > 0:
            self.lost -= 1
            answer.set_exception(KafkaError("the answer was lost"))
        else:
            answer.set_result(None)
        return answer


@dataclass
class RelayCopy:
    """One process with a relay: its connection and its leases, which die with it."""

    relay: Relay
    connection: asyncpg.Connection[Any]
    leases: Leases
    underway: Underway | None = None


@dataclass
class Client:
    """An agency's program, which sends one family until it is answered."""

    key: int
    answered: UUID | None = None
    has_asked: bool = False
    told: int = 0
    """How many more changes of it were answered."""


@dataclass
class World:
    """Everything that outlives a process, and the processes."""

    log: Log = field(default_factory=Log)
    clients: list[Client] = field(default_factory=lambda: [Client(number) for number in range(FAMILIES)])
    asking: list[Underway] = field(default_factory=list)
    relays: list[RelayCopy] = field(default_factory=list)
    hearing: list[Underway] = field(default_factory=list)
    made: int = 0
    """Referrals so far. Their ids are counted, so that a schedule that is tried again has the same partitions."""


class Schedule(RuleBasedStateMachine):
    url: ClassVar[str]
    at_once: ClassVar[bool] = True
    keeps_its_key: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.engine = engine_of(self.url, SCHEMA)
        self.world = World()
        self.run(self._begin())

    async def _begin(self) -> None:
        async with self.engine.begin() as tx:
            for table in ("outbox", "event", "inbox", "parked", "effect", "request", "stored"):
                await tx.execute(sa.text(f"DELETE FROM {table}"))
        for _ in range(COPIES):
            self.world.relays.append(await self._new_relay())

    def run(self, work: Awaitable[T]) -> T:
        return self.runner.run(_awaited(work))

    def teardown(self) -> None:
        try:
            self.run(self._heal())
            self.run(self._all_is_there())
        finally:
            self.run(self._end())
            self.runner.close()

    async def _end(self) -> None:
        for each in [*self.world.asking, *self.world.hearing, *(r.underway for r in self.world.relays if r.underway)]:
            await _dead(each)
        for copy in self.world.relays:
            await copy.connection.close()
        await self.engine.dispose()

    # An agency sends, and does not always hear.

    @rule(number=st.integers(0, FAMILIES - 1))
    def ask(self, number: int) -> None:
        """Send the family, or send it again because no answer came: its transaction is open now."""
        self.run(self._ask(number))

    async def _ask(self, number: int) -> None:
        client = self.world.clients[number]
        if client.answered or len(_about(self.world.asking, number)) == AT_ONCE:
            return
        if client.has_asked and not self.keeps_its_key:
            client.key += FAMILIES
        client.has_asked = True
        gate, turn, request = Gate(), asyncio.Event(), _request(client.key)

        async def work(tx: AsyncConnection) -> Answer:
            self.world.made += 1
            key = UUID(int=self.world.made << 64 | self.world.made)
            await tx.execute(sa.text("INSERT INTO stored VALUES (:family, :key)"), {"family": number, "key": key})
            await outbox.append(tx, [a_draft(key)])
            await gate.wait()
            return Answer(201, {"id": str(key)})

        async def in_turn() -> Answer:
            await turn.wait()
            return await idempotency.once(self.engine, request, at=datetime.now(UTC), work=work)

        await _begin(self.world.asking, Underway(asyncio.create_task(in_turn()), gate, number, turn))

    @precondition(lambda self: self.world.asking)
    @rule(which=st.integers(0, 9), is_heard=st.booleans())
    def answer(self, which: int, is_heard: bool) -> None:
        """The transaction is committed; the answer may be lost on its way."""
        self.run(self._answer(self._one_of(self.world.asking, which), is_heard))

    async def _answer(self, underway: Underway, is_heard: bool) -> None:
        answer = await _end(self.world.asking, underway)
        if is_heard:
            self.world.clients[underway.of].answered = UUID(answer.body["id"])

    @precondition(lambda self: self.world.asking)
    @rule(which=st.integers(0, 9))
    def intake_dies(self, which: int) -> None:
        """The process ends before the commit."""
        self.run(_die(self.world.asking, self._one_of(self.world.asking, which)))

    @rule(number=st.integers(0, FAMILIES - 1))
    def change(self, number: int) -> None:
        """One more event of the family, in a transaction that ends at once."""
        self.run(self._change(self.world.clients[number]))

    async def _change(self, client: Client) -> None:
        if client.answered:
            async with self.engine.begin() as tx:
                await idempotency.lock(tx, [client.answered.bytes])
                await outbox.append(tx, [a_draft(client.answered)])
            client.told += 1

    # Two relays publish.

    async def _new_relay(self) -> RelayCopy:
        connection = await asyncpg.connect(self.url, server_settings={"search_path": SCHEMA})
        leases = await Leases.join(connection, f"{SCHEMA}_outbox")
        return RelayCopy(Relay(dsn=self.url, schema=SCHEMA, brokers=Brokers("127.0.0.1:1")), connection, leases)

    @rule(which=st.integers(0, COPIES - 1), lost=st.sampled_from([0, 0, 0, 1, 3]))
    def publish(self, which: int, lost: int) -> None:
        """A relay reads a stretch and sends it; its next read deletes what went."""
        self.run(self._publish(self.world.relays[which], lost))

    async def _publish(self, copy: RelayCopy, lost: int = 0) -> None:
        if copy.underway:
            copy.underway.gate.opened.set()
            await copy.underway.task
            copy.underway = None
            return
        producer: Any = Producer(self.world.log, lost=lost)
        try:
            await copy.relay._publish_once(copy.connection, producer, copy.leases.held)
        except KafkaError:
            await self._begin_anew(copy)

    @rule(which=st.integers(0, COPIES - 1))
    def begin_to_publish(self, which: int) -> None:
        """A relay has read its stretch, and stands still before it sends anything."""
        self.run(self._begin_to_publish(which))

    async def _begin_to_publish(self, which: int) -> None:
        copy = self.world.relays[which]
        if not copy.underway:
            gate = Gate()
            producer: Any = Producer(self.world.log, gate)
            sending = copy.relay._publish_once(copy.connection, producer, copy.leases.held)
            underway = Underway(asyncio.create_task(sending), gate, which)
            await _stands(underway)
            copy.underway = None if underway.task.done() else underway

    @rule(which=st.integers(0, COPIES - 1))
    def share(self, which: int) -> None:
        """A relay gives back what is over its share, and takes what is free."""
        self.run(self._share(self.world.relays[which]))

    async def _share(self, copy: RelayCopy) -> None:
        if not copy.underway:
            await copy.relay._forget_published(copy.connection)
            await copy.leases.balance()

    @rule(which=st.integers(0, COPIES - 1))
    def relay_dies(self, which: int) -> None:
        self.run(self._relay_dies(self.world.relays[which]))

    async def _relay_dies(self, copy: RelayCopy) -> None:
        if copy.underway:
            await _dead(copy.underway)
        copy.connection.terminate()
        self.world.relays[self.world.relays.index(copy)] = await self._new_relay()

    async def _begin_anew(self, copy: RelayCopy) -> None:
        """As the loop does after any trouble: what is known to have gone is deleted, with the old connection."""
        await copy.relay._forget_published(copy.connection)
        await copy.connection.close()
        self.world.relays[self.world.relays.index(copy)] = await self._new_relay()

    # Consumers hear.

    def _new_consumer(self, gate: Gate) -> Consumer:
        async def handle(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
            await gate.wait()
            await take_effect(events, tx)

        made = a_consumer(self.engine, AtOnce(handle) if self.at_once else handle)
        made._subscriber = SimpleNamespace(consumer=self.world.log)
        made._gate.assigned = {TopicPartition(REFERRAL_TOPIC, number) for number in range(PARTITIONS)}
        return made

    @rule(number=st.integers(0, PARTITIONS - 1), size=st.integers(1, 5))
    def hear(self, number: int, size: int) -> None:
        """A batch is handled and acknowledged, after those of its partition that are in hand."""
        self.run(self._hear(number, size))

    async def _hear(self, number: int, size: int) -> None:
        for each in _about(self.world.hearing, number):
            await _end(self.world.hearing, each)
        await self._begin_to_hear(number, size)
        for each in _about(self.world.hearing, number):
            await _end(self.world.hearing, each)

    @rule(number=st.integers(0, PARTITIONS - 1), size=st.integers(1, 5))
    def begin_to_hear(self, number: int, size: int) -> None:
        """A batch is in hand. In the careful way its transaction is open: whoever reads the same has to wait."""
        self.run(self._begin_to_hear(number, size))

    async def _begin_to_hear(self, number: int, size: int) -> None:
        if self.world.log.has_more(number) and len(_about(self.world.hearing, number)) < AT_ONCE:
            gate, turn = Gate(), asyncio.Event()
            if self.at_once:
                turn.set()
            task = asyncio.create_task(self._batch(gate, turn, number, size))
            await _begin(self.world.hearing, Underway(task, gate, number, turn))

    async def _batch(self, gate: Gate, turn: asyncio.Event, number: int, size: int) -> None:
        await turn.wait()
        consumer, log = self._new_consumer(gate), self.world.log
        begin = log.position[number]
        records = tuple(log.records[number][begin : begin + size])
        if records:
            log.position[number] = begin + len(records)
            await consumer._receive(Message(log, number, records))

    @precondition(lambda self: self.world.hearing)
    @rule(which=st.integers(0, 9))
    def go_on_hearing(self, which: int) -> None:
        self.run(_end(self.world.hearing, self._one_of(self.world.hearing, which)))

    @precondition(lambda self: self.world.hearing)
    @rule(which=st.integers(0, 9))
    def consumer_dies(self, which: int) -> None:
        """Before its commit; whoever gets its partition begins at the offset that was acknowledged."""
        underway = self._one_of(self.world.hearing, which)
        self.run(_die(self.world.hearing, underway))
        self.world.log.give_back(underway.of)

    @rule(number=st.integers(0, PARTITIONS - 1))
    def partition_moves(self, number: int) -> None:
        """Another copy begins at what was acknowledged, while the old one may still be at work."""
        self.world.log.give_back(number)

    @rule(number=st.integers(0, PARTITIONS - 1), back=st.integers(1, 5))
    def acknowledgement_is_lost(self, number: int, back: int) -> None:
        log = self.world.log
        log.committed[number] = max(0, log.committed[number] - back)
        log.give_back(number)

    # What holds at any moment, and in the end.

    @invariant()
    def holds(self) -> None:
        self.run(self._holds())

    async def _holds(self) -> None:
        async with self.engine.connect() as tx:
            rows = await tx.execute(_SEEN)
            found: dict[str, list[Any]] = {row.what: row.found for row in rows}
            for sequences in found["effects"]:
                assert sequences == [*range(1, len(sequences) + 1)], "out of order, twice, or one left out"
            families = [each["family"] for each in found["stored"]]
            assert len(families) == len(set(families)), "a family is two referrals"
            kept = {UUID(each["key"]) for each in found["stored"]}
            for client in self.world.clients:
                assert client.answered is None or client.answered in kept, "an answered referral is not there"

    async def _heal(self) -> None:
        """Every process lives, every agency sends until it is answered, and all of it goes through."""
        while self.world.hearing:
            await _end(self.world.hearing, self.world.hearing[0])
        await self._everyone_is_answered()
        for number, client in enumerate(self.world.clients):
            if client.has_asked and not client.answered:
                await self._ask(number)
        await self._everyone_is_answered()
        for _ in range(3):
            for copy in list(self.world.relays):
                await self._publish(copy)
                await self._share(copy)
        for number in range(PARTITIONS):
            self.world.log.give_back(number)
            while self.world.log.has_more(number):
                await self._hear(number, 100)

    async def _everyone_is_answered(self) -> None:
        while self.world.asking:
            await self._answer(self.world.asking[0], is_heard=True)

    async def _all_is_there(self) -> None:
        await self._holds()
        async with self.engine.connect() as tx:
            said = await _counted(tx, "event")
            heard = await _counted(tx, "effect")
            asked = {client.answered: 1 + client.told for client in self.world.clients if client.has_asked}
            assert None not in asked, "an agency was never answered"
            assert said == asked, "an event is missing, or nobody asked for it"
            assert heard == said, "lost on its way"
            left = await tx.execute(sa.text("SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM parked)"))
            assert left.one() == (0, 0), "still waiting, or parked"

    @staticmethod
    def _one_of(of: Sequence[Underway], which: int) -> Underway:
        return of[which % len(of)]


@dataclass
class Message:
    """What FastStream hands over."""

    log: Log
    number: int
    raw_message: tuple[ConsumerRecord[bytes, bytes], ...]

    async def nack(self) -> None:
        self.log.give_back(self.number)


async def _awaited(work: Awaitable[T]) -> T:
    return await work


# Tasks that stand at their gates, or wait for their turn. Nothing goes on by itself: a schedule has one course.


def _about(tasks: Sequence[Underway], of: int) -> list[Underway]:
    return [each for each in tasks if each.of == of]


async def _stands(underway: Underway) -> None:
    """Until it is at its gate, or has ended; raises what ended it."""
    reached = asyncio.create_task(underway.gate.reached.wait())
    await asyncio.wait({underway.task, reached}, return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    if underway.task.done():
        underway.task.result()


async def _begin(tasks: list[Underway], underway: Underway) -> None:
    is_first = not _about(tasks, underway.of)
    tasks.append(underway)
    if is_first or underway.turn.is_set():
        underway.turn.set()
        await _stands(underway)


async def _end(tasks: list[Underway], underway: Underway) -> Any:
    """It goes on to its end, or whoever it waits for does; then the next has its turn."""
    if not underway.turn.is_set():
        underway = _about(tasks, underway.of)[0]
    underway.gate.opened.set()
    result = await underway.task
    tasks.remove(underway)
    await _next(tasks, underway.of)
    return result


async def _die(tasks: list[Underway], underway: Underway) -> None:
    """Its process is gone: its transaction is rolled back, its acknowledgement never sent."""
    await _dead(underway)
    tasks.remove(underway)
    await _next(tasks, underway.of)


async def _next(tasks: Sequence[Underway], of: int) -> None:
    if others := _about(tasks, of):
        others[0].turn.set()
        await _stands(others[0])


async def _dead(underway: Underway) -> None:
    underway.task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await underway.task


async def _counted(tx: AsyncConnection, table: str) -> dict[UUID, int]:
    return {
        row.key: row.many
        for row in await tx.execute(sa.text(f"SELECT key, count(*) AS many FROM {table} GROUP BY key"))
    }


def _request(number: int) -> RequestKey:
    return RequestKey(AGENCY, (1 << 62 | number).to_bytes(8, "big") * 2, b"the same body", b"key1")
