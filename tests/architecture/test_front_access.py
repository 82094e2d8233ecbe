"""Every page at /refer and /help × everybody: a page without a row here fails, and so does a row without a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import Final

import httpx
import pytest

from services.referral import front
from services.referral.front.family import floods
from services.referral.settings import Settings
from shared.runtime import Service
from tests.architecture.apps import routes_of, told
from tests.architecture.front_people import (
    ENDED,
    NOBODY,
    PARENT,
    PEOPLE,
    PROGRAM,
    STAFF,
    STAFF_ON_A_CALL,
    STRANGERS,
    TYPED,
    Everybody,
)
from tests.architecture.test_access import framework
from tests.bench import front_pages
from tests.integration.front import front_site
from tests.servers import Servers


class Who(Enum):
    """Whom a page is there for."""

    EVERYBODY = auto()
    MEMBERS = auto()
    REFERRERS = auto()
    """Members, but for staff who write down a call."""
    KEEPERS = auto()
    AUTHOR = auto()
    """Of the referral, or of the draft."""
    AUTHOR_AND_KEEPERS = auto()
    KEEPERS_OF_ITS_AGENCY = auto()
    ITS_BROWSER = auto()
    """The parent's that was shown the form."""


EVERYBODY, MEMBERS, REFERRERS, KEEPERS, AUTHOR, AUTHOR_AND_KEEPERS, KEEPERS_OF_ITS_AGENCY, ITS_BROWSER = Who

STEPS: Final = ("answer", "tell", "born", "challenge", "withdraw")
ACCESS: Final[dict[str, Who]] = {
    "GET /refer/sign-in": EVERYBODY,
    "POST /refer/sign-in": EVERYBODY,
    "GET /refer/sign-in/code": EVERYBODY,
    "POST /refer/sign-in/code": EVERYBODY,
    "GET /refer/sign-in/with/{slug}": EVERYBODY,
    "GET /refer/signed-in": EVERYBODY,
    "POST /refer/back-channel-logout/{slug}": EVERYBODY,  # an agency's provider, by a token that it signed
    "GET /refer/signed-out": EVERYBODY,
    "GET /refer/accessibility": EVERYBODY,
    "GET /refer/calls/{ticket}": EVERYBODY,
    "POST /refer/calls/{ticket}": EVERYBODY,  # whoever has no ticket is told that it is used or too old
    "POST /refer/sign-out": MEMBERS,
    "GET /refer": MEMBERS,
    "GET /refer/new": REFERRERS,
    "POST /refer/drafts": REFERRERS,
    "GET /refer/drafts/{draft_id}": AUTHOR,
    "GET /refer/drafts/{draft_id}/check": AUTHOR,
    "POST /refer/drafts/{draft_id}/send": AUTHOR,
    "GET /refer/drafts/{draft_id}/sent": AUTHOR,
    "GET /refer/drafts/{draft_id}/ring": AUTHOR,
    "GET /refer/drafts/{draft_id}/advice": AUTHOR,
    "GET /refer/drafts/{draft_id}/drop": AUTHOR,
    "POST /refer/drafts/{draft_id}/drop": MEMBERS,  # the same answer whether or not there is such a draft of theirs
    "GET /refer/drafts/{draft_id}/{slug}": AUTHOR,
    "POST /refer/drafts/{draft_id}/{slug}": AUTHOR,
    "GET /refer/enquiry": MEMBERS,
    "POST /refer/enquiry": MEMBERS,
    "GET /refer/agency": KEEPERS,
    "GET /refer/webhook": KEEPERS,
    "GET /refer/colleagues": KEEPERS,
    "POST /refer/colleagues": KEEPERS,
    "GET /refer/colleagues/{member_id}/end": KEEPERS_OF_ITS_AGENCY,
    "POST /refer/colleagues/{member_id}/end": KEEPERS_OF_ITS_AGENCY,
    "GET /refer/{reference}": AUTHOR_AND_KEEPERS,
    "POST /refer/{reference}/take-over": KEEPERS_OF_ITS_AGENCY,
    "GET /refer/{reference}/sent": AUTHOR,
    "GET /refer/{reference}/copy": AUTHOR,
    "GET /refer/{reference}/correct": AUTHOR,
    "GET /refer/{reference}/correct/{slug}": AUTHOR,
    "POST /refer/{reference}/correct/{slug}": AUTHOR,
    **{f"{verb} /refer/{{reference}}/{step}": AUTHOR for step in STEPS for verb in ("GET", "POST")},
    "GET /help": EVERYBODY,
    "GET /help/{tag}": EVERYBODY,
    "GET /help/{tag}/now": EVERYBODY,
    "GET /help/{tag}/{slug}": EVERYBODY,
    "GET /help/{tag}/check": EVERYBODY,
    "GET /help/{tag}/sent": EVERYBODY,
    "GET /help/leave": EVERYBODY,
    "POST /help/{tag}/{slug}": ITS_BROWSER,
    "POST /help/{tag}/send": ITS_BROWSER,
}
"""Page → who may open it. Without a session the way leads to the sign-in, by a page (401) with what was typed."""
SHOWS_TYPED: Final = ("GET /help/{tag}/{slug}", "GET /help/{tag}/check")
"""Words for everybody, and what was typed for the browser that typed it."""
OF_HELP: Final = {"tag": "en", "slug": "2"}
SIGN_IN: Final = "sign in"
GONE, REFUSED, IN = 404, 403, 200


