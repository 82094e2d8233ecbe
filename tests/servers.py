"""The real PostgreSQL and Kafka of the tests: those the environment names, containers, or the embedded ones.

DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS set   those servers (tests that stop a server are skipped)
TEST_STACK=docker                              testcontainers (the same tests are skipped)
otherwise                                      the embedded servers of `make run`, started once a session
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.stack import Stack
from deploy.migrate import migrate
from deploy.setup import make_topics
from shared.events import TOPICS

POSTGRES_IMAGE: Final = "postgres:18"
KAFKA_IMAGE: Final = "confluentinc/cp-kafka:8.1.0"
"""Confluent's 8.1 is Apache Kafka 4.1; testcontainers starts no other image in KRaft mode."""

endings: Final[list[Callable[[], None]]] = []
"""What must not outlive this process, in the order of its start; see `pytest_configure`."""


@dataclass
class Servers:
    """Where they listen; `postgres` and `kafka` are None when they are not ours to stop."""

    database_url: str
    kafka_bootstrap_servers: str
    postgres: Postgres | None = None
    kafka: Kafka | None = None
    template: str = ""

    def url_of(self, database: str) -> str:
        return f"{self.database_url.rpartition('/')[0]}/{database}"

    def make_template(self) -> None:
        """A migrated database that every test's own is a copy of. Blocks: not to be called inside an event loop."""
        self.template = self.new_database(template="template1")
        migrate(self.url_of(self.template))

    def new_database(self, *, template: str | None = None) -> str:
        """The name of a new database, migrated unless another template is named."""
        name = f"test_{uuid4().hex[:12]}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template or self.template}")
        return name

    def drop_database(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        """In a thread of its own, because the caller may be inside an event loop."""

        async def execute() -> None:
            connection = await asyncpg.connect(self.database_url, timeout=10)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, execute()).result()

    async def new_topic(self, partitions: int = 4) -> str:
        """The name of an empty topic that nobody else uses."""
        name = f"test.{uuid4().hex[:12]}"
        async with admin(self.kafka_bootstrap_servers) as client:
            await client.create_topics([NewTopic(name, partitions, 1)])
        return name

    async def empty_topics(self) -> None:
        """The contract's topics, empty: deleted and made again, and the groups' offsets in them with that."""
        async with admin(self.kafka_bootstrap_servers) as client:
            for _ in range(100):
                left = sorted(set(TOPICS) & set(await client.list_topics()))
                if not left:
                    break
                with contextlib.suppress(KafkaError):
                    await client.delete_topics(left)
                await asyncio.sleep(0.1)
        for _ in range(100):  # a name is free again a moment after it has left the list
            with contextlib.suppress(KafkaError):
                await make_topics(self.kafka_bootstrap_servers)
            if await self._are_served():
                return
            await asyncio.sleep(0.2)
        raise TimeoutError("the topics did not come back")

    async def _are_served(self) -> bool:
        async with admin(self.kafka_bootstrap_servers) as client:
            described = await client.describe_topics(list(TOPICS))
        return all(
            topic["error_code"] == 0 and all(part["leader"] >= 0 for part in topic["partitions"]) for topic in described
        )


@contextlib.asynccontextmanager
async def admin(bootstrap_servers: str):
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=15_000)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Servers]:
    """The servers, answering; raises LocalError (or what testcontainers raises) when they can't be had."""
    if os.environ.get("TEST_STACK") == "docker":
        with _containers() as servers:
            yield servers
        return
    stack = Stack(folder)

    def crash() -> None:
        for server in stack.servers:
            server.kill()
        stack.remove()

    endings.append(crash)
    with stack:
        ours = {server.name for server in stack.servers}
        yield Servers(
            stack.database_url,
            stack.kafka_bootstrap_servers,
            stack.postgres if "postgres" in ours else None,
            stack.kafka if "kafka" in ours else None,
        )
    stack.remove()


@contextlib.contextmanager
def _containers() -> Iterator[Servers]:
    from testcontainers.community.kafka import KafkaContainer
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(POSTGRES_IMAGE) as postgres, KafkaContainer(KAFKA_IMAGE).with_kraft() as kafka:
        yield Servers(postgres.get_connection_url(driver=None), kafka.get_bootstrap_server())
