"""The real PostgreSQL and Kafka of the tests: those the environment names, containers, or the embedded ones.

DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS set   those servers (tests that stop a server are skipped)
TEST_STACK=docker                              testcontainers (the same tests are skipped)
otherwise                                      the embedded servers of `make run`, started once a session or worker
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from pydantic import SecretStr

from deploy.local import credentials
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.server import Server
from deploy.local.stack import Stack
from deploy.migrate import migrate
from deploy.roles import as_service
from deploy.secrets import SERVICES
from deploy.setup import add_demo_agencies, make_topics
from services.referral.identity import Identities
from shared.brokers import Brokers
from shared.encryption_keys import HeldKey
from shared.errors import DATABASE_TROUBLE, is_transient
from shared.events import TOPICS
from shared.messaging.consumer import group_of

S = TypeVar("S", bound=Server)
POSTGRES_IMAGE: Final = "postgres:18"
KAFKA_IMAGE: Final = "confluentinc/cp-kafka:8.1.0"
"""Confluent's 8.1 is Apache Kafka 4.1; testcontainers starts no other image in KRaft mode."""

MEMORY: Final = Path("/dev/shm")
ROOMY_BYTES: Final = 4 * 2**30
"""So much free memory, and the data of some workers' servers fits."""
EMPTY: Final = "template1"
"""PostgreSQL's own template."""
READY: Final = 3
"""So many databases are made ahead."""
PASSWORDS: Final = {service: secrets.token_urlsafe(16) for service in SERVICES}
"""Of the services' roles in this process's servers."""
PATIENCE_SECONDS: Final = 60.0
"""For a PostgreSQL that a test has stopped."""

endings: Final[list[Callable[[], None]]] = []
"""What must not outlive this process, in the order of its start; see `pytest_configure`."""


