"""Somebody rings: the triage team writes down who, and then the same form for whoever tells them of a family."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.cases import Cases
from tests.browser.desk import PHONE, WORKER, Desk, Person
from tests.browser.front import KEEPER, Reception, fills_in, fills_the_form
from tests.browser.seeing import faults_when_large
from tests.browser.test_front_journeys import facts_of, sends


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


def test_what_a_health_visitor_tells_on_the_telephone_is_their_agencys(
    desk: Desk, reception: Reception, cases: Cases
) -> None:
    worker = desk.sit_down(WORKER, size=PHONE, has_script=False)
    rings(worker, "health-visiting", name="Ada Okoro", role="Health visitor", email="ada.okoro@example.org")
    worker.presses("Open the form")
    worker.reads("You write for the person who rings")
    shown = fills_the_form(
        worker, carers={"caregivers.0.relationship": ["kinship"], "caregivers.0.given_name": "Grace"}
    )
    assert "you" not in shown
    worker.reads("the inbox of Health visiting, invented")
    reference = sends(worker)
    worker.reads("Read this out to the caller")
    facts = facts_of(cases, reference)
    assert (facts["source"], facts["carer"]) == ("A2", "kinship")
    assert cases.agency.sees(reference)["reference"] == reference
    keeper = reception.comes(KEEPER)
    keeper.opens("/refer/agency")
    expect(keeper.row(reference)).to_contain_text("Told to us by telephone")
    worker.follows("See the calls that you took")
    worker.follows(reference)
    worker.follows("Tell us something new")
    fills_in(worker, {"notes": "She rang again: they have moved."})
    worker.presses("Send", within=worker.main)
    worker.follows("A copy for your own record")
    worker.reads("She rang again: they have moved.")


def test_the_page_that_takes_a_call_is_for_everybody(desk: Desk) -> None:
    worker = desk.sit_down(WORKER)
    worker.opens("/staff/arrivals/new")
    wrong = {"call": faults_when_large(worker.page, "call-taken")}
    worker.presses("Go on to the form")
    wrong["call-mistake"] = faults_when_large(worker.page, "call-taken-mistake")
    assert {name: found for name, found in wrong.items() if found} == {}
