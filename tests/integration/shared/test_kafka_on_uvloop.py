"""The Kafka client on the loop that the services run on: a connection that is reset at the worst moment."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
import uvloop
from aiokafka import conn
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from deploy.local.kafka import Kafka
from shared import runtime
from shared.runtime import Service
from shared.settings import Profile, Settings


async def ask_while_the_connection_is_being_reset(kafka: Kafka) -> None:
    """A broker that dies with a question unread resets the connection; the next question comes at that moment."""
    client = AIOKafkaClient(bootstrap_servers=kafka.url)
    await client.bootstrap()
    try:
        node, question = client.get_random_node(), MetadataRequest([])
        assert (await client.send(node, question)).brokers
        kafka.pause()
        await asyncio.sleep(0.5)  # until its last thread stands still
        unread = asyncio.ensure_future(client.send(node, question))
        await asyncio.sleep(0.1)
        assert not unread.done()
        [connection] = client._conns.values()
        reader = connection._reader
        killing = asyncio.ensure_future(asyncio.to_thread(kafka.kill))
        while reader.exception() is None:  # noqa: ASYNC110  the moment before the reader hears of it is one turn long
            await asyncio.sleep(0)
        assert connection.connected()
        with pytest.raises(KafkaConnectionError):
            await client.send(node, question)
        with pytest.raises(KafkaConnectionError):
            await unread
        await killing
        await asyncio.to_thread(kafka.start)
        assert (await client.send(node, question)).brokers
    finally:
        await client.close()


def test_a_connection_that_is_reset_is_replaced(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process as `serve` sets it up for a service; on its loop the question runs in the service's place."""
    run = uvloop.run

    def ask_instead(service: Coroutine[Any, Any, int]) -> int:
        service.close()
        run(asyncio.wait_for(ask_while_the_connection_is_being_reset(kafka), 60))
        return 0

    async def nothing() -> Service:
        raise AssertionError

    monkeypatch.setattr(conn, "AIOKafkaConnection", conn.AIOKafkaConnection)
    monkeypatch.setattr(runtime, "configure", lambda *_: None)
    monkeypatch.setattr(uvloop, "run", ask_instead)
    settings = Settings(profile=Profile.DEVELOPMENT, DATABASE_URL="", KAFKA_BOOTSTRAP_SERVERS=kafka.url)
    with pytest.raises(SystemExit) as ended:
        runtime.serve(nothing, name="test", settings=settings)
    assert ended.value.code == 0
