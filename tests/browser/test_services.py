"""The service map: which services there are for a ward, a level and an age, and what is missing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.desk import COMMISSIONER, WORKER, Desk, Person
from tests.system import System


@pytest.fixture
def worker(desk: Desk, system: System) -> Person:
    person = desk.sit_down(WORKER)
    person.opens("/staff/services")
    return person


def test_services_are_shown_for_a_ward_a_level_and_an_age(worker: Person) -> None:
    everything = len(worker.texts("tbody tr"))
    worker.page.get_by_label("Ward").select_option("Aspley")
    worker.page.get_by_label("Level of need").select_option("Universal: for every family")
    worker.page.get_by_label("Age of the child").select_option("Under 1 year")
    worker.presses("Show services")
    rows = worker.texts("tbody tr")
    assert 0 < len(rows) < everything
    assert any("Nottingham health visiting" in row for row in rows)
    assert not any("Family Hub North" in row for row in rows), "it is not for Aspley"
    expect(worker.page.get_by_label("Ward")).to_have_value("E05012270")
    worker.follows("Show all services")
    assert len(worker.texts("tbody tr")) == everything


def test_what_is_missing_is_said(worker: Person) -> None:
    worker.follows("See what is missing")
    assert worker.texts("#gaps ~ ul li")


def test_a_commissioner_sees_the_map_and_no_family(desk: Desk, system: System) -> None:
    commissioner = desk.sit_down(COMMISSIONER)
    commissioner.opens("/staff/services")
    commissioner.reads("Services in Nottingham")
    for path in ("/staff/queues", "/staff/find", "/staff/team", "/staff/enquiries", "/staff/policy"):
        commissioner.opens(path)
        commissioner.reads("You can't go on from here")