SIGNED_IN_HERE: Final = frozenset({*PEOPLE, STAFF_ON_A_CALL}) - {ENDED}
ADMITTED: Final = {
    EVERYBODY: SIGNED_IN_HERE | {*STRANGERS},
    MEMBERS: SIGNED_IN_HERE,
    REFERRERS: SIGNED_IN_HERE - {STAFF_ON_A_CALL},
    KEEPERS: {"keeper", "other agency's keeper"},
    AUTHOR: {"author"},
    AUTHOR_AND_KEEPERS: {"author", "keeper"},
    KEEPERS_OF_ITS_AGENCY: {"keeper"},
    ITS_BROWSER: {PARENT},
}


def answer_for(who: Who, name: str) -> int | str:
    """What somebody gets: in, the way to the sign-in, refused for their role, or told that there is no such thing."""
    if name in ADMITTED[who]:
        return IN
    if name in STRANGERS and who is not ITS_BROWSER:
        return SIGN_IN
    is_of_another = who is KEEPERS_OF_ITS_AGENCY and name in ADMITTED[KEEPERS]
    return GONE if is_of_another or who in (AUTHOR, AUTHOR_AND_KEEPERS) else REFUSED


def test_every_page_has_a_row_and_every_row_a_page(apps: dict[str, Service]) -> None:
    of_the_front = {route.path for each in front.PAGES for route in routes_of(each.routes.routes)}
    found = {
        f"{verb} {route.path}"
        for route in routes_of(framework(apps["referral"]).routes)
        if route.path in of_the_front or route.path.startswith(("/refer/", "/help"))
        for verb in route.methods - {"HEAD"}
    }
    assert found == set(ACCESS)


def test_the_speed_of_every_page_is_measured() -> None:
    """By `python -m tests.bench.front`."""
    assert {page.route for page in front_pages.PAGES}.isdisjoint(front_pages.NOT_MEASURED)
    assert {page.route for page in front_pages.PAGES} | set(front_pages.NOT_MEASURED) == set(ACCESS)


async def test_each_lets_in_whom_its_row_names_and_nobody_else(
    stack: Servers, new_database: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(stack.credentials))
    settings = told(tmp_path, DATABASE_URL=new_database(stack.with_agencies), mail_dir=None)
    monkeypatch.setattr(floods, "SLOWEST", 0.0)  # all of them come from one address
    async with front_site(settings, tmp_path, monkeypatch) as site:
        everybody = await Everybody.at(site, Settings(**settings))
        wrong = [
            (page, name, got)
            for number, page in enumerate(ACCESS)
            for name, got in (await _answers(everybody, page, number)).items()
            if got != answer_for(ACCESS[page], name)
        ]
        assert wrong == []


async def _answers(everybody: Everybody, page: str, number: int) -> dict[str, int | str]:
    """What each gets; the author comes last, because some pages leave nothing to be looked at."""
    who, is_help = ACCESS[page], " /help" in page
    targets = OF_HELP if is_help else await everybody.targets(number)
    found: dict[str, int | str] = {}
    for name in (NOBODY, STAFF, PARENT, PROGRAM, STAFF_ON_A_CALL, *reversed(PEOPLE)):
        answer = await everybody.ask(page, name, targets)
        assert answer.headers["cache-control"] == "no-store", (page, name)
        assert answer.status_code < 500, (page, name, answer.text)
        assert (TYPED in answer.text) == (name == PARENT and page in SHOWS_TYPED), (page, name)
        at = answer.headers.get("location", "")
        leads_there = at.startswith("/refer/sign-in?") or answer.status_code == httpx.codes.UNAUTHORIZED
        refusals = (REFUSED,) if who is EVERYBODY and not is_help else (GONE, REFUSED)  # no agency has a provider here
        status = answer.status_code if answer.status_code in refusals else IN
        found[name] = SIGN_IN if leads_there and who is not EVERYBODY else status
    return found
