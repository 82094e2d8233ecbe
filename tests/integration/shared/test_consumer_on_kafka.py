"""The consumer in its group on a real Kafka: poison, cancelled handlers, copies that come and go, outages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import CommitFailedError
from aiokafka.structs import TopicPartition
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from services.metrics.unread import unread
from shared.brokers import Brokers
from shared.database import engine_of
from shared.events import Envelope, ReferralChallenged
from shared.ids import uuid7
from shared.messaging import consumer, left_out, reach
from tests.integration.support import (
    a_consumer,
    an_event,
    count,
    effects_of,
    eventually,
    failing_for,
    fetch,
    headers_of,
    history_of,
    producer,
    publish,
    running,
    take_effect,
)
from tests.integration.ways import Way
from tests.servers import Servers, admin


@pytest.fixture
async def topic(stack: Servers) -> str:
    """A topic of this test's own, with four partitions."""
    return await stack.new_topic()


def a_copy(stack: Servers, engine: AsyncEngine, topic: str, handler: Any = take_effect, **more: Any) -> Any:
    """One consumer of the group that is named after the topic."""
    return a_consumer(
        engine,
        handler,
        topics=[topic],
        bootstrap_servers=stack.kafka_bootstrap_servers,
        group=topic,
        **more,
    )


async def all_done(engine: AsyncEngine, expected: int, seconds: float = 60) -> None:
    async def done() -> bool:
        return await count(engine, "effect") >= expected

    await eventually(done, what=f"{expected} effects", seconds=seconds)


async def test_of_several_addresses_one_that_answers_is_enough(stack: Servers, probe: AsyncEngine, topic: str) -> None:
    """As a cluster is named: the brokers one by one, some of which may be away."""
    places = f"127.0.0.1:1, {stack.kafka_bootstrap_servers},127.0.0.1:2"
    copy = a_consumer(probe, take_effect, topics=[topic], bootstrap_servers=places, group=topic)
    async with running(copy):
        await publish(places, topic, history_of(keys=2, events=3))
        await all_done(probe, 6)


