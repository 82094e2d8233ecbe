"""Somebody rings: the triage team writes down who, and then the same form for whoever tells them of a family."""

from __future__ import annotations

from tests.browser.cases import Cases
from tests.browser.desk import WORKER, Desk, Person
from tests.browser.front import fills_the_form
from tests.browser.test_front_journeys import facts_of, sends
from tests.browser.test_front_pages import wrong_with


def rings(person: Person, who: str, **boxes: str) -> None:
    person.opens("/staff/arrivals/new")
    person.page.get_by_label("Who rings?").select_option(who)
    for name, text in boxes.items():
        person.page.locator(f'[name="{name}"]').fill(text)
    person.presses("Go on to the form")


def test_what_a_mother_tells_on_the_telephone_becomes_a_referral(desk: Desk, cases: Cases) -> None:
    worker = desk.sit_down(WORKER, has_script=False)
    rings(worker, "self-referral", name="Sana Shah", phone="0115 496 0177")
    worker.reads("tell the caller first")
    worker.presses("Open the form")
    fills_the_form(worker)
    facts = facts_of(cases, sends(worker))
    assert (facts["carer"], facts["consent"]) == ("mother", "given")


def test_the_pages_of_a_call_are_for_everybody(desk: Desk) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens("/staff/arrivals/new")
    wrong = {"call": wrong_with(worker.page, "call")}
    worker.presses("Go on to the form")
    wrong["call-mistake"] = wrong_with(worker.page, "call-mistake")
    rings(worker, "midwifery", name="Mel Osei", role="Midwife")
    wrong["call-form"] = wrong_with(worker.page, "call-form")
    assert {name: found for name, found in wrong.items() if found} == {}
