"""The consumer's promise on a real PostgreSQL: each event takes effect once, in order, or is parked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from deploy.local.postgres import Postgres
from shared.audit import Actor
from shared.database import connect_args
from shared.errors import is_lock_wait
from shared.events import Envelope, ReferralWithdrawn
from shared.ids import uuid7
from shared.messaging import repair
from shared.messaging.consumer import Consumer
from shared.messaging.dispatch import AtOnce, Handler
from shared.messaging.parked import BEHIND, TOO_SLOW
from tests.integration.support import (
    a_consumer,
    a_record,
    an_event,
    count,
    effects_of,
    failing_for,
    fetch,
    history_of,
    take_effect,
)

OLGA = Actor("operator", "olga")
WAITING = "parked WHERE resolved_at IS NULL"


@pytest.fixture(autouse=True, params=["careful", "at once"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every promise holds on both ways: one statement a batch, and the careful one that it falls back to."""
    if request.param == "at once":
        careful = a_consumer

        def at_once(engine: AsyncEngine, handler: Handler = take_effect) -> Consumer:
            return careful(engine, AtOnce(handler))

        monkeypatch.setitem(globals(), "a_consumer", at_once)
    return str(request.param)


async def handle(engine: AsyncEngine, events: Sequence[Envelope[Any]], handler: Any = take_effect) -> None:
    await a_consumer(engine, handler).handle([a_record(event) for event in events])


async def test_an_event_that_comes_again_takes_no_second_effect(probe: AsyncEngine) -> None:
    events = history_of(keys=5, events=4)
    await handle(probe, events)
    await handle(probe, events)
    assert await count(probe, "effect") == 20


async def test_a_batch_that_went_through_is_a_sign_of_life(probe: AsyncEngine) -> None:
    """Else the watchdog would end a consumer that has been behind for a while, and works."""
    consumer = a_consumer(probe, take_effect)
    before = consumer.moved_at
    await consumer.handle([a_record(an_event())])
    assert consumer.moved_at > before


async def test_an_event_that_comes_twice_in_one_batch_takes_effect_once(probe: AsyncEngine) -> None:
    event = an_event()
    await handle(probe, [event, event])
    assert await count(probe, "effect") == 1


async def test_the_same_batch_in_two_copies_at_once_takes_effect_once(probe: AsyncEngine) -> None:
    events = history_of(keys=100, events=5)
    await asyncio.gather(handle(probe, events), handle(probe, list(reversed(events))), handle(probe, events))
    assert await count(probe, "effect") == 500
    assert await count(probe, "parked") == 0


async def test_one_event_of_a_hundred_that_fails_is_parked_and_the_others_take_effect_in_order(
    probe: AsyncEngine,
) -> None:
    events = history_of(keys=20, events=5)
    culprit = events[-1]
    await handle(probe, events, failing_for({culprit.id}))
    [row] = await fetch(probe, "SELECT event_id, key, cause FROM parked")
    assert (row.event_id, row.key, row.cause) == (culprit.id, culprit.key, "handler: ValueError")
    for key in {event.key for event in events}:
        assert await effects_of(probe, key) == ([1, 2, 3, 4] if key == culprit.key else [1, 2, 3, 4, 5])


async def test_later_events_of_a_parked_referral_wait_behind_it(probe: AsyncEngine) -> None:
    events = history_of(keys=3, events=3)
    await handle(probe, events, failing_for({events[0].id}))
    rows = await fetch(probe, "SELECT key, cause FROM parked ORDER BY id")
    assert [(row.key, row.cause) for row in rows] == [
        (events[0].key, "handler: ValueError"),
        (events[0].key, BEHIND),
        (events[0].key, BEHIND),
    ]
    assert await count(probe, "effect") == 6


async def test_an_event_of_a_parked_referral_waits_in_a_later_batch_too(probe: AsyncEngine) -> None:
    first, second, third = history_of(keys=1, events=3)
    await handle(probe, [first], failing_for({first.id}))
    await handle(probe, [second, third])
    assert await count(probe, "effect") == 0
    assert await count(probe, WAITING) == 3


async def test_a_replay_finishes_what_was_parked_in_order(probe: AsyncEngine) -> None:
    events = history_of(keys=2, events=4)
    bad = {events[0].id, events[1].id}
    await handle(probe, events, failing_for(bad))
    assert await repair.replay(probe, {ReferralWithdrawn: take_effect}, only=None, by=OLGA) == (8, 0)
    assert [await effects_of(probe, event.key) for event in events[:2]] == [[1, 2, 3, 4]] * 2
    assert await count(probe, "parked WHERE resolution = 'replayed' AND resolved_by = 'olga' AND value IS NULL") == 8


