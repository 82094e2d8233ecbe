"""The outbox and its relay: numbered, in order, at least once, whatever is away or dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from aiokafka.errors import KafkaError
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from shared.brokers import Brokers
from shared.errors import DATABASE_TROUBLE, is_transient
from shared.events import REFERRAL_TOPIC, ReferralWithdrawn
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.leases import BALANCE_SECONDS
from shared.messaging.outbox import PARTS, Cause
from shared.messaging.relay import Relay
from shared.messaging.waking import Wake
from shared.metrics import OUTBOX_ROWS
from tests.integration.support import (
    SCHEMA,
    a_draft,
    count,
    ended,
    eventually,
    fetch,
    named_headers,
    probe_engine,
    read_all,
    running,
    sequences_by_key,
    something_happened,
)
from tests.servers import Servers

pytestmark = pytest.mark.usefixtures("empty_topics")


async def append(engine: AsyncEngine, *keys: UUID) -> None:
    async with engine.begin() as tx:
        await outbox.append(tx, [a_draft(key) for key in keys])


def a_relay(stack: Servers, database: str) -> Relay:
    return Relay(dsn=database, schema=SCHEMA, brokers=Brokers(stack.kafka_bootstrap_servers))


async def is_drained(engine: AsyncEngine) -> bool:
    return await count(engine, "outbox") == 0


async def published(stack: Servers) -> list[dict[str, str]]:
    return [named_headers(record) for record in await read_all(stack.kafka_bootstrap_servers, REFERRAL_TOPIC)]


async def test_events_of_a_key_are_numbered_from_one_without_gaps(probe: AsyncEngine) -> None:
    one, other = uuid7(), uuid7()
    await append(probe, one, other, one)
    await append(probe, one)
    rows = await fetch(probe, "SELECT key, sequence FROM event e JOIN outbox o ON o.event_id = e.id ORDER BY position")
    assert [(row.key, row.sequence) for row in rows] == [(one, 1), (other, 1), (one, 2), (one, 3)]


async def test_what_is_rolled_back_was_never_said(probe: AsyncEngine) -> None:
    async with probe.connect() as tx:
        await outbox.append(tx, [a_draft(uuid7())])
        await tx.rollback()
    assert await count(probe, "event") == 0
    assert await is_drained(probe)


async def test_of_two_transactions_that_number_a_key_at_once_the_second_has_to_try_again(probe: AsyncEngine) -> None:
    key = uuid7()
    async with probe.connect() as first, probe.connect() as second:
        await outbox.append(first, [a_draft(key)])
        late = asyncio.create_task(outbox.append(second, [a_draft(key)]))
        await asyncio.sleep(0.2)
        await first.commit()
        with pytest.raises(sa.exc.IntegrityError) as caught:
            await late
    assert is_transient(caught.value)


async def test_an_event_travels_with_its_cloudevents_attributes(
    stack: Servers, database: str, probe: AsyncEngine
) -> None:
    key, correlation, causation = uuid7(), uuid7(), uuid7()
    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    draft = a_draft(key, something_happened(), cause=Cause(correlation, causation, trace))
    async with probe.begin() as tx:
        await outbox.append(tx, [draft])
    async with running(a_relay(stack, database)):
        await eventually(lambda: is_drained(probe), what="an empty outbox")
    [record] = await read_all(stack.kafka_bootstrap_servers, REFERRAL_TOPIC)
    [stored] = await fetch(probe, "SELECT id FROM event")
    assert record.key == str(key).encode()
    assert ReferralWithdrawn.model_validate_json(record.value) == draft.data
    assert named_headers(record) == {
        "ce_specversion": "1.0",
        "ce_id": str(stored.id),
        "ce_source": "/pir/referral",
        "ce_type": "referral.withdrawn.v1",
        "ce_subject": str(key),
        "ce_time": draft.at.isoformat(),
        "ce_sequence": "1",
        "ce_correlationid": str(correlation),
        "ce_causationid": str(causation),
        "content-type": "application/json",
        "traceparent": trace,
    }


async def test_a_relay_that_ends_between_sending_and_deleting_repeats_but_loses_nothing(
    stack: Servers, database: str, probe: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: Any) -> None:
        """A process that was killed deletes nothing more."""

    async def no_second_look(*_: Any) -> None:
        await asyncio.Event().wait()

    keys = [uuid7() for _ in range(5)]
    await append(probe, *keys * 10)
    with monkeypatch.context() as patch:
        patch.setattr(Relay, "_forget_published", killed)
        patch.setattr(Wake, "wait", no_second_look)
        first = asyncio.create_task(a_relay(stack, database).run())

        async def all_are_sent() -> bool:
            return len(await published(stack)) == 50

        await eventually(all_are_sent, what="50 records on the topic")
        await ended(first)
    assert await count(probe, "outbox") == 50
    async with running(a_relay(stack, database)):
        await eventually(lambda: is_drained(probe), what="an empty outbox")
    times = Counter(headers["ce_id"] for headers in await published(stack))
    assert len(times) == 50
    assert set(times.values()) == {2}


async def test_a_relay_that_ends_as_it_should_leaves_nothing_to_repeat(
    stack: Servers, database: str, probe: AsyncEngine
) -> None:
    await append(probe, *[uuid7() for _ in range(50)])

    async def all_are_sent() -> bool:
        return len(await published(stack)) == 50

    async with running(a_relay(stack, database)):
        await eventually(all_are_sent, what="50 records on the topic")
    assert await count(probe, "outbox") == 0


async def test_two_relays_share_the_parts_and_keep_the_order_of_each_key(
    stack: Servers, database: str, probe: AsyncEngine
) -> None:
    keys = [uuid7() for _ in range(200)]
    leaving = asyncio.create_task(a_relay(stack, database).run())
    staying = a_relay(stack, database)
    async with running(staying):
        for number in range(15):
            await append(probe, *keys)
            await asyncio.sleep(0.2)  # 3 s in all: the shares are balanced every two seconds
            if number == 12:
                await ended(leaving)
        await eventually(lambda: is_drained(probe), what="an empty outbox")
    records = await read_all(stack.kafka_bootstrap_servers, REFERRAL_TOPIC)
    assert sequences_by_key(records) == {str(key): list(range(1, 16)) for key in keys}
    assert len(records) == 3000  # nothing was cut short, so nothing was repeated either


async def test_each_of_two_relays_holds_half_of_the_parts(stack: Servers, database: str, probe: AsyncEngine) -> None:
    async def shares() -> list[int]:
        rows = await fetch(
            probe,
            """
            SELECT count(*) FILTER (WHERE objid < :parts) AS held FROM pg_locks
            WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            GROUP BY pid ORDER BY 1
            """,
            parts=PARTS,
        )
        return [row.held for row in rows]

    async def shared_evenly() -> bool:
        return await shares() == [PARTS // 2, PARTS // 2]

    async with running(a_relay(stack, database), a_relay(stack, database)):
        await eventually(shared_evenly, what="six parts each")


async def test_a_relay_of_another_database_takes_no_share(stack: Servers, database: str, new_database) -> None:
    elsewhere = new_database()
    async with (
        probe_engine(database) as engine,
        probe_engine(elsewhere),
        running(a_relay(stack, elsewhere), a_relay(stack, database)),
    ):
        await asyncio.sleep(BALANCE_SECONDS * 1.5)  # both have counted the copies by now
        await append(engine, *(uuid7() for _ in range(100)))
        await eventually(lambda: is_drained(engine), what="an empty outbox", seconds=15)


async def test_events_wait_for_a_kafka_that_is_away_at_the_start_and_again_later(
    stack: Servers, database: str, probe: AsyncEngine, kafka: Kafka
) -> None:
    key = uuid7()
    await asyncio.to_thread(kafka.stop)
    async with running(a_relay(stack, database)):
        await append(probe, key)
        await asyncio.sleep(1)
        assert not await is_drained(probe)
        await asyncio.to_thread(kafka.start)
        await eventually(lambda: is_drained(probe), what="an empty outbox after the first outage")
        await asyncio.to_thread(kafka.kill)
        await append(probe, key, key)
        await asyncio.sleep(1)
        await asyncio.to_thread(kafka.start)
        await eventually(lambda: is_drained(probe), what="an empty outbox after the second outage")
    assert sequences_by_key(await read_all(stack.kafka_bootstrap_servers, REFERRAL_TOPIC)) == {str(key): [1, 2, 3]}


async def test_a_relay_goes_on_after_a_crash_of_postgresql(
    stack: Servers, database: str, probe: AsyncEngine, postgres: Postgres
) -> None:
    keys = [uuid7() for _ in range(50)]
    async with running(a_relay(stack, database)):
        for _ in range(10):
            await append(probe, *keys)
        await asyncio.to_thread(postgres.kill)
        await asyncio.to_thread(postgres.start)
        await count(probe, "event")  # drops the connections that died
        await append(probe, *keys)
        await eventually(lambda: is_drained(probe), what="an empty outbox")
    found = sequences_by_key(await read_all(stack.kafka_bootstrap_servers, REFERRAL_TOPIC))
    assert found == {str(key): list(range(1, 12)) for key in keys}


@pytest.mark.parametrize("trouble", [KafkaError, *DATABASE_TROUBLE], ids=lambda each: each.__name__)
async def test_a_relay_goes_on_whatever_is_said_of_a_server(
    stack: Servers, database: str, probe: AsyncEngine, monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    publish, failures = Relay._publish_once, [trouble("the server ends")]

    async def fails_once(*given: Any) -> int:
        if failures:
            raise failures.pop()
        return await publish(*given)

    monkeypatch.setattr(Relay, "_publish_once", fails_once)
    await append(probe, uuid7())
    async with running(a_relay(stack, database)):
        await eventually(lambda: is_drained(probe), what="an empty outbox")
    assert not failures


async def test_the_past_is_published_again_in_order_and_under_the_same_ids(
    stack: Servers, database: str, probe: AsyncEngine
) -> None:
    keys = [uuid7() for _ in range(20)]
    async with running(a_relay(stack, database)):
        for _ in range(5):
            await append(probe, *keys)
        await eventually(lambda: is_drained(probe), what="an empty outbox")
        async with probe.begin() as tx:
            queued, last = await outbox.republish(tx)
            assert queued == 100
            assert await outbox.republish(tx, after=last) == (0, None)
        await eventually(lambda: is_drained(probe), what="an empty outbox again")
    records = await published(stack)
    for key in map(str, keys):
        told = [headers["ce_id"] for headers in records if headers["ce_subject"] == key]
        assert told[:5] == told[5:]
        assert len(set(told)) == 5


async def test_the_past_is_queued_again_in_stretches_each_key_in_its_order(probe: AsyncEngine) -> None:
    keys = [uuid7() for _ in range(7)]
    for _ in range(3):
        await append(probe, *keys)
    await empty_outbox(probe)
    total, stretches = 0, 0
    after: outbox.Place | None = outbox.START
    while after:
        async with probe.begin() as tx:
            queued, after = await outbox.republish(tx, after=after, stretch=4)
        total += queued
        stretches += queued > 0
    assert (total, stretches) == (21, 6)
    rows = await fetch(probe, "SELECT key, sequence FROM event e JOIN outbox o ON o.event_id = e.id ORDER BY position")
    for key in keys:
        assert [row.sequence for row in rows if row.key == key] == [1, 2, 3]
    parts = await fetch(probe, "SELECT part, key FROM event e JOIN outbox o ON o.event_id = e.id")
    assert all(row.part == outbox.part_of(row.key) for row in parts)


async def test_only_what_happened_since_a_time_is_queued_again(probe: AsyncEngine) -> None:
    await append(probe, uuid7())
    since = datetime.now(UTC)
    await append(probe, uuid7(), uuid7())
    await empty_outbox(probe)
    async with probe.begin() as tx:
        queued, _ = await outbox.republish(tx, since=since)
    assert queued == 2


async def empty_outbox(engine: AsyncEngine) -> None:
    async with engine.begin() as tx:
        await tx.execute(sa.text("DELETE FROM outbox"))


async def test_the_outbox_is_measured_while_kafka_is_away(database: str, probe: AsyncEngine) -> None:
    await append(probe, uuid7(), uuid7())
    OUTBOX_ROWS.labels(SCHEMA).set(0)

    async def measured() -> bool:
        return OUTBOX_ROWS.labels(SCHEMA)._value.get() == 2

    async with running(Relay(dsn=database, schema=SCHEMA, brokers=Brokers("127.0.0.1:1"))):
        await eventually(measured, what="two rows counted", seconds=10)


async def test_a_producer_that_never_answers_is_replaced_and_the_order_holds(
    stack: Servers, database: str, probe: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.relay.SEND_SECONDS", 1.0)
    keys = [uuid7() for _ in range(3)]
    await append(probe, *keys * 5)
    relay, tries = a_relay(stack, database), 0
    send = relay._send

    async def sent_but_never_answered(producer: Any, row: Any) -> Any:
        nonlocal tries
        tries += 1
        sent = await send(producer, row)
        return asyncio.get_running_loop().create_future() if tries == 8 else sent

    monkeypatch.setattr(relay, "_send", sent_but_never_answered)
    async with running(relay):
        await eventually(lambda: is_drained(probe), what="an empty outbox")
    assert tries == 30
    records = await read_all(stack.kafka_bootstrap_servers, REFERRAL_TOPIC)
    assert sequences_by_key(records) == {str(key): [1, 2, 3, 4, 5] for key in keys}
    assert relay.waiting == 0


async def test_an_event_that_no_broker_takes_is_set_aside_alone_with_what_waits_behind_it(
    stack: Servers, database: str, probe: AsyncEngine
) -> None:
    """Two ways in: too large for the client, and a type that a newer version wrote before it was rolled back."""
    large, strange = uuid7(), uuid7()
    others = [uuid7() for _ in range(20)]
    await append(probe, large, strange, *others)
    async with probe.begin() as tx:
        await tx.execute(
            sa.text("UPDATE event SET value = value || repeat(' ', 2000000) WHERE key = :key"), {"key": large}
        )
        await tx.execute(sa.text("UPDATE event SET type = 'referral.moved.v9' WHERE key = :key"), {"key": strange})
    await append(probe, large, *others)

    async def others_are_sent() -> bool:
        return Counter(each["ce_subject"] for each in await published(stack)) == Counter(
            map(str, [strange, *others, *others])
        )

    async def are_left() -> bool:
        return len(await outbox.set_aside(probe)) == 1 and await count(probe, "outbox") == 2

    async with running(a_relay(stack, database)):
        await eventually(others_are_sent, what="the events of all others, twice")
        await eventually(are_left, what="the large one, and the one behind it")
        [aside] = await outbox.set_aside(probe)
        assert (aside.key, aside.set_aside) == (large, "MessageSizeTooLargeError")

        async with probe.begin() as tx:
            await tx.execute(sa.text("UPDATE event SET value = rtrim(value) WHERE key = :key"), {"key": large})
        assert await outbox.try_again(probe) == 1
        await eventually(lambda: is_drained(probe), what="an empty outbox")
    own = [each["ce_sequence"] for each in await published(stack) if each["ce_subject"] == str(large)]
    assert own == ["1", "2"]
