"""Whole journeys of people who refer, without a script and mostly on a phone: what they type is what we have."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from playwright.sync_api import expect

from services.referral.front.choices import RED_FLAG_CHOICES, SEVERITIES
from tests.browser.cases import Cases
from tests.browser.desk import DESKTOP, Person
from tests.browser.front import (
    FILLED,
    HEALTH_VISITOR,
    MIDWIFE,
    NURSERY,
    SOCIAL_WORKER,
    Reception,
    begins,
    fills_in,
    fills_the_form,
    goes_on,
    slug_of,
)
from tests.browser.test_keyboard import goes_to, presses

REFERENCE: Final = re.compile(r"PIR-[0-9A-Z]{3}-[0-9A-Z]{3}")
Answers = dict[str, dict[str, Any]]

PEOPLE: Final[dict[str, tuple[str, Answers, dict[str, Any]]]] = {
    "a father": (
        HEALTH_VISITOR,
        {
            "carers": {"caregivers.0.relationship": ["father"], "caregivers.0.given_name": "Ömer"},
            "contact": {"caregivers.0.email": "omer@example.org", "caregivers.0.safe_contact": "Ring after six."},
            "words": {"notes": "He asks for help with play.\nHe is on his own."},
        },
        {"carer": "father"},
    ),
    "a grandmother": (
        SOCIAL_WORKER,
        {
            "agreement": {"consent.given_by": "the grandmother", "consent.recorded_at": "1 11 2026 9.30am"},
            "carers": {"caregivers.0.relationship": ["kinship"], "caregivers.0.given_name": "Grace"},
            "home": {"home.postcode": "", "home.no_fixed_abode": ["true"]},
        },
        {"carer": "kinship"},
    ),
    "an unborn baby with a social worker": (
        SOCIAL_WORKER,
        {
            "agreement": {"consent.status": ["not_sought"]},
            "babies": {"babies.0.given_name": "", "babies.0.date_of_birth": "", "babies.0.due_on": "14 1 2027"},
            "relationship": {"concern.severity": ["unknown"]},
            "around-them": {"care_status": ["prebirth"]},
        },
        {"care_status": "prebirth", "consent": "not_sought"},
    ),
}
"""Who it is about → who refers, what they say beside the usual, and what the rules are told of it."""


LAST_OF_GROUP: Final = "ArrowUp"
BY_KEYBOARD: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "safety": (("None of these", ""), (RED_FLAG_CHOICES[0].label, LAST_OF_GROUP)),
    "agreement": (("The family agrees", ""),),
    "babies": (("First name", "Robin"),),
    "carers": (("Mother", ""), ("First name", "Sana")),
    "relationship": ((SEVERITIES[0].label, ""),),
    "you": (("Your name", "Rhian Pugh"), ("Your role", "Social worker")),
}
"""Page → the stops that a referral needs, and what is typed there; nothing is the space bar.

