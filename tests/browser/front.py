"""Somebody who refers, at the pages of the referral service: a code from their mail, and the form page by page."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Browser, expect

from deploy.local import credentials
from tests.browser.desk import PHONE, Desk, Person
from tests.system import System

HEALTH_VISITOR, SOCIAL_WORKER, MIDWIFE, NURSERY = (
    credentials.MEMBERS[slug] for slug in ("health-visiting", "social-care", "midwifery", "nursery")
)
KEEPER: Final = credentials.KEEPERS["health-visiting"]
FILLED: Final[dict[str, dict[str, Any]]] = {
    "safety": {"safety": ["none"], "mental_health": ["none"]},
    "agreement": {"consent.status": ["given"]},
    "babies": {"babies.0.given_name": "Robin", "babies.0.date_of_birth": "1 6 2026"},
    "carers": {"caregivers.0.relationship": ["mother"], "caregivers.0.given_name": "Sana"},
    "contact": {"caregivers.0.phone": "07700 900123"},
    "home": {"home.postcode": "ng6 8gb"},
    "relationship": {"concern.severity": ["moderate"]},
    "you": {"referrer.name": "Ada Okoro", "referrer.role": "Health visitor"},
}
"""Page → box → what a referral needs of it: text, or the values of radios and tick boxes."""


class Reception(Desk):
    """The desk of those who refer; a role is the address of a member, whose browser runs no script."""

    def __init__(self, system: System, browser: Browser) -> None:
        super().__init__(system, browser)
        self.home = system.url("referral")

    def comes(self, address: str | None, *, size: str = PHONE, is_fresh: bool = False) -> Person:
        """Somebody with a browser without scripts, signed in unless the address is None."""
        return self.sit_down(address, size=size, has_script=False, is_fresh=is_fresh)

    def sign_in(self, person: Person, role: str, *, at: str = "/refer") -> None:
        person.opens(at)
        person.fills("Your work email address", role)
        person.presses("Send me a code")
        person.fills("Code", self.system.code_for(role))
        person.presses("Sign in")
        expect(person.page.get_by_role("button", name="Sign out")).to_be_visible()


def begins(person: Person) -> str:
    """A new form, on its first page; returns its address."""
    person.opens("/refer/new")
    person.presses("Begin")
    return person.path.rpartition("/")[0]


def slug_of(person: Person) -> str:
    """`safety` of the address of a page of the form."""
    return person.path.partition("?")[0].rpartition("/")[2]


def fills_in(person: Person, answers: dict[str, Any]) -> None:
    """Boxes by their name in HTML: text, or the values of radios and tick boxes."""
    for name, said in answers.items():
        box = person.page.locator(f'[name="{name}"]')
        if isinstance(said, str):
            box.fill(said)
        else:
            for value in said:
                person.page.locator(f'[name="{name}"][value="{value}"]').check()


def goes_on(person: Person, **boxes: Any) -> None:
    """Fill in, with `__` for a dot in a name, and continue."""
    fills_in(person, {name.replace("__", "."): said for name, said in boxes.items()})
    person.presses("Save and continue")


def fills_the_form(person: Person, **more: dict[str, Any]) -> list[str]:
    """Page after page as `FILLED` says, with `more` by page; returns the pages that were shown, until the check."""
    shown = []
    while (slug := slug_of(person)) != "check":
        shown.append(slug)
        assert len(shown) <= 14, shown
        fills_in(person, FILLED.get(slug, {}) | more.get(slug, {}))
        person.presses("Save and continue")
    return shown