async def test_after_a_replay_new_events_of_the_referral_are_handled_at_once(probe: AsyncEngine) -> None:
    first, second = history_of(keys=1, events=2)
    await handle(probe, [first], failing_for({first.id}))
    await repair.replay(probe, {ReferralWithdrawn: take_effect}, only=None, by=OLGA)
    await handle(probe, [second])
    assert await effects_of(probe, first.key) == [1, 2]


async def test_a_replay_that_fails_again_lets_nothing_overtake(probe: AsyncEngine) -> None:
    events = history_of(keys=2, events=2)
    broken, fine = events[0], events[1]
    handler = failing_for({broken.id, fine.id})
    await handle(probe, events, handler)
    still_broken = {ReferralWithdrawn: failing_for({broken.id})}
    assert await repair.replay(probe, still_broken, only=None, by=OLGA) == (2, 2)
    assert await effects_of(probe, broken.key) == []
    assert await effects_of(probe, fine.key) == [1, 2]


async def test_a_replay_of_one_row_takes_all_of_its_referral_and_no_other(probe: AsyncEngine) -> None:
    events = history_of(keys=2, events=2)
    await handle(probe, events, failing_for({events[0].id, events[1].id}))
    [row] = await fetch(probe, "SELECT id FROM parked WHERE event_id = :id", id=events[0].id)
    assert await repair.replay(probe, {ReferralWithdrawn: take_effect}, only=row.id, by=OLGA) == (2, 0)
    assert await effects_of(probe, events[0].key) == [1, 2]
    assert await effects_of(probe, events[1].key) == []


async def test_two_replays_at_once_take_effect_once(probe: AsyncEngine) -> None:
    events = history_of(keys=10, events=3)
    await handle(probe, events, failing_for({event.id for event in events[:10]}))
    oscar = Actor("operator", "oscar")
    both = (repair.replay(probe, {ReferralWithdrawn: take_effect}, only=None, by=who) for who in (OLGA, oscar))
    await asyncio.gather(*both)
    assert [await effects_of(probe, event.key) for event in events[:10]] == [[1, 2, 3]] * 10


async def test_what_is_discarded_keeps_who_and_why_but_not_its_value(probe: AsyncEngine) -> None:
    first, second = history_of(keys=1, events=2)
    await handle(probe, [first, second], failing_for({first.id}))
    [row] = await fetch(probe, "SELECT id FROM parked WHERE event_id = :id", id=first.id)
    assert await repair.discard(probe, row.id, reason="sent by a test system", by=OLGA)
    [row] = await fetch(probe, "SELECT * FROM parked WHERE event_id = :id", id=first.id)
    assert (row.resolution, row.resolved_by, row.reason) == ("discarded", "olga", "sent by a test system")
    assert row.value is None
    assert await repair.replay(probe, {ReferralWithdrawn: take_effect}, only=None, by=OLGA) == (1, 0)
    assert await effects_of(probe, first.key) == [2]


