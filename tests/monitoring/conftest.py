"""One system, watched by a real Prometheus that tells a real Alertmanager, which tells a receiver of the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.monitoring.story import live_through
from tests.monitoring.watching import Watching
from tests.servers import Servers
from tests.system import System

collect_ignore_glob = [] if os.environ.get("PIR_MONITORING") else ["test_*.py"]


@pytest.fixture(scope="session")
def system(stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The four services, on a database and topics of their own."""
    name = stack.new_database()
    with System(stack, stack.url_of(name), tmp_path_factory.mktemp("watched")) as running:
        yield running
    stack.drop_database(name)


@pytest.fixture(scope="session")
def watching(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """Prometheus scrapes the services and Alertmanager tells the receiver."""
    with Watching(system, tmp_path_factory.mktemp("watching")) as running:
        yield running


@pytest.fixture(scope="session")
def lived_through(system: System, stack: Servers, watching: Watching) -> Watching:
    """After referrals, work, refusals, an outage of PostgreSQL and a parked record, with all of it scraped."""
    if stack.postgres is None:
        pytest.skip("this PostgreSQL is not ours to pause")
    live_through(system, watching, stack.postgres)
    watching.measure_all()
    return watching
