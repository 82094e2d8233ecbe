"""Somebody types into every page for people who refer, for parents and for calls: what can be read, and what can't.

`TYPED_INTO` and `ONLY_PRESSED` name every form there is; a test holds them against the routes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import httpx

from services.referral.front import form_pages, step_forms
from services.referral.front.correcting import pages_of
from services.referral.front.family import questions
from services.referral.front.form import NONE, Field, FieldKind, FormPage
from tests.forms import Form, FormReader
from tests.journeys.people import Member
from tests.signing_in import Browser
from tests.system import System

DRAFT_PAGE, CORRECTION, HELP_PAGE = (
    "POST /refer/drafts/{draft_id}/{slug}",
    "POST /refer/{reference}/correct/{slug}",
    "POST /help/{tag}/{slug}",
)
STEPS: Final = {
    f"POST /refer/{{reference}}/{page.slug}": page
    for page in (step_forms.ANSWER, step_forms.TELL, step_forms.BORN, step_forms.CHALLENGE, step_forms.WITHDRAW)
}
TYPED_INTO: Final[Mapping[str, tuple[FormPage, ...]]] = {
    DRAFT_PAGE: form_pages.PAGES,
    CORRECTION: tuple(pages_of({})),
    HELP_PAGE: questions.PAGES,
    "POST /refer/enquiry": (step_forms.ENQUIRY,),
    **{route: (page,) for route, page in STEPS.items()},
    "POST /refer/sign-in": (),
    "POST /refer/sign-in/code": (),
    "POST /refer/colleagues": (),
    "POST /help/{tag}/send": (),  # a box that only programs see
}
"""Route → its pages; those without have boxes of their own."""
OF_STAFF: Final = "POST /staff/arrivals/new"
"""Who rings: the way of a call into the form."""
ONLY_PRESSED: Final = {
    "POST /refer/sign-out": "a button",
    "POST /refer/drafts": "a button",
    "POST /refer/drafts/{draft_id}/send": "a button",
    "POST /refer/drafts/{draft_id}/drop": "a button",
    "POST /refer/{reference}/take-over": "a button",
    "POST /refer/colleagues/{member_id}/end": "a button",
    "POST /refer/calls/{ticket}": "a button",
    "POST /refer/back-channel-logout/{slug}": "a token that the agency's provider signed: no browser is there",
}
"""Route → why nothing can be typed there."""

_NAMES: Final = {
    "family_name": "family",
    "phone": "phone",
    "safe_contact": "safe",
    "postcode": "postcode",
    "address_lines": "address",
    "notes": "notes",
    "given_by": "given_by",
    "override_reason": "override",
    "topic": "topic",
    "name": "referrer",
    "role": "role",
}
"""Member of the document → canary."""
_PLAIN: Final = {"people": "12", "due_on": "20 1 2026", "recorded_at": "1 11 2026"}
"""Members that are no words: a number, and days that are facts."""
_CHOSEN: Final = {
    "safety": NONE,
    "mental_health": NONE,
    "circumstances": "",
    "source": "",
    "home.no_fixed_abode": "",
    "home.withheld": "",
}
_WRITTEN: Final = (FieldKind.TEXT, FieldKind.LONG_TEXT, FieldKind.LINES, FieldKind.DATE, FieldKind.TIME)


class Typist:
    """Types the words into forms of a browser. `addresses` are all that led anywhere, `routes` where it has typed."""

    def __init__(self, system: System, words: Mapping[str, str]) -> None:
        self.system, self.words = system, words
        self.addresses: list[str] = []
        self.pages: set[tuple[str, str]] = set()

    def types(self, browser: Browser, route: str, path: str, page: FormPage, *, is_odd: bool = False) -> httpx.Response:
        """One page with a word in each box; with `is_odd` what no box can read, wherever anything can be written."""
        browser.open(path)
        form = form_on(browser, path)
        typed = {name: self._into(field, name, is_odd=is_odd) for field, name in boxes_of(page, form)}
        return self.sends(browser, route, path, page.slug, form.sent | typed)

    def sends(self, browser: Browser, route: str, path: str, slug: str, fields: dict[str, Any]) -> httpx.Response:
        answer = browser.ask("POST", path, fields)
        assert answer.status_code < 500, (path, answer.text)
        self.pages.add((route, slug))
        self.addresses += [str(answer.url), answer.headers.get("location", "")]
        return answer

    def _into(self, field: Field, name: str, *, is_odd: bool) -> str:
        if field.kind not in _WRITTEN:
            return _CHOSEN.get(name, _first(field))
        known = {
            "odd": self.words["odd"],
            "given_name": self.words["baby" if name.startswith("babies") else "mother"],
            "email": self.words["work_email" if name.startswith("referrer") else "email"],
            "external_reference": f"4{self.words['external']}",
            "nhs_number": self.words["nhs" if name.startswith("babies") else "carers_nhs"],
            "date_of_birth": "23 7 1991" if name.startswith("caregivers") else "2 2 2026",
        }
        what = "odd" if is_odd else field.member
        return known.get(what) or _PLAIN.get(what) or self.words[_NAMES[what]]


def boxes_of(page: FormPage, form: Form) -> Iterable[tuple[Field, str]]:
    """The fields that the form asks, for the first of each people."""
    return [(field, field.at(0)) for field in page.fields if field.at(0) in form.boxes]


def form_on(browser: Browser, path: str) -> Form:
    return next(each for each in FormReader(browser.words).forms if each.action == path)


def _first(field: Field) -> str:
    default = "ur" if field.kind is FieldKind.SELECT else "true"  # the languages of /help are named by each page
    return next((each.value for each in field.choices if each.value not in ("", NONE)), default)


def types_everywhere(system: System, words: Mapping[str, str]) -> Typist:
    """Into each page of `TYPED_INTO` at least once with words that it can read, and once with some that it can't."""
    typist = Typist(system, words)
    with Member(system) as member, Member(system) as keeper, Browser(system.url("referral")) as parent:
        keeper.email = str(system.credentials["keepers"]["health-visiting"])
        _signs_in(typist, member)
        keeper.signs_in()
        reference = _refers(typist, member)
        _tells_more(typist, member, reference)
        _adds_a_colleague(typist, keeper)
        _asks_for_help(typist, parent)
        typist.addresses += [*member.addresses, *keeper.addresses]
    with Browser(system.url("triage")) as staff:
        _takes_a_call(typist, staff)
    return typist


