"""Every page in every state: nothing that WCAG 2.2 AA forbids, on a desk and on a phone, down to 320 pixels, at 200 %."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.cases import Cases
from tests.browser.desk import Desk
from tests.browser.seeing import faults_when_large
from tests.browser.states import STATES, of_policy, sit_down
from tests.browser.test_policy import a_draft

ALL = STATES | of_policy(a_draft())


@pytest.mark.parametrize("name", ALL)
def test_a_page_is_for_everybody(desk: Desk, cases: Cases, name: str) -> None:
    role, way = ALL[name]
    person = sit_down(desk, role)
    way(person, cases)
    expect(person.page).to_have_title(re.compile(r"^[^–]+ – [^–]+$"))
    expect(person.page.locator("h1")).to_have_count(1)
    assert faults_when_large(person.page, name, wide_tables=True) == []


def test_no_two_pages_have_the_same_title(desk: Desk, cases: Cases) -> None:
    """Of those that a person may have open side by side."""
    paths = (
        "",
        "/queues",
        "/queues/all",
        "/queues/pir_short",
        "/queues/pir_short?view=mine",
        "/find",
        "/enquiries",
        "/enquiries?stage=done",
        "/capacity",
        "/capacity/pir_short",
        "/policy",
        "/policy/nottingham/2",
        "/services",
        "/team",
        "/audit",
        "/audit?view=without-work",
        "/accessibility",
    )
    lead = sit_down(desk, "triage-lead")
    titles = []
    for path in paths:
        lead.opens(f"/staff{path}")
        titles.append(lead.page.title())
    assert len(set(titles)) == len(titles), titles
