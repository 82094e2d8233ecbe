"""The first screen of a piece of work: what to do now, whom to ring, how to reach the family safely."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.cases import Case, Cases
from tests.browser.desk import DESKTOP, PHONE, WORKER, Desk
from tests.families import a_referral


def unsafe_phone(cases: Cases) -> Case:
    family = a_referral(safety=["domestic_abuse"])
    for carer in family["caregivers"]:
        carer.pop("safe_contact", None)
    family["caregivers"][0] |= {"preferred_language": "uk"}
    family["caregivers"][0].pop("interpreter_needed", None)
    case = cases.send(family, "pir_short")
    cases.worker.does(case.item, "claim")
    return case


FIRST: dict[str, tuple[Callable[[Cases], Case], str]] = {
    "nobody's": (Cases.plain, "Take this on"),
    "own": (Cases.taken_on, "Accept the family"),
    "accepted": (Cases.accepted, "Record a contact"),
    "danger": (Cases.in_danger, "I have rung"),
    "birth": (Cases.overdue_birth, "Write down how the birth went"),
    "abuse": (unsafe_phone, "Accept the family"),
}


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("name", FIRST)
def test_the_first_button_is_on_the_first_screen(desk: Desk, cases: Cases, name: str, size: str) -> None:
    make, text = FIRST[name]
    worker = desk.sit_down(WORKER, size=size)
    worker.opens(make(cases).path)
    expect(worker.main.get_by_role("heading", name="What to do now")).to_be_in_viewport()
    expect(worker.main.locator("#now .nhsuk-button").filter(has_text=text)).to_be_in_viewport(ratio=1)


def test_whoever_has_rung_999_writes_down_who_took_it(desk: Desk, cases: Cases) -> None:
    case = cases.in_danger()
    worker = desk.sit_down(WORKER, size=PHONE)
    worker.opens(case.path)
    worker.reads("The system does not tell them.")
    assert worker.main.get_by_role("link", name="999", exact=True).get_attribute("href") == "tel:999"
    worker.does_not_read("Accept the family")
    worker.follows("I have rung")
    worker.fills("Who took it?", "Ann Hill, control room")
    worker.fills("Their reference, or incident number", "1423 of today")
    worker.presses("Write this down")
    worker.is_told("It is written down who took it.")
    assert cases.worker.sees(case.item)["end_reason"] == "passed_on"


def test_under_domestic_abuse_the_number_says_how_it_may_be_used(desk: Desk, cases: Cases) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens(unsafe_phone(cases).path)
    worker.reads("None was given: ask the referrer first")
    worker.reads("Phone: only in the safe way")
    worker.reads("Ukrainian")
    worker.reads("Not said: ask")
    links = {each.get_attribute("href") for each in worker.main.locator("a[href^='tel:']").all()}
    assert len(links) == 1, "the referrer's own"
    assert "Left a message" not in worker.texts("#outcome button")
    assert "No answer" in worker.texts("#outcome button")
