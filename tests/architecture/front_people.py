"""Everybody who may stand before `/refer` and `/help` at one real site: each with the cookie, or key, that they have."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self

import httpx
from fastapi import Request

from deploy.setup import add_own_agency
from services.referral.front import authors, drafts, members
from services.referral.front.family.drafts import COOKIE
from services.referral.front.members import Member
from services.referral.front.sessions import MemberDoor
from services.referral.identity import Identities
from services.referral.settings import Settings
from services.triage import tables as triage_tables
from shared.access import Role, Staff
from shared.audit import Actor
from shared.database import create_engine, sql
from shared.sign_in import cookies, sessions
from tests.architecture.test_access import framework
from tests.integration.front import FrontSite
from tests.integration.referral.test_referral_after_decision import a_sent

NOBODY, ENDED = "nobody", "ended member"
STAFF, PARENT, PROGRAM = "staff at their own pages", "parent", "agency's program"
STAFF_ON_A_CALL: Final = "staff on a call"
AT_HOME: Final = "health-visiting"
PEOPLE: Final = {
    "author": (AT_HOME, False),
    "colleague": (AT_HOME, False),
    "keeper": (AT_HOME, True),
    "other agency's member": ("nursery", False),
    "other agency's keeper": ("nursery", True),
    ENDED: (AT_HOME, True),
}
"""Name → agency, and whether they are a keeper."""
STRANGERS: Final = (NOBODY, ENDED, STAFF, PARENT, PROGRAM)
"""At /refer they are nobody."""
TYPED: Final = "Quillonia"
"""What the parent has typed at /help."""
SETUP: Final = Actor("operator", "test")
_NEWEST: Final = sql("SELECT csrf FROM member_session WHERE member_id = :id ORDER BY started_at DESC LIMIT 1")
_ENDED: Final = sql("UPDATE member SET ended_at = now() WHERE id = :id")
"""Whatever is done with the sessions of whoever has left: this cookie opens nothing."""
_TOKEN: Final = re.compile(r'name="csrf" value="([^"]+)"')
_HERE: Final = "https://refer.example.org"


class Brought(NamedTuple):
    """What a request of somebody comes with. `csrf` is the token of their own forms."""

    headers: dict[str, str]
    csrf: str = ""


@dataclass
class Everybody:
    """The people at one site; each row of a table has a referral, a draft and a colleague of its own."""

    site: FrontSite
    settings: Settings
    people: dict[str, Member]
    staff: Brought

    @classmethod
    async def at(cls, site: FrontSite, settings: Settings) -> Self:
        """Sign the staff person in, and add the people and the agency of families."""
        await add_own_agency(settings.database_url.get_secret_value(), "desk@example.org")
        found = cls(site, settings, {}, await _staff_session(settings))
        for number, (name, (slug, is_keeper)) in enumerate(PEOPLE.items()):
            found.people[name] = await found.added(f"person{number}@{slug}.example.org", slug, is_keeper=is_keeper)
        program = await site.referral.http.get("/referrals", headers=(await found.brings(PROGRAM)).headers)
        assert program.status_code == httpx.codes.OK, "a key that opens nothing shows nothing"
        return found

    @property
    def door(self) -> MemberDoor:
        door = framework(self.site.referral.service).state.sign_in
        assert isinstance(door, MemberDoor)
        return door

    @property
    def identities(self) -> Identities:
        return self.door.identities

    async def added(self, email: str, slug: str, *, is_keeper: bool = False) -> Member:
        async with self.site.referral.engine.begin() as tx:
            await members.add(
                tx, self.identities, slug=slug, email=email, is_keeper=is_keeper, actor=SETUP, at=datetime.now(UTC)
            )
            found = await members.by_email(tx, self.identities, email)
        assert found
        return found

    async def targets(self, number: int) -> dict[str, str]:
        """What a row's address at /refer names, all of the author's."""
        author = self.people["author"]
        sent = await a_sent(self.site.referral)
        spare = await self.added(f"spare{number}@{AT_HOME}.example.org", AT_HOME)
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
        """One request of this person, in a session of its own, with the token of their forms."""
        verb, _, path = page.partition(" ")
        headers, csrf = await self.brings(name)
        sent: dict[str, Any] = {"data": {"csrf": csrf}} if verb == "POST" else {}
        return await self.site.referral.http.request(verb, path.format(**targets), headers=headers, **sent)

    async def brings(self, name: str) -> Brought:
        """A cookie that is no member's is brought under the members' name too, which no browser does."""
        if name == NOBODY:
            return Brought({})
        if name == PROGRAM:
            return Brought({"Authorization": f"Bearer {self.site.referral.key(AT_HOME)}"})
        if name == STAFF_ON_A_CALL:
            return await self._call()
        if name in PEOPLE:
            return await self._session(self.people[name], is_ended=name == ENDED)
        headers, csrf = self.staff if name == STAFF else await self._begun()
        token = headers["Cookie"].partition("=")[2]
        return Brought({"Cookie": f"{headers['Cookie']}; {self.door.names.session}={token}"}, csrf)

    async def _session(self, member: Member, *, is_ended: bool) -> Brought:
        new_browser = Request({"type": "http", "headers": []})
        async with self.site.referral.engine.begin() as tx:
            token = await self.door.let_in(tx, new_browser, member, by="code")
            row = (await tx.execute(_NEWEST, {"id": member.id})).one()
            if is_ended:
                await tx.execute(_ENDED, {"id": member.id})
        return Brought({"Cookie": f"{self.door.names.session}={token}"}, row.csrf)

    async def _begun(self) -> Brought:
        """A parent who has answered two questions."""
        async with self._browser() as browser:
            page = await browser.get("/help/en/1")
            for number, typed in enumerate(({"safety": "none"}, {"caregivers.0.given_name": TYPED}), start=1):
                form = {"csrf": _token_in(page)} | typed
                page = await browser.post(f"/help/en/{number}", data=form, follow_redirects=True)
            return Brought({"Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"}, _token_in(page))

    async def _call(self) -> Brought:
        """A member of staff who has begun to write down a call for the agency."""
        inside = {"Authorization": f"Bearer {self.settings.from_triage.get_secret_value()}", "X-PIR-Actor": "tess"}
        call = {"agency": AT_HOME, "staff_name": "Tess Whitlock", "name": "Ada Okoro", "role": "Health visitor"}
        async with self._browser() as browser:
            begun = await browser.post("/internal/front/calls", json=call, headers=inside)
            form = await browser.post(begun.json()["path"], data={"open": ""}, follow_redirects=True)
            name = self.door.names.session
            return Brought({"Cookie": f"{name}={browser.cookies[name]}"}, _token_in(form))

    def _browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.site.referral.service.app), base_url=_HERE)


async def _staff_session(settings: Settings) -> Brought:
    """Of a triage lead, as the staff pages begin one; it is good there."""
    token, csrf, at = secrets.token_urlsafe(32), secrets.token_urlsafe(32), datetime.now(UTC)
    engine = create_engine(settings, triage_tables.SCHEMA)
    async with engine.begin() as tx:
        lead = Staff("dev-triage-lead", "Leonie Marsh", Role.LEAD)
        await sessions.start(tx, lead, token=token, csrf=csrf, id_token="", at=at)
    assert await sessions.look(engine, token, at=at), "a session that is good nowhere shows nothing"
    await engine.dispose()
    return Brought({"Cookie": f"{cookies.SESSION}={token}"}, csrf)


def _token_in(page: httpx.Response) -> str:
    found = _TOKEN.search(page.text)
    assert found, page.text
    return found[1]
