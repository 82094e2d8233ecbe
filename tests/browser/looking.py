"""Who looks at the pages for people who refer, each in one window for all states; what is shown is made by HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, Response

from services.referral.front.family import questions
from services.referral.front.form import FieldKind, FormPage
from tests.browser.cases import Case, Cases
from tests.browser.desk import Person
from tests.browser.front import FILLED, Reception
from tests.browser.naming import ROUTE, TEMPLATE
from tests.journeys.people import Member
from tests.signing_in import Browser as Parent
from tests.system import System

Boxes = Mapping[str, Any]
"""Name in HTML → text, or the values of radios and tick boxes."""

LONG: Final = "Wolfeschlegelsteinhausenbergerdorff-" * 3
NAME: Final = LONG[:90]
"""As long as a name may be, nearly."""
KEEPER, AUTHOR, NEWCOMER, NOBODY, CALLER, PARENT = "keeper", "author", "newcomer", "nobody", "staff", "parent"
WHOLE: Final[dict[str, Boxes]] = FILLED | {
    "agreement": {"consent.status": ["given"], "consent.given_by": NAME, "consent.recorded_at": "1 11 2026 9.30am"},
    "loss": {"circumstances": ["planned_move_out"]},
    "babies": FILLED["babies"] | {"babies.1.given_name": NAME, "babies.1.due_on": "1 6 2026"},
    "carers": FILLED["carers"] | {"caregivers.1.relationship": ["father"], "caregivers.1.family_name": NAME},
    "contact": FILLED["contact"] | {"caregivers.0.safe_contact": LONG, "caregivers.1.email": "omer@example.org"},
    "language": {"caregivers.0.preferred_language": "ur", "caregivers.0.interpreter_needed": ["true"]},
    "home": {"home.postcode": "NG6 8GB", "home.address_lines": f"1 {NAME}\r\nBulwell"},
    "relationship": {"concern.severity": ["moderate"], "concern.domains": ["emotional"]},
    "around-them": {"risk_factors": ["isolation"], "strengths": ["supportive_family"], "care_status": ["none"]},
    "words": {"notes": f"{LONG}\n" * 9, "external_reference": "HV-7"},
    "equality": {"babies.0.sex": ["1"], "caregivers.0.ethnic_category": "A"},
    "you": FILLED["you"] | {"referrer.email": "ada.okoro@health-visiting.example.org"},
}
"""Page → box → what can be read, some of it very long."""
MISTAKEN: Final[dict[str, Boxes]] = {
    "agreement": {"consent.status": ["given"], "consent.given_by": LONG * 9, "consent.recorded_at": "yesterday"},
    "babies": {"babies.0.given_name": LONG, "babies.0.date_of_birth": "31 2 2026", "babies.0.nhs_number": "123"},
    "carers": {"caregivers.0.family_name": LONG, "caregivers.0.date_of_birth": "1.1.2099"},
    "contact": {"caregivers.0.phone": "none", "caregivers.0.email": f"{LONG}@", "caregivers.0.safe_contact": LONG},
    "home": {"home.postcode": "N", "home.withheld": ["true"], "home.address_lines": "a\nb\nc\nd\ne\nf"},
    "words": {"notes": f"{LONG}\n" * 99, "external_reference": LONG * 9},
    "you": {"referrer.name": LONG, "referrer.email": "ada@", "referrer.phone": "12"},
}
HELP: Final[Boxes] = {
    "safety": "none",
    "caregivers.0.given_name": NAME,
    "caregivers.0.relationship": "mother",
    "caregivers.0.phone": "0115 496 0177",
    "caregivers.0.safe_contact": f"{LONG}\r\n" * 3,
    "babies.0.date_of_birth": "3 3 2026",
    "home.postcode": "NG6 8GB",
    "notes": f"{LONG}\r\n" * 3,
    "caregivers.0.ethnic_category": "A",
}
HELP_MISTAKEN: Final[Boxes] = {
    "caregivers.0.given_name": "",
    "caregivers.0.phone": "0115",
    "caregivers.0.email": "nobody",
    "babies.0.date_of_birth": "31 2 2026",
    "babies.0.due_on": "soon",
    "home.postcode": "N",
    "notes": "x" * 10_001,
}
_TYPED: Final = {FieldKind.TEXT, FieldKind.LONG_TEXT, FieldKind.LINES, FieldKind.DATE, FieldKind.TIME}


def can_be_mistaken(page: FormPage) -> bool:
    """Whether anything can be typed on it that can't be read; a choice that is not offered is none of a browser's."""
    return any(field.kind in _TYPED for field in page.fields)


@dataclass
class Window:
    """`opens` and all else of a Person; `made_by` is the template and the route of the page that is shown."""

    person: Person
    made_by: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        self.person.page.on("response", self._notes)

    def _notes(self, answer: Response) -> None:
        if TEMPLATE in answer.headers:
            self.made_by = (answer.headers[TEMPLATE], answer.headers[ROUTE])


@dataclass
class Looking:
    """What the states share: people who sign in once, forms and referrals that are made when first asked for."""

    system: System
    browser: Browser
    cases: Cases
    windows: dict[str, Window] = field(default_factory=dict)
    opened: ExitStack = field(default_factory=ExitStack)
    """What has to be closed in the end."""

    @cached_property
    def reception(self) -> Reception:
        return Reception(self.system, self.browser)

    def window(self, who: str) -> Window:
        if who not in self.windows:
            self.windows[who] = Window(self.reception.sit_down())
            if who in (AUTHOR, KEEPER, NEWCOMER):
                self.becomes(who, self.members[who].cookies)
        return self.windows[who]

    def becomes(self, who: str, cookies: Mapping[str, str]) -> Person:
        """The window of this person, with these cookies alone."""
        person = self.window(who).person
        kept: list[Any] = [
            {"name": name, "value": value, "domain": "127.0.0.1", "path": "/", "secure": True, "httpOnly": True}
            for name, value in cookies.items()
        ]
        person.page.context.clear_cookies()
        person.page.context.add_cookies(kept)
        return person

    @cached_property
    def members(self) -> dict[str, Member]:
        """All of one agency, signed in by HTTP. The keeper has added the two others."""
        found = {who: self.opened.enter_context(Member(self.system)) for who in (KEEPER, AUTHOR, NEWCOMER)}
        found[KEEPER].email = str(self.system.credentials["keepers"]["health-visiting"])
        found[KEEPER].signs_in()
        for who in (AUTHOR, NEWCOMER):
            found[who].email = f"{who}.looks@health-visiting.example.org"
            found[KEEPER].open("/refer/colleagues")
            found[KEEPER].send("/refer/colleagues", email=found[who].email)
            found[who].signs_in()
        return found

    def draft(self, **pages: Boxes) -> str:
        """A form of the author with these pages filled in; returns its address."""
        author = self.members[AUTHOR]
        draft = author.begins()
        for slug, boxes in pages.items():
            author.open(f"{draft}/{slug.replace('_', '-')}")
            author.send(f"{draft}/{slug.replace('_', '-')}", **boxes)
        return draft

    @cached_property
    def fresh(self) -> str:
        return self.draft()

    @cached_property
    def whole(self) -> str:
        return self.draft(**WHOLE)

    @cached_property
    def mistaken(self) -> str:
        return self.draft(**MISTAKEN)

    @cached_property
    def dangerous(self) -> str:
        return self.draft(safety={"safety": ["immediate_danger"]})

    @cached_property
    def bereaved(self) -> str:
        return self.draft(loss={"circumstances": ["infant_died"]})

    @cached_property
    def bereaved_whole(self) -> str:
        return self.draft(**WHOLE | {"loss": {"circumstances": ["infant_died"]}})

    def sent(self, draft: str) -> str:
        """Send it; returns the address of the page that says so."""
        author = self.members[AUTHOR]
        author.open(f"{draft}/check")
        author.send(f"{draft}/send")
        assert author.page.url.path == f"{draft}/sent", author.words
        return f"{draft}/sent"

    @cached_property
    def referral(self) -> Case:
        """The keeper's, with a question of ours."""
        return self.asked()

    @cached_property
    def expected(self) -> Case:
        return self.taken_over(self.cases.overdue_birth())

    @cached_property
    def declined(self) -> Case:
        case = self.taken_over(self.cases.proposed_decline())
        self.cases.lead.does(case.item, "decline", reason="over_age")
        self.cases.agency.sees_status(case.reference, "declined")
        return case

    @cached_property
    def withdrawn(self) -> Case:
        case = self.taken_over(self.cases.plain())
        self.cases.agency.withdraws(case.reference)
        return case

    @cached_property
    def enquiry(self) -> Case:
        return self.taken_over(self.cases.enquiry(safety=["significant_harm"]))

    def asked(self) -> Case:
        case = self.taken_over(self.cases.plain())
        self.cases.worker.does(case.item, "claim")
        self.cases.worker.does(case.item, "request-information", asked=LONG)
        self.cases.agency.sees_status(case.reference, "waiting_for_referrer")
        return case

    def taken_over(self, case: Case) -> Case:
        keeper = self.members[KEEPER]
        keeper.open(f"/refer/{case.reference}")
        keeper.send(f"/refer/{case.reference}/take-over")
        return case

    def rung(self, agency: str = "midwifery") -> str:
        """Somebody takes a call; returns the address that leads to its form."""
        caller = {"agency": agency, "staff_name": "Tess Whitlock", "name": "Mel Osei", "role": "Midwife"}
        token = self.system.credentials["secrets"]["PIR_TOKEN_TRIAGE_REFERRAL"]
        headers = {"Authorization": f"Bearer {token}", "X-PIR-Actor": "dev-triage-worker"}
        url = f"{self.system.url('referral')}/internal/front/calls"
        return str(httpx.post(url, json=caller, headers=headers).raise_for_status().json()["path"])

    @cached_property
    def parents(self) -> dict[str, Parent]:
        """Those at /help, by what they have typed so far."""
        return {
            "fresh": self.parent({"safety": "none"}),
            "whole": self.parent(HELP),
            "mistaken": self.parent(HELP | HELP_MISTAKEN),
            "in danger": self.parent({"safety": "immediate_danger"}),
            "sent": self.asks(self.parent(HELP)),
            "whole in Urdu": self.parent(HELP, tag="ur"),
            "mistaken in Urdu": self.parent(HELP | HELP_MISTAKEN, tag="ur"),
        }

    def asks(self, parent: Parent) -> Parent:
        parent.open("/help/en/check")
        parent.send("/help/en/send")
        assert parent.page.url.path == "/help/en/sent", parent.words
        return parent

    def parent(self, boxes: Boxes, *, tag: str = "en") -> Parent:
        """Somebody at /help who has typed this, page by page."""
        parent = self.opened.enter_context(Parent(self.system.url("referral")))
        for page in questions.PAGES:
            names = [each.at(0) for each in page.fields]
            parent.open(f"/help/{tag}/{page.slug}")
            parent.send(f"/help/{tag}/{page.slug}", **{name: boxes[name] for name in names if name in boxes})
        return parent
