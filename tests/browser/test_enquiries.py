"""Consultations and training: asked for, arranged, done, with how many came."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.cases import Case, Cases
from tests.browser.desk import WORKER, Desk, Person
from tests.system import System

TODAY = datetime.now(UTC).date()


@pytest.fixture
def worker(desk: Desk, system: System) -> Person:
    return desk.sit_down(WORKER)


@pytest.fixture
def asked(cases: Cases) -> Case:
    return cases.enquiry("training", topic="Reading babies' cues")


def type_day(person: Person, legend: str, day: date) -> None:
    boxes = person.page.get_by_role("group", name=legend, exact=True)
    for label, number in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        boxes.get_by_role("textbox", name=label).fill(str(number))


def test_an_enquiry_goes_from_requested_to_arranged_to_done(worker: Person, asked: Case) -> None:
    worker.opens("/staff/enquiries")
    while not worker.row(asked.reference).count():
        worker.follows("Next page")
    worker.follows(asked.reference)
    worker.does_not_read("Reading babies' cues")
    worker.presses("It is in my team's queue today")
    worker.reads("Reading babies' cues")
    box = worker.main.locator("#now")
    expect(box.get_by_text("Get in touch with whoever asks")).to_be_in_viewport(ratio=1)
    number = asked.family["referrer"]["phone"]
    expect(box.get_by_role("link", name=number)).to_have_attribute("href", f"tel:{number.replace(' ', '')}")
    mail = worker.main.get_by_role("link", name=asked.family["referrer"]["email"])
    expect(mail).to_have_attribute("href", re.compile("^mailto:"))
    type_day(worker, "Day", TODAY + timedelta(days=20))
    worker.fills("Time", "14.30")
    worker.presses("Arrange it")
    worker.is_told("The date is recorded.")
    worker.reads("Arranged for")

    worker.opens("/staff/enquiries?stage=arranged")
    worker.follows(asked.reference)
    type_day(worker, "Day on which it took place", TODAY)
    worker.fills("How many people came", "9")
    worker.presses("Record it and end")
    worker.is_told("which is later. Tick the box if the day is right")
    worker.chooses("The day is right")
    worker.presses("Record it and end")
    worker.is_told("It is recorded who came, and when.")
    worker.reads("9 people")

    worker.opens("/staff/enquiries?stage=done")
    assert "9" in worker.row(asked.reference).inner_text()


def test_mistakes_are_said_and_what_was_typed_stays(worker: Person, asked: Case) -> None:
    worker.opens(f"/staff/enquiries/{asked.item}")
    worker.fills("Time", "25:00")
    worker.presses("Arrange it")
    worker.sees_the_mistake("Enter a time from 0:00 to 23:59, for example 14:30")
    worker.sees_the_mistake("Enter a day, for example 27 3 2026")
    assert worker.page.get_by_label("Time").input_value() == "25:00"
    type_day(worker, "Day on which it took place", TODAY)
    worker.fills("How many people came", "nobody")
    worker.presses("Record it and end")
    worker.sees_the_mistake("Enter how many people came: a number from 1 to 1,000")
