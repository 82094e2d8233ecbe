"""The lists of a queue: narrowed, put in order, page by page, and what is claimed from them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.cases import Cases
from tests.browser.desk import DESKTOP, LEAD, PHONE, WORKER, Desk, Person
from tests.system import System

WAITING = "tbody td:has(> .nhsuk-table__heading:text-is('Since it came'))"
SHORT = "Parent-infant team, short-term work"
REFERENCE = "tbody a[href*='/staff/items/']"


@pytest.fixture
def worker(desk: Desk, system: System) -> Person:
    return desk.sit_down(WORKER)


def narrow(person: Person, **choices: str) -> None:
    person.page.get_by_text("Filter and sort").click()
    for label, option in choices.items():
        person.page.get_by_label(label.replace("_", " "), exact=True).select_option(option)
    person.presses("Show these")


def test_a_queue_shows_only_what_was_chosen(worker: Person) -> None:
    worker.opens("/staff/queues/all")
    narrow(worker, Show="Nobody has it yet", Urgency="Urgent")
    worker.reads("Only: urgency: Urgent.")
    rows = worker.texts("tbody tr")
    assert rows
    assert all("Urgent" in row and "Nobody has it yet" in row for row in rows)


def test_the_choice_is_kept_in_the_form_and_in_the_address(worker: Person) -> None:
    worker.opens("/staff/queues/all")
    narrow(worker, Level_of_support="Targeted support", Order="Oldest first")
    assert "tier=targeted" in worker.path
    worker.page.get_by_text("Filter and sort").click()
    expect(worker.page.get_by_label("Level of support", exact=True)).to_have_value("targeted")
    worker.follows("Show everything again")
    assert worker.path == "/staff/queues/all"


def test_a_queue_is_put_in_order(worker: Person) -> None:
    worker.opens("/staff/queues/all")
    narrow(worker, Show="Not accepted yet", Order="Oldest first")
    waits = [int(found[1]) for text in worker.texts(WAITING) if (found := re.search(r"(\d+) working days", text))]
    assert len(waits) > 5
    assert waits == sorted(waits, reverse=True)


def test_pages_follow_each_other_without_a_gap(worker: Person) -> None:
    worker.opens("/staff/queues/all")
    total = int(re.search(r"of ([\d,]+)\.", worker.main.inner_text())[1].replace(",", ""))  # type: ignore[index]
    seen = worker.main.locator(REFERENCE).evaluate_all("(links) => links.map((link) => link.pathname)")
    first = list(seen)
    while worker.page.get_by_role("link", name="Next page").count():
        worker.follows("Next page")
        seen += worker.main.locator(REFERENCE).evaluate_all("(links) => links.map((link) => link.pathname)")
    assert len(seen) == len(set(seen)) == total
    while worker.page.get_by_role("link", name="Previous page").count():
        worker.follows("Previous page")
    assert worker.main.locator(REFERENCE).evaluate_all("(links) => links.map((link) => link.pathname)") == first


def test_who_has_it_is_a_choice_of_leads_only(desk: Desk, cases: Cases) -> None:
    desk.sit_down(WORKER).page.close()
    cases.taken_on()
    lead = desk.sit_down(LEAD)
    lead.opens("/staff/queues/pir_short")
    narrow(lead, Who_has_it=desk.name(WORKER))
    rows = lead.texts("tbody tr")
    assert rows
    assert all(desk.name(WORKER) in row for row in rows)
    worker = desk.sit_down(WORKER)
    worker.opens("/staff/queues/pir_short")
    worker.page.get_by_text("Filter and sort").click()
    expect(worker.page.get_by_label("Who has it", exact=True)).to_have_count(0)


def test_a_reference_that_can_not_be_read_is_a_mistake_not_an_empty_list(worker: Person) -> None:
    worker.opens("/staff/queues/all?reference=PIR-000")
    worker.sees_the_mistake("Enter a reference like PIR-4K7-29M")


@pytest.mark.parametrize(("size", "way_back"), [(PHONE, "Back to the list"), (DESKTOP, SHORT)])
def test_an_item_leads_back_to_the_list_as_it_was_narrowed_after_a_step_too(
    desk: Desk, cases: Cases, size: str, way_back: str
) -> None:
    case = cases.plain()
    worker = desk.sit_down(WORKER, size=size)
    narrowed = f"/staff/queues/pir_short?view=unassigned&sort=received&reference={case.reference}"
    worker.opens(narrowed)
    worker.follows(case.reference)
    worker.follows("Add a note")
    worker.fills("Your note", "Rang the clinic")
    worker.presses("Add a note")
    worker.follows(way_back, within=worker.page.get_by_role("navigation", name="Breadcrumb"))
    assert worker.path == narrowed


def test_what_somebody_took_on_first_is_said_with_their_name(desk: Desk, cases: Cases, worker: Person) -> None:
    desk.sit_down(LEAD).page.close()
    case = cases.plain()
    worker.opens(f"/staff/queues/pir_short?reference={case.reference}")
    cases.lead.does(case.item, "claim")
    worker.presses("Take this on", within=worker.row(case.reference))
    worker.reads(f"{desk.name(LEAD)} has this now.")
