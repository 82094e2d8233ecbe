"""Both forms page by page, with kill -9 of the referral service after each: what got an answer is there.

A page is killed at once after its answer; each third one while it is on its way, and then perhaps gets none. All 20
pages take minutes, so they are run by `make test-faults` alone; the first of each form runs with all other tests.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from http import HTTPStatus
from typing import Final

import httpx
import pytest

from services.referral.front import form_pages
from services.referral.front.family import questions
from services.referral.front.form import NONE, Field, FieldKind, FormPage
from tests.forms import Form, FormReader
from tests.journeys.people import Member
from tests.servers import Servers
from tests.signing_in import Browser
from tests.system import System

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

MOST: Final = None if os.environ.get("PIR_FAULTS") else 1
"""Pages of each form."""
UNDER_WAY_SECONDS: Final = 0.01
"""About while the page is stored (tests/journeys/test_front_crash.py)."""
EACH: Final = 3
TYPED: Final = {
    FieldKind.LONG_TEXT: "She asks for help.\r\nTwo lines, Zebedee.",
    FieldKind.LINES: "1 High Street\r\nBulwell",
    FieldKind.DATE: "12 3 2026",
    FieldKind.TIME: "12 3 2026 14:30",
    FieldKind.FLAG: "true",
}
A_WORD: Final = "Zebedee"
"""Into every other box; where it can't be read it stays as typed."""


@pytest.fixture(scope="module")
def system(stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    name = stack.new_database()
    with System(stack, stack.url_of(name), tmp_path_factory.mktemp("system")) as running:
        yield running
    stack.drop_database(name)


def test_a_killed_service_loses_nothing_that_a_member_typed(system: System) -> None:
    with Member(system) as member:
        member.signs_in()
        assert_nothing_is_lost(system, member, member.begins(), form_pages.PAGES)


def test_a_killed_service_loses_nothing_that_a_parent_typed(system: System) -> None:
    with Browser(system.url("referral")) as parent:
        assert_nothing_is_lost(system, parent, "/help/en", questions.PAGES)


def assert_nothing_is_lost(system: System, browser: Browser, form: str, pages: Sequence[FormPage]) -> None:
    """Type each page, send it, kill the service and look; in the end look at all of them again."""
    said: dict[str, dict[str, str]] = {}
    for number, page in enumerate(pages[:MOST]):
        path = f"{form}/{page.slug}"
        browser.open(path)
        said[path] = typed = typed_into(page, form_on(browser, path))
        assert typed, f"nothing can be typed on {path}"
        fields = browser.hidden | typed
        answer = killed_meanwhile(system, browser, path, fields, is_under_way=number % EACH == EACH - 1)
        if answer is None:  # the browser still shows the page: it is sent again
            browser.open(path)
            answer = browser.ask("POST", path, browser.hidden | typed)
        assert answer.status_code == HTTPStatus.SEE_OTHER, path
        assert shown_on(browser, path, typed) == typed
    for path, typed in said.items():
        assert shown_on(browser, path, typed) == typed


def killed_meanwhile(
    system: System, browser: Browser, path: str, fields: dict[str, str], *, is_under_way: bool
) -> httpx.Response | None:
    """The answer to the page, if there was one; returns when the service is back."""
    with ThreadPoolExecutor(1) as hand:
        pressed = hand.submit(browser.ask, "POST", path, fields)
        if is_under_way:
            time.sleep(UNDER_WAY_SECONDS)
        else:
            wait([pressed])
        system.kill("referral")
    system.start("referral")
    system.wait_until_ready("referral")
    try:
        return pressed.result()
    except httpx.TransportError:
        return None


def form_on(browser: Browser, path: str) -> Form:
    """The form of the page that is shown."""
    return next(each for each in FormReader(browser.words).forms if each.action == path)


def typed_into(page: FormPage, form: Form) -> dict[str, str]:
    """Something for each box of the page that is there now: earlier pages may have made it a gentler one."""
    names = {field.at(0): field for field in page.fields if field.at(0) in form.boxes}
    return {name: _typed(field) for name, field in names.items()}


def _typed(field: Field) -> str:
    if field.kind in (FieldKind.RADIOS, FieldKind.CHECKS, FieldKind.YES_NO, FieldKind.SELECT):
        return next((each.value for each in field.choices if each.value not in ("", NONE)), "ur")  # a language at /help
    return TYPED.get(field.kind, A_WORD)


def shown_on(browser: Browser, path: str, typed: dict[str, str]) -> dict[str, str]:
    """What the boxes with these names say when the page is opened again, with lines as browsers send them."""
    browser.open(path)
    sent = form_on(browser, path).sent
    return {name: "".join(sent.get(name, [])).replace("\r\n", "\n").replace("\n", "\r\n") for name in typed}
