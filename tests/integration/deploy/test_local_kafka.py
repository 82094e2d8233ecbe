"""The broker of `make run` and of the tests after a crash: it serves the groups of consumers again, or starts anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local import kafka as local
from deploy.local.console import LocalError
from deploy.local.kafka import ONE_OF_EACH_PART, Kafka, ask_coordinators
from deploy.local.kafka_settings import OFFSETS_PARTITIONS
from tests.servers import Servers


async def a_group(stack: Servers) -> None:
    """From now on the broker knows of groups."""
    consumer = AIOKafkaConsumer(
        await stack.new_topic(), bootstrap_servers=stack.kafka_bootstrap_servers, group_id="local-kafka"
    )
    await consumer.start()
    await consumer.stop()


def pid_of(kafka: Kafka) -> int:
    process = kafka.record.process()
    assert process
    return process.pid


def saying(*answers: bool) -> Callable[[Kafka], bool]:
    left = list(answers)
    return lambda _: left.pop(0)


async def test_after_a_crash_every_part_of_the_groups_is_served(stack: Servers, kafka: Kafka) -> None:
    await a_group(stack)
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(kafka.start)
    await ask_coordinators(kafka.url)


async def test_a_broker_that_does_not_serve_groups_is_started_again(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pid_of(kafka)
    monkeypatch.setattr(Kafka, "_serves_groups", saying(False, True))
    await asyncio.to_thread(kafka.wait)
    assert pid_of(kafka) != before


async def test_one_that_never_does_is_an_error_in_words(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "STARTS", 1)
    monkeypatch.setattr(Kafka, "_serves_groups", saying(False))
    with pytest.raises(LocalError, match=r"not for groups of consumers; .*broker\.log"):
        await asyncio.to_thread(kafka.wait)


async def test_one_that_is_away_serves_nobody(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "GROUPS_SECONDS", 0.5)
    await asyncio.to_thread(kafka.kill)
    assert not await asyncio.to_thread(kafka._serves_groups)


def java_hash(text: str) -> int:
    """`String.hashCode`, as long as it is not negative."""
    hashed = 0
    for each in text:
        hashed = (31 * hashed + ord(each)) & 0xFFFF_FFFF
    assert hashed < 1 << 31
    return hashed


def test_there_is_a_group_for_each_part() -> None:
    assert java_hash("hello") == 99162322
    assert {java_hash(group) % OFFSETS_PARTITIONS for group in ONE_OF_EACH_PART} == set(range(OFFSETS_PARTITIONS))