async def test_a_copy_that_is_cut_off_from_the_database_leaves_its_partitions_to_the_others(
    stack: Servers, probe: AsyncEngine, topic: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hears of the brokers all the while, so they would wait for it."""
    monkeypatch.setattr(reach, "ASK_EVERY_SECONDS", 0.2)
    way = Way(database)
    theirs = engine_of(await way.open(), "probe")
    cut_off, other = a_copy(stack, theirs, topic), a_copy(stack, probe, topic)

    async def share() -> bool:
        return cut_off.is_assigned and other.is_assigned

    async def has_left() -> bool:
        return not cut_off.has_joined

    async with running(cut_off, other):
        await eventually(share, what="partitions for both")
        await way.close()
        await publish(stack.kafka_bootstrap_servers, topic, history_of(keys=16, events=2))
        await all_done(probe, 32)
        await eventually(has_left, what="the copy that is cut off to leave")
        await way.open()
        await eventually(share, what="partitions for both again")
    await way.close()
    await theirs.dispose()
    assert await count(probe, "effect") == 32


async def test_a_copy_that_comes_back_does_not_take_the_group_behind_what_another_has_read(
    stack: Servers, probe: AsyncEngine, topic: str
) -> None:
    """It could not acknowledge when its partitions went to another, and has one of them again."""
    copy = a_copy(stack, probe, topic)
    committed: list[dict[TopicPartition, int]] = []
    place = TopicPartition(topic, 0)

    class Client:
        is_member = False

        async def commit(self, offsets: dict[TopicPartition, int]) -> None:
            if not self.is_member:
                raise CommitFailedError
            committed.append(offsets)

    copy._subscriber = SimpleNamespace(consumer=Client())
    await copy._gate.on_partitions_assigned([place])
    copy._handled = {place: 5}
    await copy._gate.on_partitions_revoked([place])
    await copy._gate.on_partitions_assigned([place])
    Client.is_member = True
    await copy._acknowledge()
    assert committed == []
    copy._handled = {place: 9}
    await copy._acknowledge()
    assert committed == [{place: 9}]


async def test_what_is_under_way_when_its_partitions_go_does_not_come_back(
    stack: Servers, probe: AsyncEngine, topic: str
) -> None:
    copy, place, goes_on = a_copy(stack, probe, topic), TopicPartition(topic, 0), asyncio.Event()

    class Client:
        async def commit(self, _: object) -> None:
            await goes_on.wait()
            raise CommitFailedError

    copy._subscriber = SimpleNamespace(consumer=Client())
    await copy._gate.on_partitions_assigned([place])
    copy._handled = {place: 5}
    acknowledging = asyncio.create_task(copy._acknowledge())
    await asyncio.sleep(0)
    await copy._gate.on_partitions_revoked([place])
    await copy._gate.on_partitions_assigned([place])
    goes_on.set()
    await acknowledging
    assert copy._handled == {}


async def test_poison_on_the_topic_is_parked_and_everything_else_is_done(
    stack: Servers, probe: AsyncEngine, topic: str
) -> None:
    good = history_of(keys=50, events=10)
    await publish(stack.kafka_bootstrap_servers, topic, good[:250])
    event = an_event()
    value, headers = event.data.model_dump_json().encode(), headers_of(event)
    unknown = [(name, b"referral.withdrawn.v9" if name == "ce_type" else text) for name, text in headers]
    poison: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]] = [
        (b"k", b"{not json", [*headers]),
        (b"k", value, [("ce_type", b"\xff\xfe")]),
        (b"k", value, [("ce_type", None)]),
        (str(event.key).encode(), None, [*headers]),
        (None, value, [*headers]),
        (str(event.key).encode(), value, [*unknown]),
        (b"k", b"x" * (1024 * 1024 - 1024), [*headers]),
    ]
    async with producer(stack.kafka_bootstrap_servers) as sender:
        for key, text, named in poison:
            await sender.send_and_wait(topic, text, key=key, headers=named, partition=1)
    await publish(stack.kafka_bootstrap_servers, topic, good[250:])
    async with running(a_copy(stack, probe, topic)):
        await all_done(probe, 500)
    assert await count(probe, "parked") == 7
    for key in {event.key for event in good}:
        assert await effects_of(probe, key) == list(range(1, 11))


async def test_a_handler_that_is_cancelled_does_not_end_the_consumer(
    stack: Servers, probe: AsyncEngine, topic: str
) -> None:
    events = history_of(keys=10, events=3)
    culprit = events[-1]
    async with running(a_copy(stack, probe, topic, failing_for({culprit.id}, asyncio.CancelledError))):
        await publish(stack.kafka_bootstrap_servers, topic, events)
        await all_done(probe, 29)
        later = history_of(keys=10, events=1)
        await publish(stack.kafka_bootstrap_servers, topic, later)
        await all_done(probe, 39)
    [row] = await fetch(probe, "SELECT event_id FROM parked")
    assert row.event_id == culprit.id


async def test_copies_that_join_and_leave_under_load_lose_and_double_nothing(
    stack: Servers, probe: AsyncEngine, topic: str
) -> None:
    events = history_of(keys=100, events=30)

    async def slow(some: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
        await take_effect(some, tx)
        await asyncio.sleep(0.05)

    async with running(a_copy(stack, probe, topic, slow)):
        sending = asyncio.create_task(publish_slowly(stack, topic, events))
        for _ in range(2):
            await asyncio.sleep(1)
            async with running(joining := a_copy(stack, probe, topic, slow)):
                await eventually(lambda copy=joining: has_partitions(copy), what="partitions for the new copy")
                await asyncio.sleep(1)
        await sending
        await all_done(probe, 3000)
    assert await count(probe, "effect") == 3000
    assert await count(probe, "parked") == 0
    for key in {event.key for event in events}:
        assert await effects_of(probe, key) == list(range(1, 31))


async def publish_slowly(stack: Servers, topic: str, events: Sequence[Envelope[Any]]) -> None:
    async with producer(stack.kafka_bootstrap_servers) as sender:
        for number, event in enumerate(events):
            value, key = event.data.model_dump_json().encode(), str(event.key).encode()
            await sender.send(topic, value, key=key, headers=headers_of(event))
            if number % 100 == 0:
                await asyncio.sleep(0.2)


async def has_partitions(copy: Any) -> bool:
    return copy.is_assigned


async def test_a_copy_without_partitions_has_joined_all_the_same(
    stack: Servers, probe: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More copies than partitions: it stands by, and is not taken for one that stands still or was left out."""
    monkeypatch.setattr(left_out, "LEFT_OUT_SECONDS", 0.0)
    topic = await stack.new_topic(partitions=1)
    copies = [a_copy(stack, probe, topic), a_copy(stack, probe, topic)]

    async def have_joined() -> bool:
        return all(copy.has_joined for copy in copies) and any(copy.is_assigned for copy in copies)

    async with running(*copies):
        await eventually(have_joined, what="both in the group")
        [spare] = [copy for copy in copies if not copy.is_assigned]
        assert not await spare._left_out.look(None, stands_by=True)


async def test_a_copy_finds_partitions_that_were_not_there_when_it_joined(
    stack: Servers, probe: AsyncEngine, topic: str
) -> None:
    copy = a_copy(stack, probe, topic)

    async def is_assigned() -> bool:
        return copy.is_assigned

    async def stands_by() -> bool:
        return copy.has_joined and not copy.is_assigned

    async with running(copy), admin(stack.kafka_bootstrap_servers) as client:
        await eventually(is_assigned, what="partitions")
        await client.delete_topics([topic])
        await eventually(stands_by, what="none of them")
        await client.create_topics([NewTopic(topic, 4, 1)])
        await eventually(is_assigned, what="partitions again", seconds=30)


async def test_a_copy_that_is_given_no_share_under_its_name_joins_without_it(
    stack: Servers, probe: AsyncEngine, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The topic was gone when a copy of this name was last given a share: the broker gives that again, and again."""
    monkeypatch.setattr(left_out, "LEFT_OUT_SECONDS", 1.0)
    monkeypatch.setattr(consumer, "SESSION_TIMEOUT_MS", 15_000)  # for so long the broker knows who was there
    brokers = stack.kafka_bootstrap_servers

    async def is_assigned() -> bool:
        return copy.is_assigned

    async def stands_by() -> bool:
        return copy.has_joined and not copy.is_assigned

    copy = a_copy(stack, probe, topic, instance="one")
    async with running(copy), admin(brokers) as client:
        await eventually(is_assigned, what="partitions")
        await client.delete_topics([topic])
        await eventually(stands_by, what="none of them")
    async with admin(brokers) as client:
        await client.create_topics([NewTopic(topic, 4, 1)])
    await publish(brokers, topic, history_of(keys=2, events=2))
    copy = a_copy(stack, probe, topic, instance="one")
    async with running(copy):
        await eventually(stands_by, what="the share of before")
        await eventually(is_assigned, what="partitions again")
        await all_done(probe, 4)


async def test_a_copy_that_stops_has_acknowledged_what_it_did(stack: Servers, probe: AsyncEngine, topic: str) -> None:
    await publish(stack.kafka_bootstrap_servers, topic, history_of(keys=20, events=5))
    async with running(a_copy(stack, probe, topic)):
        await all_done(probe, 100)
    seen: list[Any] = []

    async def watch(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
        seen.extend(events)
        await take_effect(events, tx)

    async with probe.begin() as tx:
        await tx.exec_driver_sql("TRUNCATE inbox")  # or a repeat would stay unseen
    async with running(a_copy(stack, probe, topic, watch)):
        await publish(stack.kafka_bootstrap_servers, topic, [last := an_event()])
        await all_done(probe, 101)
    assert [event.id for event in seen] == [last.id]


async def test_the_brokers_say_how_much_all_copies_together_have_not_read(
    stack: Servers, probe: AsyncEngine, topic: str
) -> None:
    """What is nobody's business counts as read too, when it is the last on its partition."""
    brokers = stack.kafka_bootstrap_servers

    async def left() -> int | None:
        return await unread(Brokers(brokers), service=topic, topics=[topic])

    async def nothing_left() -> bool:
        return await left() == 0

    assert await left() == 0
    await publish(brokers, topic, history_of(keys=20, events=5))
    assert await left() == 100
    async with running(a_copy(stack, probe, topic), a_copy(stack, probe, topic)):
        await all_done(probe, 100)
        await eventually(nothing_left, what="all committed")
        unknown = ReferralChallenged(reference="PIR-234-679", agency_id=uuid7())
        await publish(brokers, topic, [an_event(data=unknown) for _ in range(20)])
        await eventually(nothing_left, what="all committed, also what nobody hears")
    await publish(brokers, topic, history_of(keys=3, events=1))
    assert await left() == 3
    assert await unread(Brokers(brokers), service=topic, topics=[topic, "no.such.topic"]) is None
    assert await unread(Brokers("127.0.0.1:1"), service=topic, topics=[topic]) is None


async def test_a_consumer_waits_for_a_kafka_that_is_away_at_the_start_and_again_later(
    stack: Servers, probe: AsyncEngine, topic: str, kafka: Kafka
) -> None:
    await publish(stack.kafka_bootstrap_servers, topic, history_of(keys=10, events=2))
    await asyncio.to_thread(kafka.stop)
    async with running(a_copy(stack, probe, topic)):
        await asyncio.sleep(1)
        await asyncio.to_thread(kafka.start)
        await all_done(probe, 20)
        await asyncio.to_thread(kafka.kill)
        await asyncio.to_thread(kafka.start)
        await publish(stack.kafka_bootstrap_servers, topic, history_of(keys=10, events=2))
        await all_done(probe, 40)
    assert await count(probe, "effect") == 40


async def test_a_crash_of_postgresql_under_the_consumer_loses_doubles_and_parks_nothing(
    stack: Servers, probe: AsyncEngine, topic: str, postgres: Postgres
) -> None:
    events = history_of(keys=100, events=20)
    async with running(a_copy(stack, probe, topic)):
        sending = asyncio.create_task(publish_slowly(stack, topic, events))
        await asyncio.sleep(1)
        await asyncio.to_thread(postgres.kill)
        await asyncio.to_thread(postgres.start)
        await sending
        await all_done(probe, 2000)
    assert await count(probe, "effect") == 2000
    assert await count(probe, "parked") == 0
    for key in {event.key for event in events}:
        assert await effects_of(probe, key) == list(range(1, 21))