def end_as_by_ctrl_c() -> None:
    """For programs of their own: SIGTERM stops what they started, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def own_url(database_url: str, service: str) -> str:
    """The same database for a service as its own role; tests arrange and look with the URL of all rights."""
    return as_service(database_url, service, PASSWORDS[service])


class Clerk:
    """One connection in a thread of its own, which takes statements in their order while tests go on."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._thread, self._loop = ThreadPoolExecutor(1), asyncio.Runner()
        self._connection: asyncpg.Connection | None = None

    def does(self, statement: str) -> Future[None]:
        return self._thread.submit(lambda: self._loop.run(self._execute(statement)))

    async def _execute(self, statement: str) -> None:
        """Again on a new connection while the server is away: tests kill it."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await asyncpg.connect(self._url, timeout=10)
                await self._connection.execute(statement)
            except asyncpg.DuplicateDatabaseError:
                return  # it was made when the server died
            except DATABASE_TROUBLE as error:
                if not is_transient(error) or time.monotonic() > until:
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    def close(self) -> None:
        async def leave() -> None:
            if self._connection:
                await self._connection.close()

        self._thread.submit(lambda: self._loop.run(leave())).result()
        self._thread.submit(self._loop.close).result()
        self._thread.shutdown()


@dataclass
class Servers:
    """Where they listen; `postgres` and `kafka` are None when they are not ours to stop."""

    database_url: str
    kafka_bootstrap_servers: str
    postgres: Postgres | None = None
    kafka: Kafka | None = None
    template: str = ""
    _ready: defaultdict[str, deque[tuple[str, Future[None]]]] = field(default_factory=lambda: defaultdict(deque))
    _dropped: list[Future[None]] = field(default_factory=list)

    @cached_property
    def _clerk(self) -> Clerk:
        return Clerk(self.database_url)

    def close(self) -> None:
        """Raises what went wrong with a database that was dropped."""
        self._clerk.close()
        for each in self._dropped:
            each.result()

    def url_of(self, database: str) -> str:
        return f"{self.database_url.rpartition('/')[0]}/{database}"

    def make_template(self) -> None:
        """A migrated database that every test's own is a copy of. Blocks: not to be called inside an event loop."""
        template = self.new_database(template=EMPTY)
        migrate(self.url_of(template), passwords=PASSWORDS)
        self.template = template

    def new_database(self, *, template: str | None = None) -> str:
        """The name of a new database, migrated unless another template is named."""
        wanted = template or self.template
        ready = self._ready[wanted]
        ahead = 0 if wanted == EMPTY else READY
        ready.extend(self._make(wanted) for _ in range(ahead + 1 - len(ready)))
        name, made = ready.popleft()
        made.result()
        return name

    @cached_property
    def with_agencies(self) -> str:
        """A template that has the demo agencies and their people, with the keys of `credentials`."""
        name = self.new_database()
        master, index = (SecretStr(self.credentials["secrets"][f"PIR_{use}_KEY"]) for use in ("MASTER", "INDEX"))
        identities = Identities(
            master=HeldKey.of("master", "PIR_MASTER_KEY", master, None),
            index=HeldKey.of("index", "PIR_INDEX_KEY", index, None),
        )
        with ThreadPoolExecutor(1) as elsewhere:  # whoever asks may be in an event loop
            elsewhere.submit(asyncio.run, add_demo_agencies(self.url_of(name), self.credentials, identities)).result()
        return name

    @cached_property
    def credentials(self) -> dict[str, Any]:
        """What tests of this process are given: each a copy."""
        with tempfile.TemporaryDirectory() as folder:
            return credentials.load(Path(folder) / "credentials.json")

    def _make(self, template: str) -> tuple[str, Future[None]]:
        name = f"test_{uuid4().hex[:12]}"
        return name, self._clerk.does(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")

    def drop_database(self, name: str) -> None:
        """Sooner or later."""
        self._dropped.append(self._clerk.does(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))

    def execute(self, statement: str) -> None:
        self._clerk.does(statement).result()

    async def new_topic(self, partitions: int = 4) -> str:
        """The name of an empty topic that nobody else uses."""
        name = f"test.{uuid4().hex[:12]}"
        async with admin(self.kafka_bootstrap_servers) as client:
            await client.create_topics([NewTopic(name, partitions, 1)])
        return name

    async def groups(self) -> dict[str, str]:
        """What the broker says of each service's group of consumers: its state, and how many are in it."""
        said = {}
        for group in map(group_of, SERVICES):
            try:
                async with admin(self.kafka_bootstrap_servers) as client:
                    [answer] = await client.describe_consumer_groups([group])
            except (KafkaError, OSError) as error:
                said[group] = repr(error)
            else:
                error_code, _, state, _, _, members, *_ = answer.groups[0]
                said[group] = f"{state}, {len(members)} in it, error {error_code}"
        return said

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
                await make_topics(Brokers(self.kafka_bootstrap_servers))
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


def passing_folder() -> Path:
    """A new folder for servers that are not durable: in memory where there is room, and open to PostgreSQL's user."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOMY_BYTES
    folder = Path(tempfile.mkdtemp(prefix="pir-tests-", dir=MEMORY if is_roomy else None))
    folder.chmod(0o711)
    return folder


@contextlib.contextmanager
def beside(make: Callable[[Path], S]) -> Iterator[S]:
    """One more server, made in a folder of its own and started; in the end it is killed and the folder removed."""
    folder = passing_folder()
    server = make(folder)

    def crash() -> None:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)

    endings.append(crash)
    try:
        server.start()
        yield server
    finally:
        crash()


@contextlib.contextmanager
def running(folder: Path, *, is_durable: bool = True) -> Iterator[Servers]:
    """The servers, answering; raises LocalError (or what testcontainers raises) when they can't be had.

    In the end they are killed, for nobody needs what they would write, and the folder is removed.
    """
    if os.environ.get("TEST_STACK") == "docker":
        with _containers() as servers, contextlib.closing(servers):
            yield servers
        return
    stack = Stack(folder, is_durable=is_durable)

    def crash() -> None:
        for server in stack.servers:
            server.kill()
        stack.remove()
        shutil.rmtree(folder, ignore_errors=True)

    endings.append(crash)
    try:
        stack.start()
        ours = {server.name for server in stack.servers}
        servers = Servers(
            stack.database_url,
            stack.kafka_bootstrap_servers,
            stack.postgres if "postgres" in ours else None,
            stack.kafka if "kafka" in ours else None,
        )
        with contextlib.closing(servers):
            yield servers
    finally:
        crash()


@contextlib.contextmanager
def _containers() -> Iterator[Servers]:
    from testcontainers.community.kafka import KafkaContainer
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(POSTGRES_IMAGE) as postgres, KafkaContainer(KAFKA_IMAGE).with_kraft() as kafka:
        yield Servers(postgres.get_connection_url(driver=None), kafka.get_bootstrap_server())
