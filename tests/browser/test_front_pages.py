"""Every page for people who refer, fresh, filled and with mistakes: for everybody, on a desk, a phone and at 200 %."""

from __future__ import annotations

import re
from typing import Any, Final

from playwright.sync_api import Page, expect

from services.referral.front.form_pages import SLUGS
from tests.browser.desk import Person
from tests.browser.front import FILLED, HEALTH_VISITOR, Reception, begins, fills_in, fills_the_form, goes_on, slug_of
from tests.browser.seeing import faults_when_large

LONG: Final = "Wolfeschlegelsteinhausenbergerdorff-" * 3
MISTAKEN: Final[dict[str, dict[str, Any]]] = {
    "safety": {"safety": ["domestic_abuse"], "mental_health": ["psychosis_suspected"]},
    "agreement": {"consent.status": ["refused"], "consent.given_by": LONG, "consent.recorded_at": "yesterday"},
    "babies": {"babies.0.given_name": LONG, "babies.0.date_of_birth": "31 2 2026", "babies.0.nhs_number": "123"},
    "carers": {"caregivers.0.family_name": LONG, "caregivers.0.date_of_birth": "1.1.2099"},
    "contact": {"caregivers.0.phone": "none", "caregivers.0.email": f"{LONG}@", "caregivers.0.safe_contact": LONG},
    "home": {"home.postcode": "N", "home.withheld": ["true"], "home.address_lines": "a\nb\nc\nd\ne\nf"},
    "relationship": {"concern.severity": ["severe"], "concern.domains": ["emotional"]},
    "words": {"notes": f"{LONG}\n" * 9, "external_reference": LONG},
    "you": {"referrer.name": LONG, "referrer.email": "ada@", "referrer.phone": "12"},
}


def wrong_with(page: Page, name: str) -> list[str]:
    """As `faults_when_large`; also what has no title of its own."""
    expect(page).to_have_title(re.compile(r"^[^–]+ – [^–]+$"))
    expect(page.locator("h1")).to_have_count(1)
    return faults_when_large(page, f"front-{name}")


def test_the_pages_of_the_form_are_for_everybody(reception: Reception) -> None:
    person = reception.sit_down(HEALTH_VISITOR)
    wrong, draft = {}, begins(person)
    for slug in SLUGS:
        person.opens(f"{draft}/{slug}")
        wrong[slug] = wrong_with(person.page, slug)
    for slug, boxes in MISTAKEN.items():
        person.opens(f"{draft}/{slug}")
        fills_in(person, boxes)
        person.presses("Save and see all pages")
        person.opens(f"{draft}/{slug}?checked")
        wrong[f"{slug}, filled"] = wrong_with(person.page, f"{slug}-filled")
    for slug in ("agreement", "babies", "carers", "contact", "home", "you"):
        person.opens(f"{draft}/{slug}?checked")
        expect(person.page.locator(".nhsuk-error-summary")).to_be_visible()
    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_pages_around_the_form_are_for_everybody(reception: Reception) -> None:
    person = reception.sit_down(HEALTH_VISITOR)
    wrong: dict[str, list[str]] = {}

    def looks(name: str, path: str = "") -> None:
        if path:
            person.opens(path)
        wrong[name] = wrong_with(person.page, name)

    looks("before", "/refer/new")
    draft = begins(person)
    looks("check-empty", f"{draft}/check")
    person.opens(f"{draft}/safety")
    goes_on(person, safety=["immediate_danger"])
    looks("ring")
    looks("check-danger", f"{draft}/check")
    person.opens(f"{draft}/babies")
    goes_on(person, **MISTAKEN["babies"])
    looks("tasks", draft)
    person.opens(f"{draft}/check")
    looks("check-mistake")
    looks("drop", f"{draft}/drop")
    looks("drafts", "/refer")
    person.opens(f"{draft}/babies")
    goes_on(person, **FILLED["babies"] | {"babies.0.nhs_number": ""})
    person.opens(f"{draft}/check")
    person.presses("Confirm and send")
    looks("sent")
    looks("home", "/refer")
    looks("not-found", "/refer/drafts/nowhere")
    looks("accessibility", "/refer/accessibility")
    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_sign_in_is_for_everybody(reception: Reception) -> None:
    person = reception.sit_down()
    wrong = {}
    for name, way in SIGNING_IN.items():
        way(person)
        wrong[name] = wrong_with(person.page, name)
    assert {name: found for name, found in wrong.items() if found} == {}


def _asks_for_a_code(person: Person) -> None:
    person.opens("/refer/sign-in")
    person.fills("Your work email address", "nobody@nowhere.example.org")
    person.presses("Send me a code")


def _mistypes_the_code(person: Person) -> None:
    person.fills("Code", "AAAA-AAAA")
    person.presses("Sign in")
    person.sees_the_mistake("That code does not open the door")


SIGNING_IN: Final = {
    "sign-in": lambda person: person.opens("/refer/new"),
    "sign-in-mistake": lambda person: person.presses("Send me a code"),
    "sign-in-code": _asks_for_a_code,
    "sign-in-code-mistake": _mistypes_the_code,
}


def test_after_a_loss_the_pages_are_gentle_and_for_everybody(reception: Reception) -> None:
    person = reception.sit_down(HEALTH_VISITOR)
    wrong, draft = {}, begins(person)
    person.opens(f"{draft}/loss")
    goes_on(person, circumstances=["infant_died"])
    assert slug_of(person) == "babies"
    person.reads("We are sorry for what this family has been through.")
    for slug in ("babies", "relationship", "equality"):
        person.opens(f"{draft}/{slug}")
        wrong[slug] = wrong_with(person.page, f"{slug}-after-a-loss")
        person.does_not_read("Sex of the baby")
        person.does_not_read("Due date")
    person.opens(f"{draft}/safety")
    fills_the_form(person)
    wrong["check"] = wrong_with(person.page, "check-after-a-loss")
    assert {name: found for name, found in wrong.items() if found} == {}
