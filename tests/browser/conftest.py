"""One system with one browser for all of these tests; every person is a window of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser import naming
from tests.browser.cases import Cases
from tests.browser.desk import Desk
from tests.browser.front import Reception
from tests.browser.running import fill, launching
from tests.browser.seeing import advice
from tests.servers import Servers
from tests.system import System
from tests.tls_site import tls_site

FAMILIES = 60
FIRST = ("test_nothing_yet.py", "test_no_reports_yet.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is seen before the first referral has to be looked at before the first referral."""
    items.sort(key=lambda item: item.path.name not in FIRST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What axe calls best practice and nobody asked for: said, and no failure."""
    for rule, pages in sorted(advice.items()):
        terminalreporter.write_line(
            f"best practice, not a failure: {rule} on {len(pages)}: {', '.join(sorted(pages)[:4])}"
        )


class _Weather(BaseHTTPRequestHandler):
    """Where "Leave this page" leads."""

    def do_GET(self) -> None:
        body = b"<!DOCTYPE html><title>Weather</title>It rains"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of another site."""
    with tls_site(tmp_path_factory.mktemp("elsewhere"), _Weather) as (url, _):
        yield url


@pytest.fixture(scope="session")
def empty_system(stack: Servers, elsewhere: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The four services before the first referral; that for referrals says what made each page (naming.py)."""
    name = stack.new_database()
    system = System(stack, stack.url_of(name), tmp_path_factory.mktemp("browser"))
    system._environment["PIR_HELP_LEAVE_URL"] = elsewhere
    told = replace(system.services["referral"], command=(sys.executable, "-m", naming.__name__))
    system.services["referral"] = told
    with system as running:
        yield running
    stack.drop_database(name)


@pytest.fixture(scope="session")
def system(empty_system: System) -> System:
    """The same, once the demo's families are in it."""
    fill(empty_system, FAMILIES)
    return empty_system


@pytest.fixture(scope="session")
def playwright(empty_system: System) -> Iterator[Playwright]:
    """After the system: playwright's loop runs in this thread from now on, and the start of a system needs one too."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | launching()


@pytest.fixture(scope="session")
def _desk(empty_system: System, browser: Browser) -> Desk:
    return Desk(empty_system, browser)


@pytest.fixture
def desk(_desk: Desk) -> Iterator[Desk]:
    """Where people sit down for one test; no browser may have complained about anything in the end."""
    yield _desk
    assert _desk.everybody_leaves() == []


@pytest.fixture(scope="session")
def _reception(empty_system: System, browser: Browser) -> Reception:
    return Reception(empty_system, browser)


@pytest.fixture
def reception(_reception: Reception) -> Iterator[Reception]:
    """As `desk`, for people who refer."""
    yield _reception
    assert _reception.everybody_leaves() == []


@pytest.fixture
def cases(system: System) -> Cases:
    return Cases(system)
