"""Before the first referral: calm pages that say so. These tests run before all others."""

from __future__ import annotations

import pytest

from tests.browser.desk import LEAD, MANAGER, WORKER, Desk
from tests.browser.seeing import faults
from tests.system import System

PAGES = {
    "home": (WORKER, "/staff", "Every queue is empty."),
    "queues": (WORKER, "/staff/queues", "Every queue is empty."),
    "queue": (WORKER, "/staff/queues/pir_short", "This queue is empty."),
    "enquiries": (WORKER, "/staff/enquiries", "There is nothing here."),
    "places": (MANAGER, "/staff/capacity", "Nobody is on the waiting list."),
    "policy": (MANAGER, "/staff/policy", "There are no drafts."),
    "team": (LEAD, "/staff/team", "(you)"),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_with_nothing_on_it_says_so(desk: Desk, empty_system: System, name: str) -> None:
    role, path, words = PAGES[name]
    person = desk.sit_down(role)
    person.opens(path)
    person.reads(words)
    assert faults(person.page, f"empty-{name}") == []