From the first radio of a group the arrow goes to the last one.
"""


def sends(person: Person) -> str:
    """From the check page; returns the reference that the next page says."""
    person.presses("Confirm and send")
    person.reads("Referral sent")
    [reference] = REFERENCE.findall(person.main.locator(".nhsuk-panel").inner_text())
    return str(reference)


def facts_of(cases: Cases, reference: str) -> dict[str, Any]:
    [row] = cases.query("SELECT facts::text AS facts FROM referral.referral WHERE reference = $1", reference)
    return dict(json.loads(row["facts"]))


def test_a_midwife_in_a_hurry_sends_a_danger_in_four_pages(reception: Reception, cases: Cases) -> None:
    midwife = reception.comes(MIDWIFE)
    begins(midwife)
    goes_on(midwife, safety=["injury_nonmobile"])
    pages = [midwife.path]
    expect(midwife.page.get_by_role("link", name="999")).to_have_attribute("href", "tel:999")
    midwife.follows("Send what you have now")
    pages.append(midwife.path)
    midwife.reads("Do not wait for this form")
    reference = sends(midwife)
    midwife.reads("Do not wait for this form")
    assert len(["safety", *pages, "sent"]) <= 4, pages
    assert facts_of(cases, reference)["safety"] == ["injury_nonmobile"]


def test_a_midwife_sends_a_danger_with_the_keyboard_alone(reception: Reception, cases: Cases) -> None:
    midwife = reception.sit_down(MIDWIFE)
    midwife.opens("/refer/new")
    presses(midwife, "Begin", tag="BUTTON")
    goes_to(midwife.page, "Significant harm")
    midwife.page.keyboard.press("Space")
    presses(midwife, "Save and continue")
    presses(midwife, "Send what you have now", tag="A")
    presses(midwife, "Confirm and send")
    midwife.reads("Referral sent")


def test_a_whole_referral_goes_with_the_keyboard_alone(reception: Reception, cases: Cases) -> None:
    """Tab from stop to stop, the space bar on the first radio of a group, letters into boxes, Enter on Continue."""
    worker = reception.sit_down(SOCIAL_WORKER)
    worker.opens("/refer/new")
    presses(worker, "Begin", tag="BUTTON")
    while slug_of(worker) != "check":
        for stop, letters in BY_KEYBOARD.get(slug_of(worker), ()):
            goes_to(worker.page, stop)
            if letters in ("", LAST_OF_GROUP):
                worker.page.keyboard.press(letters or "Space")
            else:
                worker.page.keyboard.type(letters)
        presses(worker, "Save and continue")
    presses(worker, "Confirm and send")
    worker.reads("Referral sent")


def test_a_health_visitor_writes_in_two_sittings(reception: Reception, cases: Cases) -> None:
    first = reception.comes(HEALTH_VISITOR, size=DESKTOP, is_fresh=True)
    draft = begins(first)
    goes_on(first, safety=["none"], mental_health=["none"])
    goes_on(first, consent__status=["given"])
    first.opens(f"{draft}/babies")
    fills_in(first, {"babies.0.given_name": "Zoë", "babies.0.date_of_birth": "12 march 2026"})
    first.presses("Save and see all pages")
    first.reads("Saved. We keep it until")
    first.presses("Sign out")
    second = reception.comes(HEALTH_VISITOR)
    second.opens("/refer")
    second.page.locator(f'a[href="{draft}"]').click()
    second.follows("The baby")
    expect(second.page.locator('[name="babies.0.given_name"]')).to_have_value("Zoë")
    expect(second.page.locator('[name="babies.0.date_of_birth"]')).to_have_value("12 3 2026")
    second.presses("Save and continue")
    fills_the_form(second)
    second.reads("Thursday 12 March 2026")
    assert facts_of(cases, sends(second))["safety"] == []


def test_what_was_typed_when_the_session_had_ended_is_saved(reception: Reception) -> None:
    midwife = reception.comes(MIDWIFE, is_fresh=True)
    draft = begins(midwife)
    midwife.opens(f"{draft}/words")
    fills_in(midwife, {"notes": "A long visit.\nShe said: <yes> & thanks."})
    midwife.page.context.clear_cookies()
    midwife.presses("Save and continue")
    midwife.reads("Sign in to refer a family")
    reception.sign_in(midwife, MIDWIFE, at=midwife.path)
    assert midwife.path == f"{draft}/words"
    expect(midwife.page.locator('[name="notes"]')).to_have_value("A long visit.\nShe said: <yes> & thanks.")


def test_two_windows_undo_nothing_of_each_other(reception: Reception) -> None:
    first = reception.comes(HEALTH_VISITOR)
    draft = begins(first)
    second = Person(first.page.context.new_page(), first.home)
    for window, text in ((first, "Of the first"), (second, "Of the second")):
        window.opens(f"{draft}/words")
        fills_in(window, {"notes": text})
    first.presses("Save and continue")
    second.presses("Save and continue")
    expect(second.page.locator(".nhsuk-error-summary")).to_contain_text("another window")
    expect(second.page.locator('[name="notes"]')).to_have_value("Of the second")
    first.opens(f"{draft}/words")
    expect(first.page.locator('[name="notes"]')).to_have_value("Of the first")


def test_a_nursery_refers_twins_for_the_first_time_and_is_asked_less_the_next_time(
    reception: Reception, cases: Cases
) -> None:
    nursery = reception.comes(None)
    reception.sign_in(nursery, NURSERY, at="/refer/new")
    nursery.presses("Begin")
    more: Answers = {"you": {"referrer.name": "Sunny Clarke", "referrer.role": "Key person"}}
    fills_in(nursery, FILLED["safety"])
    nursery.presses("Save and continue")
    while (slug := slug_of(nursery)) != "babies":
        fills_in(nursery, {"consent.status": ["given"]} if slug == "agreement" else {})
        nursery.presses("Save and continue")
    fills_in(nursery, {"babies.0.given_name": "Ari", "babies.0.date_of_birth": "30 2 2026"})
    nursery.presses("Add another baby")
    fills_in(nursery, {"babies.1.given_name": "Noa", "babies.1.date_of_birth": "3 2 2026"})
    nursery.presses("Save and continue")
    nursery.sees_the_mistake("Baby 1: Date of birth. Enter a day that there is")
    fills_in(nursery, {"babies.0.date_of_birth": "3 2 2026"})
    nursery.presses("Save and continue")
    assert "you" in fills_the_form(nursery, **more)
    assert facts_of(cases, sends(nursery))["infant"]["count"] == 2
    nursery.follows("Refer another family")
    nursery.presses("Begin")
    shown = fills_the_form(nursery)
    assert "you" not in shown
    sends(nursery)


@pytest.mark.parametrize("who", PEOPLE)
def test_what_is_said_of_them_is_what_we_have(reception: Reception, cases: Cases, who: str) -> None:
    address, answers, told = PEOPLE[who]
    person = reception.comes(address)
    begins(person)
    more = dict(answers)
    more.setdefault("you", {})["referrer.name"] = "Rhian Pugh"
    fills_the_form(person, **more)
    facts = facts_of(cases, sends(person))
    assert {name: facts[name] for name in told} == told


def test_after_a_loss_nobody_is_asked_what_hurts(reception: Reception, cases: Cases) -> None:
    person = reception.comes(HEALTH_VISITOR)
    draft = begins(person)
    person.opens(f"{draft}/loss")
    goes_on(person, circumstances=["infant_died"])
    person.reads("We are sorry for what this family has been through.")
    person.opens(f"{draft}/safety")
    fills_the_form(person, relationship={"concern.severity": ["unknown"]})
    assert facts_of(cases, sends(person))["circumstances"] == ["infant_died"]