def _signs_in(typist: Typist, member: Member) -> None:
    odd = {"email": f"{typist.words['odd'].lower()}@example.org"}
    member.open("/refer/sign-in")
    typist.sends(member, "POST /refer/sign-in", "/refer/sign-in", "", member.hidden | odd)
    member.open("/refer/sign-in/code")
    code = {"code": typist.words["odd"]}
    typist.sends(member, "POST /refer/sign-in/code", "/refer/sign-in/code", "", member.hidden | code)
    member.signs_in()


def _refers(typist: Typist, member: Member) -> str:
    """A form that nobody can read, left in the middle; one after a loss, left too; and one that is sent."""
    for loss, is_odd in (("", True), ("infant_died", False), ("", False)):
        draft = member.begins()
        for page in form_pages.PAGES:
            typist.types(member, DRAFT_PAGE, f"{draft}/{page.slug}", page, is_odd=is_odd)
        if loss:
            member.writes(draft, "loss", circumstances=loss)
        for page in ("babies", "equality", "check", "drop"):
            member.open(f"{draft}/{page}")
    member.open(f"{draft}/check")
    member.send(f"{draft}/send")
    assert member.page.url.path == f"{draft}/sent", re.findall(r"<h2.*|<li>.*", member.words)
    member.open("/refer")
    [reference] = set(re.findall(r"PIR-[0-9A-Z]{3}-[0-9A-Z]{3}", member.open(f"{draft}/sent").text))
    return reference


def _tells_more(typist: Typist, member: Member, reference: str) -> None:
    """Corrections of each page, each step, an enquiry; the odd ones are refused, and one comes without a session."""
    home = f"/refer/{reference}"
    for is_odd in (True, False):
        for page in pages_of({}):
            typist.types(member, CORRECTION, f"{home}/correct/{page.slug}", page, is_odd=is_odd)
        typist.types(member, "POST /refer/enquiry", "/refer/enquiry", step_forms.ENQUIRY, is_odd=is_odd)
        for route, page in STEPS.items():
            if page is not step_forms.WITHDRAW:
                typist.types(member, route, f"{home}/{page.slug}", page, is_odd=is_odd)
    member.open(f"{home}/tell")
    fields = member.hidden | {"notes": typist.words["notes"]}
    kept, member.cookies = member.cookies, {}
    assert (
        typist.sends(member, "POST /refer/{reference}/tell", f"{home}/tell", "tell", fields).status_code
        == httpx.codes.UNAUTHORIZED
    )
    member.cookies = kept
    member.open(home)
    member.open(f"{home}/copy")
    typist.types(member, "POST /refer/{reference}/withdraw", f"{home}/withdraw", step_forms.WITHDRAW)


def _adds_a_colleague(typist: Typist, keeper: Member) -> None:
    for domain in ("health-visiting.example.org", "nowhere.example.org"):
        keeper.open("/refer/colleagues")
        fields = keeper.hidden | {"email": f"{typist.words['colleague'].lower()}@{domain}"}
        typist.sends(keeper, "POST /refer/colleagues", "/refer/colleagues", "", fields)
    keeper.open("/refer/colleagues")
    keeper.open("/refer/agency")


def _asks_for_help(typist: Typist, parent: Browser) -> None:
    for is_odd in (True, False):
        for page in questions.PAGES:
            typist.types(parent, HELP_PAGE, f"/help/en/{page.slug}", page, is_odd=is_odd)
    parent.open("/help/en/check")
    fields = parent.hidden | {"website": typist.words["odd"]}
    typist.sends(parent, "POST /help/{tag}/send", "/help/en/send", "", fields)
    assert parent.open("/help/en/sent").url.path == "/help/en/sent", re.findall(r"<li>.*", parent.words)


def _takes_a_call(typist: Typist, staff: Browser) -> None:
    staff.sign_in("triage-worker", "/staff/arrivals/new")
    words = typist.words
    caller = {"agency": "midwifery", "name": words["referrer"], "role": words["role"], "email": words["work_email"]}
    for phone in (words["odd"], words["phone"]):
        staff.open("/staff/arrivals/new")
        fields = staff.hidden | caller | {"phone": phone}
        answer = typist.sends(staff, OF_STAFF, "/staff/arrivals/new", "", fields)
    ticket = httpx.URL(answer.headers["location"]).path
    with Browser(typist.system.url("referral")) as browser:
        browser.open(ticket)
        draft = str(browser.send(ticket).url.path).rpartition("/")[0]
        for page in form_pages.PAGES:
            typist.types(browser, DRAFT_PAGE, f"{draft}/{page.slug}", page)
        browser.open(f"{draft}/check")
        browser.send(f"{draft}/send")
        typist.addresses.append(str(browser.page.url))