async def test_a_connection_that_dies_in_a_handler_is_no_reason_to_park(probe: AsyncEngine) -> None:
    tries = 0

    async def cut_off_once(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
        nonlocal tries
        tries += 1
        await take_effect(events, tx)
        if tries == 1:
            await tx.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await handle(probe, history_of(keys=10, events=3), cut_off_once)
    assert await count(probe, "effect") == 30
    assert await count(probe, "parked") == 0


async def test_a_deadlock_is_no_reason_to_park(probe: AsyncEngine) -> None:
    async with probe.begin() as tx:
        await tx.execute(sa.text("CREATE TABLE row_of AS SELECT n FROM generate_series(1, 2) AS n"))
    tries = 0
    both_hold_one = asyncio.Barrier(2)

    def locking(first: int, second: int) -> Any:
        async def handler(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
            nonlocal tries
            await tx.execute(sa.text("SELECT 1 FROM row_of WHERE n = :n FOR UPDATE"), {"n": first})
            tries += 1
            if tries <= 2:
                await both_hold_one.wait()
            await tx.execute(sa.text("SELECT 1 FROM row_of WHERE n = :n FOR UPDATE"), {"n": second})
            await take_effect(events, tx)

        return handler

    await asyncio.gather(
        handle(probe, history_of(keys=1, events=3), locking(1, 2)),
        handle(probe, history_of(keys=1, events=3), locking(2, 1)),
    )
    assert tries == 3  # PostgreSQL ended one of the two, which then went through
    assert await count(probe, "effect") == 6
    assert await count(probe, "parked") == 0


async def test_a_crash_of_postgresql_delays_a_batch_and_parks_nothing(probe: AsyncEngine, postgres: Postgres) -> None:
    events = history_of(keys=50, events=10)
    await asyncio.to_thread(postgres.kill)
    working = asyncio.create_task(handle(probe, events))
    await asyncio.sleep(0.5)
    assert not working.done()
    await asyncio.to_thread(postgres.start)
    await working
    assert await count(probe, "effect") == 500
    assert await count(probe, "parked") == 0


@pytest.mark.parametrize(
    ("part", "value", "cause"),
    [
        ("value", b"{not json", "value: "),
        ("value", b"", "value: "),
        ("value", None, "value: "),
        ("value", b"[]", "value: "),
        ("value", b"\xff\xfe", "value: "),
        ("value", b'{"reference": null}', "value: "),
        ("value", b"x" * 1024 * 1024, "value: "),
        ("key", None, "attributes: "),
        ("key", b"\xff", "attributes: "),
        ("key", b"not-an-id", "attributes: "),
        ("headers", [], "type: "),
    ],
    ids="bad-JSON empty null a-list UTF-16 null-member 1-MiB no-key binary-key odd-key bare".split(),  # noqa: SIM905
)
async def test_a_record_that_cannot_be_read_is_parked_whole(
    probe: AsyncEngine, part: str, value: Any, cause: str
) -> None:
    good = an_event()
    poison = a_record(an_event(), **{part: value})
    await a_consumer(probe).handle([poison, a_record(good)])
    [row] = await fetch(probe, "SELECT * FROM parked")
    assert row.cause.startswith(cause)
    assert (row.value, row.raw_key) == (poison.value, poison.key)
    assert await effects_of(probe, good.key) == [1]


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("ce_type", b"\xff\xfe", "type: not UTF-8"),
        ("ce_type", None, "type: unknown"),
        ("ce_type", b"referral.withdrawn.v9", "type: unknown"),
        ("ce_type", b"referral.\x00.v1", "type: unknown"),
        ("ce_id", b"\xff", "attributes: "),
        ("ce_id", None, "attributes: "),
        ("ce_time", b"yesterday", "attributes: "),
        ("ce_sequence", b"many", "attributes: "),
        ("ce_correlationid", b"", "attributes: "),
        ("traceparent", b"\xff", "attributes: "),
    ],
)
async def test_a_record_with_a_broken_attribute_is_parked(
    probe: AsyncEngine, name: str, value: bytes | None, cause: str
) -> None:
    poison = a_record(an_event())
    headers = [(known, text) for known, text in poison.headers if known != name]
    await a_consumer(probe).handle([a_record(an_event(), headers=[*headers, (name, value)]), a_record(an_event())])
    [row] = await fetch(probe, "SELECT cause FROM parked")
    assert row.cause.startswith(cause)
    assert await count(probe, "effect") == 1


@pytest.mark.parametrize(("name", "value"), [("x-note", b"\xff"), ("x-note", None), ("x-\x00", b""), ("", b"")])
async def test_a_header_that_is_not_ours_does_no_harm(probe: AsyncEngine, name: str, value: bytes | None) -> None:
    good, bad = a_record(an_event()), a_record(an_event(), value=b"{")
    for record in (good, bad):
        record.headers.append((name, value))
    await asyncio.wait_for(a_consumer(probe).handle([good, bad]), 10)
    assert await count(probe, "effect") == 1
    assert await count(probe, "parked") == 1


async def test_a_time_without_an_offset_is_parked(probe: AsyncEngine) -> None:
    record = a_record(an_event())
    headers = [(name, value) for name, value in record.headers if name != "ce_time"]
    await a_consumer(probe).handle([a_record(an_event(), headers=[*headers, ("ce_time", b"2026-06-15T12:00:00")])])
    assert await count(probe, WAITING) == 1


async def test_the_same_poison_twice_is_one_parked_row(probe: AsyncEngine) -> None:
    poison = a_record(an_event(), value=b"{")
    for _ in range(2):
        await a_consumer(probe).handle([poison])
    assert await count(probe, "parked") == 1


async def test_the_cause_of_a_parked_row_holds_no_value_of_it(probe: AsyncEngine) -> None:
    await a_consumer(probe).handle([a_record(an_event(), value=b'{"reference": ["Robin Shah"], "agency_id": "Shah"}')])
    [row] = await fetch(probe, "SELECT cause FROM parked")
    assert "Shah" not in row.cause


