"""Every page for people who refer and for parents, in every state: for everybody, on a desk, a phone and at 200 %.

Each state is made by HTTP, opened once, and looked at in both sizes. A template or a page that no state shows fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from services.referral import front
from services.referral.front.form_pages import PAGES
from tests.architecture.test_front_access import ACCESS
from tests.browser.cases import Cases
from tests.browser.desk import PHONE
from tests.browser.front_states import AROUND, FORM
from tests.browser.looking import MISTAKEN, Looking, can_be_mistaken
from tests.browser.own_states import HELP_STATES, OWN
from tests.browser.seeing import faults_when_large
from tests.system import System

STATES: Final = FORM | AROUND | OWN | HELP_STATES
CLOSED: Final = "status of 503"
"""What a browser says of the page at /help that says that nobody is there."""
NO_PAGE: Final = {"GET /help/leave": "leads away from here"}
"""Addresses that a browser opens, and that show nothing of ours."""


@pytest.fixture(scope="module")
def looking(system: System, browser: Browser) -> Iterator[Looking]:
    at = Looking(system, browser, Cases(system))
    with at.opened:
        yield at
    assert [said for said in at.reception.everybody_leaves() if CLOSED not in said] == []


@pytest.mark.parametrize("name", STATES)
def test_a_page_is_for_everybody(looking: Looking, name: str) -> None:
    state = STATES[name]
    state.way(looking)
    window = looking.window(state.who)
    page = window.person.page
    assert window.made_by == (state.template, state.route)
    expect(page).to_have_title(re.compile(r"^[^–]+ – [^–]+$"))
    expect(page.locator("h1")).to_have_count(1)
    if state.is_refused is not None:
        expect(page.locator(".nhsuk-error-summary")).to_have_count(int(state.is_refused))
    assert faults_when_large(page, f"front-{name}", pictures=(PHONE,)) == []


def test_every_template_of_a_page_is_shown() -> None:
    """Parts of pages have no layout."""
    files = {str(each.relative_to(front.TEMPLATES)): each for each in Path(front.TEMPLATES).rglob("*.html")}
    pages = {name for name, file in files.items() if '{% extends "layout.html" %}' in file.read_text(encoding="utf-8")}
    assert len(pages) > 25
    assert pages - {state.template for state in STATES.values()} == set()


def test_every_page_that_a_browser_opens_is_shown() -> None:
    opened = {page for page in ACCESS if page.startswith("GET ")}
    assert opened - {state.route for state in STATES.values()} == set(NO_PAGE)


def test_every_page_on_which_something_is_typed_is_shown_with_mistakes() -> None:
    assert {page.slug for page in PAGES if can_be_mistaken(page)} == set(MISTAKEN)
