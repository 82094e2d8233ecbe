"""Places: how many each team has, set by a manager or a lead, and what the lists then say."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.cases import Cases
from tests.browser.desk import LEAD, MANAGER, WORKER, Desk

ROUTE, TEAM = "pnmh", "Perinatal mental health team"


@pytest.mark.parametrize("role", [LEAD, MANAGER])
def test_places_are_set_by_managers_and_leads(desk: Desk, cases: Cases, role: str) -> None:
    person = desk.sit_down(role)
    person.opens(f"/staff/capacity/{ROUTE}")
    person.fills("Individual places", "many")
    person.fills("Places in groups", "5")
    person.presses("Save")
    person.sees_the_mistake("The number of individual places must be a whole number from 0 to 10,000")
    expect(person.page.get_by_label("Places in groups")).to_have_value("5")

    person.fills("Individual places", "12")
    person.presses("Save")
    person.is_told("The places are changed.")
    table = person.page.get_by_role("table", name=f"Places: {TEAM}")
    expect(table.locator("tbody tr").first).to_contain_text("12")
    person.reads(f"by {desk.name(role)}")


def test_a_worker_sees_places_and_does_not_set_them(desk: Desk, cases: Cases) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens("/staff/capacity")
    worker.reads("Expected wait for a family that joins now")
    expect(worker.main.get_by_role("link", name="Change the places")).to_have_count(0)
    worker.opens(f"/staff/capacity/{ROUTE}")
    worker.reads("You can't go on from here")


def test_whoever_was_overtaken_sees_what_the_other_chose_before_they_save_again(desk: Desk, cases: Cases) -> None:
    lead, manager = desk.sit_down(LEAD), desk.sit_down(MANAGER)
    for person, number in ((lead, "7"), (manager, "9")):
        person.opens(f"/staff/capacity/{ROUTE}")
        person.fills("Individual places", number)
        person.fills("Places in groups", "0")
    lead.presses("Save")
    lead.is_told("The places are changed.")
    manager.presses("Save")
    manager.reads("Somebody set these places while you had the form open.")
    manager.reads("Now: 7 individual")
    expect(manager.page.get_by_label("Individual places")).to_have_value("9")
    manager.presses("Save")
    manager.is_told("The places are changed.")