async def test_an_event_that_this_service_does_not_hear_is_passed_over(probe: AsyncEngine) -> None:
    record = a_record(an_event(uuid7()))
    headers = [(name, b"referral.received.v1" if name == "ce_type" else value) for name, value in record.headers]
    await a_consumer(probe).handle([a_record(an_event(), headers=headers)])
    assert await count(probe, "parked") == 0
    assert await count(probe, "inbox") == 0


# Bad records with a readable key have a place in the order, and order is promised within a topic.


async def test_a_bad_record_keeps_its_place_in_the_order_of_its_key(probe: AsyncEngine) -> None:
    first, second, third = history_of(keys=1, events=3)
    stranger = an_event()
    bad = a_record(second, value=b"{")
    records = [a_record(first), bad, a_record(third), a_record(stranger)]
    await a_consumer(probe).handle(records)
    assert await effects_of(probe, first.key) == [1]
    assert await effects_of(probe, stranger.key) == [1]
    rows = await fetch(probe, 'SELECT key, "offset", event_id, cause FROM parked ORDER BY id')
    assert [(row.key, row.offset, row.event_id) for row in rows] == [
        (first.key, bad.offset, None),
        (first.key, records[2].offset, third.id),
    ]
    assert rows[1].cause == BEHIND


async def test_a_bad_record_and_a_failing_handler_in_one_batch_keep_the_order(probe: AsyncEngine) -> None:
    events = history_of(keys=3, events=3)
    records = [a_record(event, **({"value": b"{"} if number == 3 else {})) for number, event in enumerate(events)]
    await a_consumer(probe, failing_for({events[1].id})).handle(records)
    assert [await effects_of(probe, event.key) for event in events[:3]] == [[1], [], [1, 2, 3]]
    rows = await fetch(probe, "SELECT key FROM parked ORDER BY id")
    assert [row.key for row in rows].count(events[0].key) == 2
    assert [row.key for row in rows].count(events[1].key) == 3


async def test_a_bad_record_that_was_dealt_with_blocks_nothing_when_it_comes_again(probe: AsyncEngine) -> None:
    first, second = history_of(keys=1, events=2)
    bad = a_record(first, value=b"{")
    await a_consumer(probe).handle([bad])
    [row] = await fetch(probe, "SELECT id FROM parked")
    assert await repair.discard(probe, row.id, reason="nonsense", by=OLGA)
    await a_consumer(probe).handle([bad, a_record(second)])
    assert await effects_of(probe, second.key) == [2]
    assert await count(probe, "parked") == 1


async def test_what_is_parked_on_one_topic_holds_up_nothing_on_another(probe: AsyncEngine) -> None:
    first, second = history_of(keys=1, events=2)
    await handle(probe, [first], failing_for({first.id}))
    await a_consumer(probe).handle([a_record(second, topic="elsewhere")])
    assert await effects_of(probe, first.key) == [2]


async def test_a_replay_stops_on_the_topic_of_a_failure_and_goes_on_on_another(probe: AsyncEngine) -> None:
    one, other = history_of(keys=1, events=2)
    consumer = a_consumer(probe, failing_for({one.id, other.id}))
    await consumer.handle([a_record(one), a_record(other, topic="elsewhere")])
    still_broken = {ReferralWithdrawn: failing_for({one.id})}
    assert await repair.replay(probe, still_broken, only=None, by=OLGA) == (1, 1)
    assert await effects_of(probe, one.key) == [2]


