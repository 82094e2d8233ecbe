"""Whatever the schedule, nothing is lost between a request and its effect in another service, and nothing happens twice.

Six protocols that look right are planted, and found by one schedule each. `make test-schedules` tries 3,000 schedules of
40 steps, and finds the six by chance, too.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import pytest
import sqlalchemy as sa
from aiokafka import TopicPartition
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from shared.database import sql
from shared.messaging import inbox, relay
from shared.messaging.consumer import Consumer
from shared.messaging.dispatch import dispatch
from shared.messaging.inbox import Inbox
from shared.messaging.relay import Relay
from tests.integration.support import probe_engine
from tests.schedules import PARTITIONS, Message, Schedule
from tests.servers import Servers

SCHEDULES: Final = int(os.environ.get("PIR_SCHEDULES", "15"))
STEPS: Final = 40

pytestmark = pytest.mark.timeout(max(300, 3 * SCHEDULES))
"""Seconds for one test: a schedule takes a third of one on a machine that has nothing else to do."""


@pytest.fixture(scope="module")
def url(stack: Servers) -> Iterator[str]:
    """A database with the schema of the plumbing, and what a request needs."""
    name = stack.new_database()

    async def make() -> None:
        async with probe_engine(stack.url_of(name)) as engine, engine.begin() as tx:
            await tx.execute(sa.text("CREATE TABLE request (LIKE referral.request INCLUDING ALL)"))
            await tx.execute(sa.text("CREATE TABLE stored (family integer NOT NULL, key uuid PRIMARY KEY)"))

    asyncio.run(make())
    yield stack.url_of(name)
    stack.drop_database(name)


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "careful"])
def test_whatever_the_schedule_nothing_is_lost_and_nothing_happens_twice(url: str, at_once: bool) -> None:
    run_state_machine_as_test(
        type("AnySchedule", (Schedule,), {"url": url, "at_once": at_once}),
        settings=settings(
            max_examples=SCHEDULES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


# Faults that are planted: the protocols that look right.


def no_inbox(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(inbox, "_CLAIM", sql("SELECT id AS event_id FROM unnest(CAST(:ids AS uuid[])) AS t(id)"))


def claimed_before_the_effect(plant: pytest.MonkeyPatch) -> None:
    async def in_two_transactions(self: Inbox, items: Sequence[Any]) -> None:
        async with self._engine.begin() as tx:
            fresh = await inbox._fresh(tx, items)
        async with self._engine.begin() as tx:
            await dispatch([item.envelope for item in fresh if item.envelope], self._handlers, tx)

    plant.setattr(Inbox, "_in_one_transaction", in_two_transactions)


def acknowledged_before_the_effect(plant: pytest.MonkeyPatch) -> None:
    receive = Consumer._receive

    async def acknowledging_first(self: Consumer, message: Message) -> None:
        records = message.raw_message
        self._handled |= {TopicPartition(each.topic, each.partition): each.offset + 1 for each in records}
        await self._acknowledge()
        await receive(self, message)

    plant.setattr(Consumer, "_receive", acknowledging_first)


def published_up_to_a_mark(plant: pytest.MonkeyPatch) -> None:
    """Positions are given when a row is written and seen when it is committed."""
    publish, marks = Relay._publish_once, {"": 0}

    async def above_the_mark(self: Relay, connection: Any, producer: Any, parts: Sequence[int]) -> int:
        plant.setattr(relay, "_NEXT", of_relay.replace("o.part =", f"o.position > {marks['']} AND o.part ="))
        found = await publish(self, connection, producer, parts)
        marks[""] = max([marks[""], *self._published])
        return found

    of_relay = relay._NEXT
    plant.setattr(Relay, "_publish_once", above_the_mark)


def rows_shared_by_skip_locked(plant: pytest.MonkeyPatch) -> None:
    """Instead of leases: each relay takes the next row that no other has."""

    async def what_is_free(self: Relay, connection: Any, producer: Any, _: Sequence[int]) -> int:
        async with connection.transaction():
            free = await connection.fetch(
                relay._NEXT.replace("LIMIT $2", "LIMIT least($2, 1) FOR UPDATE OF o SKIP LOCKED"), [*range(12)], 1, []
            )
            for row in free:
                await (await self._send(producer, row))
                await connection.execute("DELETE FROM outbox WHERE position = $1", row["position"])
        return len(free)

    plant.setattr(Relay, "_publish_once", what_is_free)


def asked_again_under_a_new_key(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Schedule, "keeps_its_key", False)


Steps = Sequence[Callable[[Schedule], None]]
REFER: Final[Steps] = (lambda s: s.ask(0), lambda s: s.answer(0, is_heard=True))
SENT: Final[Steps] = (*REFER, lambda s: s.publish(0, 0), lambda s: s.publish(1, 0))
"""One event is in the log, in one of its partitions."""


def everywhere(step: Callable[[Schedule, int], None]) -> Steps:
    return tuple(partial(_at, step, number) for number in range(PARTITIONS))


def _at(step: Callable[[Schedule, int], None], number: int, schedule: Schedule) -> None:
    step(schedule, number)


FAULTS: list[tuple[Callable[[pytest.MonkeyPatch], None], Steps, str]] = [
    (
        no_inbox,
        (
            *SENT,
            *everywhere(lambda s, n: s.hear(n, 5)),
            *everywhere(lambda s, n: s.acknowledgement_is_lost(n, 5)),
            *everywhere(lambda s, n: s.hear(n, 5)),
        ),
        "out of order, twice",
    ),
    (
        claimed_before_the_effect,
        (*SENT, *everywhere(lambda s, n: s.begin_to_hear(n, 5)), lambda s: s.consumer_dies(0)),
        "lost on its way",
    ),
    (
        acknowledged_before_the_effect,
        (*SENT, *everywhere(lambda s, n: s.begin_to_hear(n, 5)), lambda s: s.consumer_dies(0)),
        "lost on its way",
    ),
    (
        published_up_to_a_mark,
        (
            *(lambda s: s.ask(0), lambda s: s.ask(1), lambda s: s.answer(1, is_heard=True)),
            *(lambda s: s.share(0), lambda s: s.share(1), lambda s: s.publish(0, 0), lambda s: s.publish(1, 0)),
            lambda s: s.answer(0, is_heard=True),
        ),
        "lost on its way",
    ),
    (
        rows_shared_by_skip_locked,
        (
            *(*REFER, lambda s: s.change(0)),
            *(lambda s: s.begin_to_publish(0), lambda s: s.publish(1, 0), lambda s: s.publish(0, 0)),
            *everywhere(lambda s, n: s.hear(n, 5)),
        ),
        "out of order",
    ),
    (
        asked_again_under_a_new_key,
        (lambda s: s.ask(0), lambda s: s.answer(0, is_heard=False), *REFER),
        "a family is two referrals",
    ),
]


def follow(url: str, steps: Steps) -> None:
    """This schedule and no other: whether a fault is found must not hang on what is generated."""
    schedule = type("ThisSchedule", (Schedule,), {"url": url, "at_once": False})()
    try:
        for step in steps:
            step(schedule)
            schedule.holds()
    except BaseException:
        schedule.run(schedule._end())
        schedule.runner.close()
        raise
    schedule.teardown()


@pytest.mark.parametrize(("plant", "steps", "seen"), FAULTS, ids=[plant.__name__ for plant, _, _ in FAULTS])
def test_a_planted_fault_is_found(
    url: str, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None], steps: Steps, seen: str
) -> None:
    follow(url, steps)  # without the fault nothing is found
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=seen):
        follow(url, steps)


if "PIR_SCHEDULES" in os.environ:  # a search of minutes

    @pytest.mark.parametrize("plant", [plant for plant, _, _ in FAULTS], ids=[plant.__name__ for plant, _, _ in FAULTS])
    def test_a_planted_fault_is_found_by_chance(
        url: str, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
    ) -> None:
        plant(monkeypatch)
        with pytest.raises(AssertionError):
            run_state_machine_as_test(
                type("AnySchedule", (Schedule,), {"url": url, "at_once": False}),
                settings=settings(
                    max_examples=SCHEDULES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
