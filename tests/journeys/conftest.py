"""The whole system, started once for all journeys, and the people who use it through HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.people import Agency, Staff
from tests.servers import Servers
from tests.system import System


@pytest.fixture(scope="package")
def system(stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The four services as processes; every journey brings a family of its own."""
    name = stack.new_database()
    with System(stack, stack.url_of(name), tmp_path_factory.mktemp("journeys")) as running:
        yield running
    stack.drop_database(name)


@pytest.fixture
def health_visiting(system: System) -> Agency:
    return Agency(system, "health-visiting")


@pytest.fixture
def social_care(system: System) -> Agency:
    return Agency(system, "social-care")


@pytest.fixture
def worker(system: System) -> Staff:
    return Staff(system, "triage-worker")


@pytest.fixture
def lead(system: System) -> Staff:
    return Staff(system, "triage-lead")


@pytest.fixture
def manager(system: System) -> Staff:
    return Staff(system, "manager")
