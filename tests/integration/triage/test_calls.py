"""A call taken on the staff pages and written down on those for people who refer: both services, one database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.setup import add_own_agency
from services.referral import agencies
from services.referral.front import members
from services.triage.clients import Arrivals
from services.triage.rules import decide
from shared.access import Role
from shared.audit import Actor
from shared.events import Facts
from shared.internal_client import Called
from tests.architecture.test_access import framework
from tests.builders import a_policy
from tests.integration.conftest import Behind
from tests.integration.front import KEEPER, MEMBER, Browser, FrontSite, front_site
from tests.integration.referral.test_referral_form import address_of, begun, fill_in
from tests.integration.room import CSRF, Visits, read, visits
from tests.integration.support import count, fetch

FRONT: Final = "https://refer.example.org"
PAGE: Final = "/staff/arrivals/new"
CALLER: Final = {"agency": "health-visiting", "name": "Ada Okoro", "role": "Health visitor", "phone": "0115 496 0123"}
PARENT: Final = {"agency": "self-referral", "name": "Sana Ali", "phone": "07700 900123"}
SETUP: Final = Actor("operator", "test")
WORKER: Final = "dev-triage-worker"
"""The staff id of whoever takes the calls."""


@dataclass
class Desk:
    """The staff page, and the pages that it leads to."""

    site: FrontSite
    staff: Visits

    @property
    def engine(self) -> AsyncEngine:
        return self.site.referral.engine

    async def change(self, statement: str) -> None:
        async with self.engine.begin() as tx:
            await tx.execute(sa.text(statement))

    async def send(self, caller: Mapping[str, str], by: Role = Role.WORKER) -> httpx.Response:
        """What the staff page answers to its form."""
        return await self.staff.http.post(PAGE, data={"csrf": CSRF, **caller}, headers={"X-Role": by.value})

    async def taken(self, caller: Mapping[str, str], by: Role = Role.WORKER) -> str:
        """The address that the staff page leads to."""
        answer = await self.send(caller, by)
        assert answer.status_code == 303, read(answer.text)
        address = answer.headers["location"]
        assert address.startswith(f"{FRONT}/refer/calls/")
        return str(address).removeprefix(FRONT)

    async def opened(self, caller: Mapping[str, str], by: Role = Role.WORKER) -> Browser:
        """A browser on the first page of the form."""
        browser, address = await self.site.browser(), await self.taken(caller, by)
        await browser.open(address)
        await browser.press()
        return browser

    async def audited(self) -> list[tuple[str, str, str, str | None]]:
        """Everything that the referral service wrote down of anybody but the set-up."""
        rows = await fetch(
            self.engine,
            "SELECT actor_kind, actor_id, action, detail FROM audit WHERE actor_kind NOT IN ('operator', 'system') "
            "ORDER BY id",
        )
        return [(row.actor_kind, row.actor_id, row.action, row.detail) for row in rows]


@pytest.fixture
async def desk(
    database: str,
    triage: Behind,
    settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Desk]:
    async with front_site(settings, tmp_path, monkeypatch) as site:
        site.network.services["referral"] = httpx.ASGITransport(site.referral.service.app)
        await add_own_agency(database, "desk@example.org")
        arrivals = Arrivals(Called("http://referral", settings["PIR_TOKEN_TRIAGE_REFERRAL"]), transport=site.network)
        async with visits(
            triage, settings, arrivals=arrivals, front_url=FRONT, now=partial(datetime.now, UTC)
        ) as staff:
            yield Desk(site, staff)
        await arrivals.close()


async def test_who_takes_a_call_writes_the_same_form_and_reads_the_reference_out(desk: Desk) -> None:
    browser = await desk.opened(CALLER)
    await fill_in(browser)
    assert browser.heading == "Check and send"
    await browser.press()
    [row] = await fetch(desk.engine, "SELECT reference FROM referral")
    words = browser.page.words("main")
    assert f"Read this out to the caller The reference is {row.reference}" in words
    assert "999" in words
    assert "Your team" not in words
    assert [(kind, who, action) for kind, who, action, _ in await desk.audited()] == [
        ("staff", WORKER, "call.begun"),
        ("staff", WORKER, "member.signed-in"),
        ("staff", WORKER, "referral.received"),
        ("staff", WORKER, "referral.taken-by-telephone"),
    ]


async def test_its_facts_are_those_of_the_agencys_own_form(desk: Desk) -> None:
    own = await begun(desk.site)
    await fill_in(own)
    await own.press()
    told = await desk.opened(CALLER)
    await fill_in(told)
    await told.press()
    first, second = await fetch(desk.engine, "SELECT facts, agency_id, gaps FROM referral ORDER BY received_at")
    assert (first.facts | {"links": []}, first.agency_id, first.gaps) == (
        second.facts | {"links": []},
        second.agency_id,
        second.gaps,
    )


async def test_what_is_known_of_the_caller_is_not_asked_again(desk: Desk) -> None:
    browser = await desk.opened(CALLER)
    draft = address_of(browser)
    await browser.open(f"{draft}/check")
    words = browser.page.words("main")
    assert all(each in words for each in ("Ada Okoro", "Health visitor"))
    assert "Enter your" not in words
    [row] = await fetch(desk.engine, "SELECT team_inbox FROM agency WHERE slug = 'health-visiting'")
    assert row.team_inbox in words


async def test_a_parent_who_rings_is_rung_back(desk: Desk) -> None:
    browser = await desk.opened(PARENT)
    draft = await fill_in(browser)
    await browser.open(f"{draft}/check")
    assert "Parent" in browser.page.words("main")
    await browser.press()
    [row] = await fetch(desk.engine, "SELECT facts, received_at FROM referral")
    facts = Facts.model_validate(row.facts)
    assert (facts.source, facts.consent, facts.carer) == ("B1", "given", "mother")
    decision = decide(facts, received_at=row.received_at, policy=a_policy())
    assert "N8" in decision.rules
    assert "review_call_back" in decision.routes


@pytest.mark.parametrize("caller", [CALLER, PARENT], ids=["an agency", "a parent"])
async def test_nothing_of_a_family_that_says_no_is_sent_from_a_call(desk: Desk, caller: dict[str, str]) -> None:
    browser = await desk.opened(caller)
    draft = address_of(browser)
    await browser.press(safety=["none"], mental_health="none")
    await browser.press(consent__status="refused")
    assert browser.heading == "The family said no"
    token = browser.form("/refer/sign-out").sent["csrf"]
    assert (await browser.http.post(f"{draft}/send", data={"csrf": token})).status_code == 422
    assert await count(desk.engine, "referral") == 0


async def test_a_relative_who_rings_keeps_who_they_are_and_is_rung_back(desk: Desk) -> None:
    """Their yes is not the family's, and their number is not the first carer's."""
    browser = await desk.opened(PARENT | {"name": "Grace Ali", "role": "Grandmother"})
    draft = await fill_in(browser, contact={"caregivers__0__phone": ""})
    await browser.open(f"{draft}/you")
    assert browser.form(f"{draft}/you").sent["referrer.role"] == ["Grandmother"]
    await browser.open(f"{draft}/contact")
    assert browser.form(f"{draft}/contact").sent["caregivers.0.phone"] == [""]
    await browser.open(f"{draft}/check")
    assert "07700 900123" in browser.page.words("main")
    await browser.press()
    [row] = await fetch(desk.engine, "SELECT facts, received_at FROM referral")
    facts = Facts.model_validate(row.facts)
    assert (facts.source, facts.carer) == ("B2", "mother")
    assert "review_call_back" in decide(facts, received_at=row.received_at, policy=a_policy()).routes


@pytest.mark.parametrize("role", ["Mum", " father ", "DAD", "Parent"])
async def test_a_parent_who_says_so_is_a_parent(desk: Desk, role: str) -> None:
    browser = await desk.opened(PARENT | {"role": role})
    draft = address_of(browser)
    await browser.open(f"{draft}/agreement")
    assert browser.form(f"{draft}/agreement").sent["consent.status"] == ["given"]
    await browser.open(f"{draft}/you")
    sent = browser.form(f"{draft}/you").sent
    assert (sent["referrer.role"], sent.get("source", [""])) == ([role.strip()], [""])


async def test_a_danger_says_at_once_whom_the_caller_rings(desk: Desk) -> None:
    browser = await desk.opened(CALLER)
    draft = address_of(browser)
    await browser.press(safety=["immediate_danger"])
    assert "999" in browser.page.words("main")
    await browser.open(f"{draft}/check")
    await browser.press()
    assert browser.heading == "Referral sent"
    assert "Ring now" in browser.page.words("main")


async def test_the_way_in_opens_once(desk: Desk) -> None:
    address = await desk.taken(CALLER)
    first, other = await desk.site.browser(), await desk.site.browser()
    for browser in (first, other):
        assert (await browser.open(address)).status_code == 200
    await first.press()
    assert first.form().action.endswith("/safety")
    answer = await other.press()
    assert answer.status_code == 404
    assert "Take a call" in other.page.words("main")
    assert (await other.open("/refer")).url.path == "/refer/sign-in"
    assert await count(desk.engine, "member_session") == 1


async def test_looking_at_it_opens_nothing(desk: Desk) -> None:
    address = await desk.taken(CALLER)
    browser = await desk.site.browser()
    for verb in ("GET", "HEAD", "GET"):
        await browser.http.request(verb, address)
    assert await count(desk.engine, "member_session") == 0
    await browser.open(address)
    await browser.press()
    assert browser.form().action.endswith("/safety")


async def test_a_form_of_another_site_opens_nothing(desk: Desk) -> None:
    address = await desk.taken(CALLER)
    browser = await desk.site.browser()
    answer = await browser.http.post(address, headers={"Origin": "https://mallory.example.org"})
    assert answer.status_code == 403
    assert await count(desk.engine, "member_session") == 0


async def test_it_opens_for_a_minute(desk: Desk) -> None:
    address = await desk.taken(CALLER)
    [row] = await fetch(
        desk.engine, "SELECT t.until - d.begun_at AS lasts FROM call_ticket t JOIN draft d ON d.id = t.draft_id"
    )
    assert row.lasts.total_seconds() == 60
    await desk.change("UPDATE call_ticket SET until = now()")
    browser = await desk.site.browser()
    await browser.open(address)
    assert (await browser.press()).status_code == 404
    await desk.taken(CALLER)
    assert await count(desk.engine, "call_ticket") == 1


async def test_a_made_up_address_is_no_way_in(desk: Desk) -> None:
    browser = await desk.site.browser()
    assert (await browser.open("/refer/calls/anything")).status_code == 404
    assert (await browser.http.post(f"/refer/calls/{'x' * 43}", data={"a": "b"})).status_code == 404


async def test_two_hours_are_the_longest_call(desk: Desk) -> None:
    browser = await desk.opened(CALLER)
    draft = address_of(browser)
    await desk.change("UPDATE member_session SET started_at = started_at - interval '119 minutes'")
    assert (await browser.open(draft)).status_code == 200
    await browser.open(f"{draft}/words")
    await desk.change("UPDATE member_session SET started_at = started_at - interval '1 minute'")
    await browser.press(f"{draft}/words", notes="A long story.")
    assert browser.heading == "Sign in to refer a family"
    assert "what you typed is kept" in browser.page.words("main")
    again = await desk.opened(CALLER)
    await again.open("/refer")
    assert draft in again.links
    await again.open(f"{draft}/words")
    assert "A long story." in again.html


async def test_another_call_in_the_same_browser_undoes_nothing_of_the_first(desk: Desk) -> None:
    browser = await desk.opened(CALLER)
    first = address_of(browser)
    for slug, caller in (("words", PARENT), ("carers", CALLER)):
        await browser.open(f"{first}/{slug}")
        page = browser.html
        await browser.open(await desk.taken(caller))
        await browser.press()
        browser.html = page
        await browser.press(f"{first}/{slug}", notes="A long story.", caregivers__0__given_name="Sana")
        await browser.open(await desk.taken(CALLER))
        await browser.press()
        await browser.open(f"{first}/{slug}")
        assert {"words": "A long story.", "carers": "Sana"}[slug] in browser.html


async def test_a_member_of_the_agency_has_the_whole_day_all_the_same(desk: Desk) -> None:
    browser = await desk.site.signed_in()
    await desk.change("UPDATE member_session SET started_at = started_at - interval '3 hours'")
    assert (await browser.open("/refer")).url.path == "/refer"


async def test_each_sees_what_they_wrote_down_for_this_agency(desk: Desk) -> None:
    browser = await desk.opened(CALLER)
    draft = address_of(browser)
    others = [
        await desk.opened(CALLER, Role.LEAD),
        await desk.opened(CALLER | {"agency": "nursery"}),
        await desk.site.signed_in(),
        await desk.site.signed_in(KEEPER),
    ]
    own = await begun(desk.site)
    for other in others:
        assert (await other.open(draft)).status_code == 404
        await other.open("/refer")
        assert draft not in other.links
    assert (await browser.open(address_of(own))).status_code == 404
    again = await desk.opened(CALLER)
    assert (await again.open(draft)).status_code == 200
    assert await count(desk.engine, "member WHERE staff_id IS NOT NULL") == 3


async def test_they_refer_nobody_in_their_own_name(desk: Desk) -> None:
    browser = await desk.opened(CALLER)
    token = browser.form().sent["csrf"][0]
    await browser.open("/refer")
    assert "/refer/new" not in browser.links
    assert "Person triage-worker, for Health visiting" in browser.html
    assert (await browser.open("/refer/new")).status_code == 403
    assert (await browser.http.post("/refer/drafts", data={"csrf": token})).status_code == 403


async def test_the_callers_words_do_not_become_the_staff_persons(desk: Desk) -> None:
    browser = await desk.opened(CALLER)
    await fill_in(browser)
    await browser.press()
    again = await desk.opened(CALLER | {"name": "Ada Smith"})
    assert "Person triage-worker, for Health visiting" in again.html
    await again.open(f"{address_of(again)}/check")
    assert "Ada Smith" in again.page.words("main")


async def test_nobody_who_takes_calls_is_a_colleague_or_can_be_ended_as_one(desk: Desk) -> None:
    await desk.opened(CALLER)
    [row] = await fetch(desk.engine, "SELECT id, agency_id FROM member WHERE staff_id IS NOT NULL")
    identities = framework(desk.site.referral.service).state.sign_in.identities
    async with desk.engine.begin() as tx:
        listed = await members.of_agency(tx, identities, row.agency_id)
        assert {each.email for each in listed} == {MEMBER, KEEPER}
        assert await members.by_email(tx, identities, "") is None
        assert not await members.end(tx, row.id, agency_id=row.agency_id, actor=SETUP, at=datetime.now(UTC))


async def test_a_keeper_sees_that_it_was_told_by_telephone(desk: Desk) -> None:
    browser = await desk.opened(CALLER)
    await fill_in(browser)
    await browser.press()
    keeper = await desk.site.signed_in(KEEPER)
    await keeper.open("/refer/agency")
    assert "Told to us by telephone" in keeper.page.words("main")
    await keeper.open("/refer/colleagues")
    assert "Person triage-worker" not in keeper.html


async def test_an_ended_agency_takes_no_call_and_ends_those_that_run(desk: Desk) -> None:
    browser, unused = await desk.opened(CALLER), await desk.taken(CALLER)
    async with desk.engine.begin() as tx:
        await agencies.end(tx, slug="health-visiting", actor=SETUP, at=datetime.now(UTC))
    assert (await browser.open("/refer")).url.path == "/refer/sign-in"
    late = await desk.site.browser()
    await late.open(unused)
    assert (await late.press()).status_code == 404
    assert "Health visiting" not in await desk.staff.see(PAGE)
    answer = await desk.send(CALLER)
    assert answer.status_code == 422
    assert "Choose who rings" in read(answer.text)


@pytest.mark.parametrize(
    ("caller", "words"),
    [
        (CALLER | {"agency": ""}, "Choose who rings"),
        (CALLER | {"agency": "no-such-agency"}, "Choose who rings"),
        (CALLER | {"name": " "}, "Enter the name of the caller"),
        (CALLER | {"role": ""}, "Enter the role of the caller"),
        (CALLER | {"phone": "twelve"}, "Telephone: "),
        (CALLER | {"email": "ada at work"}, "Email: "),
        (CALLER | {"name": "=Ada"}, "Name: "),
    ],
)
async def test_a_mistake_is_said_and_what_was_typed_stays(desk: Desk, caller: dict[str, str], words: str) -> None:
    answer = await desk.send(caller)
    assert answer.status_code == 422
    assert words in read(answer.text)
    assert caller["role"] in answer.text
    assert await count(desk.engine, "draft") == 0


async def test_the_internal_call_looks_for_itself(desk: Desk, settings: dict[str, Any]) -> None:
    """The page has looked, but an agency may end meanwhile."""
    headers = {"Authorization": f"Bearer {settings['PIR_TOKEN_TRIAGE_REFERRAL']}", "X-PIR-Actor": WORKER}
    for told, pointers in (
        ({}, ["/agency", "/staff_name", "/name", "/role"]),
        (CALLER | {"staff_name": "Tess", "agency": "no-such-agency"}, ["/agency"]),
        (CALLER | {"staff_name": "Tess", "mallory": "x"}, ["/mallory"]),
    ):
        answer = await desk.site.referral.http.post("/internal/front/calls", json=told, headers=headers)
        assert answer.status_code == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == pointers
    assert await count(desk.engine, "draft") == 0
    assert await desk.audited() == []


async def test_while_the_referral_service_is_away_the_page_says_what_to_do(desk: Desk) -> None:
    desk.site.network.away.add("referral")
    assert "on paper" in read(await desk.staff.see(PAGE, status=503))
    answer = await desk.send(CALLER)
    assert answer.status_code == 503
    assert "Ada Okoro" in answer.text


async def test_the_page_lets_its_form_lead_to_the_other_site_and_no_further(desk: Desk) -> None:
    answer = await desk.staff.http.get(PAGE, headers={"X-Role": "triage-worker"})
    assert f"form-action 'self' {FRONT};" in answer.headers["content-security-policy"]
    elsewhere = await desk.staff.http.get("/staff/find", headers={"X-Role": "triage-worker"})
    assert "form-action 'self';" in elsewhere.headers["content-security-policy"]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.WORKER, Role.LEAD}))
async def test_only_who_works_with_referrals_takes_calls(desk: Desk, role: Role) -> None:
    assert (await desk.send(CALLER, role)).status_code == 403
    assert await count(desk.engine, "draft") == 0


async def test_no_address_or_entry_says_who_rang(desk: Desk) -> None:
    address = await desk.taken(CALLER)
    assert address.removeprefix("/refer/calls/").isascii()
    kept = await fetch(desk.engine, "SELECT to_jsonb(audit)::text AS line FROM audit")
    kept += await fetch(desk.engine, "SELECT to_jsonb(draft)::text AS line FROM draft")
    kept += await fetch(desk.engine, "SELECT to_jsonb(call_ticket)::text AS line FROM call_ticket")
    kept += await fetch(desk.engine, "SELECT to_jsonb(member)::text AS line FROM member WHERE staff_id IS NOT NULL")
    for row in kept:
        assert "Ada" not in row.line
        assert CALLER["phone"] not in row.line
        assert CALLER["phone"].replace(" ", "") not in row.line  # fewer digits are found in any key now and then
        assert address.rpartition("/")[2] not in row.line