async def test_a_database_that_takes_no_writes_for_a_while_is_no_reason_to_park(probe: AsyncEngine) -> None:
    tries = 0

    async def read_only_once(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await tx.execute(sa.text("SET TRANSACTION READ ONLY"))
        await take_effect(events, tx)

    await handle(probe, history_of(keys=2, events=2), read_only_once)
    assert await count(probe, "effect") == 4
    assert await count(probe, "parked") == 0


async def test_what_was_parked_for_a_type_that_is_known_now_is_handled_by_itself(probe: AsyncEngine) -> None:
    """A newer service spoke before this one was updated; the update is all that it takes."""
    event = an_event()
    new = a_record(event, headers=[*[h for h in a_record(event).headers if h[0] != "ce_type"], ("ce_type", b"new.v1")])
    later = an_event(event.key, 2)
    consumer = a_consumer(probe)
    await consumer.handle([new, a_record(later)])
    await consumer.parked_again.try_again(now=0)
    assert await count(probe, "parked WHERE resolved_at IS NULL") == 2
    known = json.dumps([[name, value.hex()] for name, value in a_record(event).headers])
    async with probe.begin() as tx:
        await tx.execute(
            sa.text("UPDATE parked SET headers = CAST(:known AS jsonb) WHERE cause = 'type: unknown'"), {"known": known}
        )
    await consumer.parked_again.try_again(now=0)
    assert await count(probe, "parked WHERE resolved_at IS NULL") == 0
    assert await effects_of(probe, event.key) == [1, 2]


async def test_a_batch_that_is_always_too_slow_is_halved(probe: AsyncEngine, way: str) -> None:
    sizes: list[int] = []

    async def slow_in_company(events: Any, _: Any) -> None:
        sizes.append(len(events))
        if len(events) > 2:
            raise TimeoutError

    await a_consumer(probe, slow_in_company).handle([a_record(an_event()) for _ in range(8)])
    before = [8] if way == "at once" else []
    assert sizes == [*before, 8, 8, 4, 4, 2, 2, 4, 4, 2, 2]
    assert await count(probe, "parked") == 0


# Too slow alone: told from an outage and from a lock that somebody holds, set aside, and tried again by itself.


def slow_engine(database: str) -> AsyncEngine:
    """As a service's, but a statement may take 0.3 s only."""
    return create_async_engine(
        database.replace("postgresql://", "postgresql+asyncpg://", 1),
        connect_args=connect_args("probe") | {"timeout": 0.3, "command_timeout": 0.3},
    )


async def test_an_event_that_is_too_slow_alone_is_parked_and_the_others_go_on(
    probe: AsyncEngine, database: str
) -> None:
    heavy, stranger = an_event(), an_event()
    later = an_event(heavy.key, 2)

    async def heavy_statement(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
        await take_effect(events, tx)
        if any(event.id == heavy.id for event in events):
            await tx.execute(sa.text("SELECT pg_sleep(10)"))

    engine = slow_engine(database)
    await asyncio.wait_for(handle(engine, [heavy, later, stranger], heavy_statement), 30)
    await engine.dispose()
    rows = await fetch(probe, "SELECT event_id, cause FROM parked ORDER BY id")
    assert [(row.event_id, row.cause) for row in rows] == [(heavy.id, TOO_SLOW), (later.id, BEHIND)]
    assert await effects_of(probe, stranger.key) == [1]


async def test_a_database_that_is_silent_in_the_middle_of_a_lone_event_is_no_reason_to_park(
    probe: AsyncEngine, database: str, postgres: Postgres
) -> None:
    """Statements and connections time out all along, as often as those of an event that is too slow."""
    event, tries = an_event(), 0
    engine = slow_engine(database)

    async def cut_off(events: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            postgres.pause()
            asyncio.get_running_loop().call_later(6, postgres.resume)
        await take_effect(events, tx)

    await handle(engine, [event], cut_off)
    await engine.dispose()
    assert await effects_of(probe, event.key) == [1]
    assert await count(probe, "parked") == 0


async def test_a_lock_that_somebody_holds_is_told_from_a_slow_statement(probe: AsyncEngine) -> None:
    """A reindex, an operator's session: it may take minutes, and what waits for it is not at fault."""
    async with probe.begin() as holder:
        await holder.execute(sa.text("LOCK TABLE effect IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(sa.exc.DBAPIError) as raised:
            async with probe.begin() as tx:
                await take_effect([an_event()], tx)
    assert is_lock_wait(raised.value)


async def test_what_was_too_slow_is_tried_again_by_itself_the_less_often_the_longer_it_fails(
    probe: AsyncEngine,
) -> None:
    first, second = history_of(keys=1, events=2)
    bad = {first.id}
    consumer = a_consumer(probe, failing_for(bad, TimeoutError))
    await consumer.handle([a_record(first), a_record(second)])
    tried_at = [now for now in range(0, 1_000, 30) if await tries(consumer, now=now)]
    assert tried_at == [0, 60, 180, 420, 900]
    bad.clear()
    await consumer.parked_again.try_again(now=10_000)
    assert await effects_of(probe, first.key) == [1, 2]


async def test_what_always_fails_is_tried_again_once_an_hour_at_the_least(probe: AsyncEngine) -> None:
    event = an_event()
    consumer = a_consumer(probe, failing_for({event.id}, TimeoutError))
    await consumer.handle([a_record(event)])
    for now in range(0, 20 * 3600, 3600):
        assert await tries(consumer, now=now)


async def tries(consumer: Consumer, *, now: float) -> bool:
    """Whether the consumer tried what is parked at this time."""
    handled, left = await consumer.parked_again.try_again(now=now)
    return handled + left > 0
