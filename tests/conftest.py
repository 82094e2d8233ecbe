"""Fixtures on real servers; what they are is said in tests/servers.py.

Tests that ask for one of them belong to the marker `stack`: skipped when the servers can't be started, failed with
PIR_REQUIRE_STACK=1. One pytest process starts one pair of servers; with xdist (`-n`) each worker starts its own. It
can't share given ones, because topic names are fixed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
from collections.abc import Callable, Iterator
from typing import IO, Any

from shared import startup as startup  # noqa: PLC0414  first, before the libraries

# isort: split
import hypothesis
import psutil
import pytest
import structlog
from structlog.typing import ExcInfo
from xdist.scheduler import LoadScopeScheduling

from deploy.local import given
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from tests.reused import reused
from tests.servers import Servers, endings, passing_folder, running
from tests.system import System

__all__ = ["reused"]
pytest.register_assert_rewrite("tests.whole")
ONLY_WITH = {
    "browser": "PIR_BROWSER",
    "cluster": "PIR_CLUSTER",
    "kubernetes": "PIR_KUBERNETES",
    "integration/deploy/test_contract_snapshot.py": "PIR_SNAPSHOT",
    "integration/shared/test_pooler.py": "PIR_POOLER",
}
"""What takes too long for every run, and the variable with which its own target of the Makefile asks for it."""
collect_ignore = [path for path, variable in ONLY_WITH.items() if not os.environ.get(variable)]
LONGEST_FIRST = ("chaos", "journeys", "integration")
WAITS = (
    "chaos",
    "journeys",
    "kafka",
    "outbox",
    "consumer",
    "restore",
    "recovery",
    "backups",
    "webhook",
    "demo",
    "health",
)
"""In the paths of tests that wait for other processes, most of their time."""
EACH_WAITS = 5
"""For so many others one that waits: some workers compute meanwhile."""
REAL = {"stack", "database", "postgres", "kafka", "empty_topics", "system"}


hypothesis.settings.register_profile("ours", deadline=None)  # no test is about how long a busy machine takes
hypothesis.settings.load_profile("ours")


def pytest_configure(config: pytest.Config) -> None:
    """One warning is no failure: FastStream lets go of a producer whose start failed (Kafka away). It holds no socket."""
    gc.enable()  # the import of shared.startup ended it
    config.addinivalue_line("filterwarnings", "ignore:Unclosed AIOKafkaProducer:ResourceWarning")
    signal.signal(signal.SIGTERM, _end)
    structlog.configure(  # the default draws every frame's variables, which takes seconds of CPU
        processors=[structlog.stdlib.add_log_level, structlog.dev.ConsoleRenderer(exception_formatter=_no_frames)]
    )


def _end(number: int, _: object) -> None:
    """Ctrl-C runs every teardown; SIGTERM would leave servers and services behind, in sessions of their own."""
    for end in reversed(endings):
        end()
    os._exit(128 + number)


class Groups(LoadScopeScheduling):
    """A worker takes whole files, so that what a file starts is started once; the journeys have one system."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def _scope(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return "journeys" if "/journeys/" in file else file


def _end_workers() -> None:
    """Each ends its own servers and services when it is told to."""
    workers = psutil.Process().children()
    for worker in workers:
        worker.terminate()
    psutil.wait_procs(workers, timeout=30)


def pytest_xdist_auto_num_workers() -> int:
    """Two for a core, since tests wait, too, up to 4: each has a Kafka. One for servers that are given."""
    return 1 if given.database_url() or given.brokers() else min(2 * (os.cpu_count() or 1), 4)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    endings.append(_end_workers)
    config.option.loadscopereorder = False
    return Groups(config, log)


def _no_frames(to: IO[str], error: ExcInfo) -> None:
    to.write(f" {error[0].__name__}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever uses a real server carries the marker, so that `-m "not stack"` needs none. The longest begin."""
    for item in items:
        if REAL.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.stack)
    items.sort(key=lambda item: [folder not in item.path.parts for folder in LONGEST_FIRST])
    places: dict[str, float] = {}
    waiting = computing = 0
    for file in dict.fromkeys(_scope(item.nodeid) for item in items):
        if any(word in file for word in WAITS):
            places[file] = waiting = waiting + EACH_WAITS
        else:
            places[file] = computing = computing + 1
    items.sort(key=lambda item: places[_scope(item.nodeid)])


def pytest_collection_finish() -> None:
    """Modules and tests last as long as the process: out of the collector's sight."""
    gc.freeze()


@pytest.fixture(scope="session")
def stack() -> Iterator[Servers]:
    """PostgreSQL and Kafka, started once a worker."""
    with contextlib.ExitStack() as opened:
        try:
            found = opened.enter_context(running(passing_folder(), is_durable=False))
            found.make_template()
        except Exception as error:
            if os.environ.get("PIR_REQUIRE_STACK") == "1":
                raise
            pytest.skip(f"no PostgreSQL and Kafka: {error}")
        yield found


@pytest.fixture
def new_database(stack: Servers) -> Iterator[Callable[..., str]]:
    """Make a migrated, empty database and return its URL; it is dropped after the test."""
    names: list[str] = []

    def make(template: str | None = None) -> str:
        names.append(stack.new_database(template=template))
        return stack.url_of(names[-1])

    yield make
    for name in names:
        stack.drop_database(name)


@pytest.fixture
def database(request: pytest.FixtureRequest, stack: Servers, new_database: Callable[..., str]) -> str:
    """The URL of this test's own database; for tests of whole services it has the demo agencies and their people."""
    return new_database(stack.with_agencies if "settings" in request.fixturenames else None)


@pytest.fixture
def postgres(stack: Servers) -> Iterator[Postgres]:
    """PostgreSQL to stop, kill and pause; it runs again after the test."""
    if stack.postgres is None:
        pytest.skip("this PostgreSQL is not ours to stop")
    yield stack.postgres
    stack.postgres.resume()
    stack.postgres.start()


@pytest.fixture
def kafka(stack: Servers) -> Iterator[Kafka]:
    """Kafka to stop, kill and pause; it runs again after the test."""
    if stack.kafka is None:
        pytest.skip("this Kafka is not ours to stop")
    yield stack.kafka
    stack.kafka.resume()
    stack.kafka.start()


@pytest.fixture
async def empty_topics(stack: Servers) -> None:
    """The contract's topics without a record."""
    await stack.empty_topics()


@pytest.fixture(scope="module")
def system(stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The four services as processes of their own, on a database and topics of their own."""
    name = stack.new_database()
    with System(stack, stack.url_of(name), tmp_path_factory.mktemp("system")) as running_system:
        yield running_system
    stack.drop_database(name)
