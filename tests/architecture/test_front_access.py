"""Every page for people who refer × everybody: a page without a row here fails, and so does a row without a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import Final

import httpx
import pytest
from fastapi import Request

from services.referral.front import authors, drafts, members
from services.referral.front.members import Member
from services.referral.front.sessions import MemberDoor
from services.referral.identity import Identities
from shared.audit import Actor
from shared.database import sql
from shared.runtime import Service
from tests.architecture.apps import routes_of, told
from tests.architecture.test_access import framework
from tests.integration.front import FrontSite, front_site
from tests.integration.test_referral_after_decision import a_sent


class Who(Enum):
    """Whom a page is there for."""

    EVERYBODY = auto()
    MEMBERS = auto()
    KEEPERS = auto()
    AUTHOR = auto()
    """Of the referral, or of the draft."""
    AUTHOR_AND_KEEPERS = auto()
    KEEPERS_OF_ITS_AGENCY = auto()


EVERYBODY, MEMBERS, KEEPERS, AUTHOR, AUTHOR_AND_KEEPERS, KEEPERS_OF_ITS_AGENCY = Who

STEPS: Final = ("answer", "tell", "born", "challenge", "withdraw")
ACCESS: Final[dict[str, Who]] = {
    "GET /refer/sign-in": EVERYBODY,
    "POST /refer/sign-in": EVERYBODY,
    "GET /refer/sign-in/code": EVERYBODY,
    "POST /refer/sign-in/code": EVERYBODY,
    "GET /refer/sign-in/with/{slug}": EVERYBODY,
    "GET /refer/signed-in": EVERYBODY,
    "GET /refer/signed-out": EVERYBODY,
    "GET /refer/calls/{ticket}": EVERYBODY,
    "POST /refer/calls/{ticket}": EVERYBODY,  # whoever has no ticket is told that it is used or too old
    "POST /refer/sign-out": MEMBERS,
    "GET /refer": MEMBERS,
    "GET /refer/new": MEMBERS,
    "POST /refer/drafts": MEMBERS,
    "GET /refer/drafts/{draft_id}": AUTHOR,
    "GET /refer/drafts/{draft_id}/check": AUTHOR,
    "POST /refer/drafts/{draft_id}/send": AUTHOR,
    "GET /refer/drafts/{draft_id}/sent": AUTHOR,
    "GET /refer/drafts/{draft_id}/ring": AUTHOR,
    "GET /refer/drafts/{draft_id}/drop": AUTHOR,
    "POST /refer/drafts/{draft_id}/drop": MEMBERS,  # the same answer whether or not there is such a draft of theirs
    "GET /refer/drafts/{draft_id}/{slug}": AUTHOR,
    "POST /refer/drafts/{draft_id}/{slug}": AUTHOR,
    "GET /refer/enquiry": MEMBERS,
    "POST /refer/enquiry": MEMBERS,
    "GET /refer/agency": KEEPERS,
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
}
"""Page → who may open it. Without a session the way leads to the sign-in, by a page (401) with what was typed."""
NOBODY, ENDED = "nobody", "ended member"
PEOPLE: Final = {
    "author": ("health-visiting", False),
    "colleague": ("health-visiting", False),
    "keeper": ("health-visiting", True),
    "other agency's member": ("nursery", False),
    "other agency's keeper": ("nursery", True),
    ENDED: ("health-visiting", True),
}
"""Name → agency, and whether they are a keeper."""
GONE, REFUSED, IN = 404, 403, 200
SETUP: Final = Actor("operator", "test")
_NEWEST: Final = sql("SELECT csrf FROM member_session WHERE member_id = :id ORDER BY started_at DESC LIMIT 1")
_ENDED: Final = sql("UPDATE member SET ended_at = now() WHERE id = :id")
"""Whatever is done with the sessions of whoever has left: this cookie opens nothing."""


def answer_for(who: Who, name: str) -> int:
    """What somebody who is signed in gets: in, refused for their role, or told that there is no such thing."""
    slug, is_keeper = PEOPLE[name]
    is_at_home = slug == "health-visiting"
    if who in (EVERYBODY, MEMBERS):
        return IN
    if who is KEEPERS:
        return IN if is_keeper else REFUSED
    if who is KEEPERS_OF_ITS_AGENCY:
        return (IN if is_at_home else GONE) if is_keeper else REFUSED
    return IN if name == "author" or (who is AUTHOR_AND_KEEPERS and is_keeper and is_at_home) else GONE


def test_every_page_has_a_row_and_every_row_a_page(apps: dict[str, Service]) -> None:
    found = {
        f"{verb} {route.path}"
        for route in routes_of(framework(apps["referral"]).routes)
        if f"{route.path}/".startswith("/refer/")
        for verb in route.methods - {"HEAD"}
    }
    assert found == set(ACCESS)


@dataclass
class Everybody:
    """The people of the table at one site; each row has a referral, a draft and a colleague of its own."""

    site: FrontSite
    identities: Identities
    people: dict[str, Member]

    @property
    def door(self) -> MemberDoor:
        door = framework(self.site.referral.service).state.sign_in
        assert isinstance(door, MemberDoor)
        return door

    async def added(self, email: str, slug: str, *, is_keeper: bool = False) -> Member:
        async with self.site.referral.engine.begin() as tx:
            await members.add(
                tx, self.identities, slug=slug, email=email, is_keeper=is_keeper, actor=SETUP, at=datetime.now(UTC)
            )
            found = await members.by_email(tx, self.identities, email)
        assert found
        return found

    async def targets(self, number: int) -> dict[str, str]:
        """What a row's address names, all of the author's."""
        author = self.people["author"]
        sent = await a_sent(self.site.referral)
        spare = await self.added(f"spare{number}@health-visiting.example.org", "health-visiting")
        async with self.site.referral.engine.begin() as tx:
            await authors.keep(tx, sent.id, author.id)
            draft_id = await drafts.begin(
                tx,
                self.identities,
                agency_id=author.agency.id,
                member_id=author.id,
                document={},
                at=datetime.now(UTC),
            )
        named = {"draft_id": str(draft_id), "member_id": str(spare.id), "slug": "safety", "ticket": "x" * 43}
        return {"reference": sent.reference} | named

    async def ask(self, page: str, name: str, targets: dict[str, str]) -> httpx.Response:
        """One request of this person, in a session of its own, with the token of its forms."""
        verb, _, path = page.partition(" ")
        cookie: dict[str, str] = {}
        csrf = ""
        if name != NOBODY:
            cookie, csrf = await self._session(self.people[name], is_ended=name == ENDED)
        sent = {"data": {"csrf": csrf}} if verb == "POST" else {}
        return await self.site.referral.http.request(verb, path.format(**targets), headers=cookie, **sent)  # type: ignore[arg-type]

    async def _session(self, member: Member, *, is_ended: bool) -> tuple[dict[str, str], str]:
        new_browser = Request({"type": "http", "headers": []})
        async with self.site.referral.engine.begin() as tx:
            token = await self.door.let_in(tx, new_browser, member, by="code")
            row = (await tx.execute(_NEWEST, {"id": member.id})).one()
            if is_ended:
                await tx.execute(_ENDED, {"id": member.id})
        return {"Cookie": f"{self.door.names.session}={token}"}, row.csrf


async def test_each_lets_in_whom_its_row_names_and_nobody_else(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = told(tmp_path, DATABASE_URL=database, mail_dir=None)
    async with front_site(database, settings, tmp_path, monkeypatch) as site:
        identities = framework(site.referral.service).state.sign_in.identities
        everybody = Everybody(site, identities, {})
        for number, (name, (slug, is_keeper)) in enumerate(PEOPLE.items()):
            everybody.people[name] = await everybody.added(
                f"person{number}@{slug}.example.org", slug, is_keeper=is_keeper
            )
        wrong = [
            (page, name, got)
            for number, page in enumerate(ACCESS)
            for name, got in (await _answers(everybody, page, number)).items()
            if got != _wanted(page, name)
        ]
        assert wrong == []


def _wanted(page: str, name: str) -> int | str:
    who = ACCESS[page]
    if name in (NOBODY, ENDED):
        return IN if who is EVERYBODY else "sign in"
    return answer_for(who, name)


async def _answers(everybody: Everybody, page: str, number: int) -> dict[str, int | str]:
    """What each gets; the author comes last, because some pages leave nothing to be looked at."""
    targets = await everybody.targets(number)
    found: dict[str, int | str] = {}
    for name in (NOBODY, *reversed(PEOPLE)):
        answer = await everybody.ask(page, name, targets)
        assert answer.headers["cache-control"] == "no-store", (page, name)
        assert answer.status_code < 500, (page, name, answer.text)
        at = answer.headers.get("location", "")
        leads_there = at.startswith("/refer/sign-in?") or answer.status_code == httpx.codes.UNAUTHORIZED
        is_out = leads_there and ACCESS[page] is not EVERYBODY
        refusals = (REFUSED,) if ACCESS[page] is EVERYBODY else (GONE, REFUSED)  # no agency has a provider here
        status = answer.status_code if answer.status_code in refusals else IN
        found[name] = "sign in" if is_out else status
    return found
