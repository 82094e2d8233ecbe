"""A parent asks for help at /help, as a browser without script does it, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from deploy.setup import add_own_agency
from services.referral.front.family import asking, drafts, sending
from services.referral.front.family.drafts import BrowserSecret
from services.referral.front.family.empty_drafts import MOST_EMPTY
from services.referral.front.family.floods import MOST_OF_ONE
from services.referral.front.family.sending import FAMILY, HIDDEN_BOX, MARKED
from services.referral.identity import Sealed
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from services.triage.rules import decide
from shared.crypto import UnreadableSecretError, unseal
from shared.events import Decision, Facts, Hold, Route, Safety
from tests.builders import a_policy
from tests.integration.conftest import Behind
from tests.integration.support import count, fetch
from tests.rendering import HOSTILE, Page

pytestmark = pytest.mark.usefixtures("_nobody_decides")
COOKIE: Final = drafts.COOKIE
DESK: Final = "desk@nottingham.example.org"
OPEN_WARD, CLOSED_WARD = "NG6 8GB", "NG3 5GA"
TYPED: Final = {
    "2": {"caregivers.0.given_name": "Quillonia", "caregivers.0.relationship": "mother"},
    "3": {
        "caregivers.0.phone": "0115 496 0177",
        "caregivers.0.email": "quillonia@family.example.org",
        "caregivers.0.safe_contact": "Ring at noon, never leave word Zanzibar",
    },
    "4": {"babies.0.date_of_birth": "3 3 2026", "babies.0.due_on": ""},
    "5": {"home.postcode": OPEN_WARD},
    "6": {"notes": "The nights are long, Xylophonia cries"},
}
CANARIES: Final = ("Quillonia", "496 0177", "quillonia@", "Zanzibar", "Xylophonia", "NG6 8GB")


@pytest.fixture
def _nobody_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Triage does not run here: the last page need not wait for it."""
    monkeypatch.setattr(sending, "DECIDES_SECONDS", 0)


@dataclass
class Parent:
    """Somebody with a browser. `seen` are the addresses, `pages` what was on them."""

    http: httpx.AsyncClient
    tag: str = "en"
    page: Page = field(default_factory=lambda: Page(""))
    answer: httpx.Response = field(default_factory=lambda: httpx.Response(200))
    seen: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)

    async def opens(self, page: str) -> Page:
        return await self._follow(await self.http.get(page if page.startswith("/") else f"/help/{self.tag}/{page}"))

    async def sends(self, page: str, **typed: str | list[str]) -> Page:
        """The form of the page that is open, to `page`."""
        form = {"csrf": self.csrf} | typed
        return await self._follow(await self.http.post(f"/help/{self.tag}/{page}", data=form))

    async def types(self, *pages: str, **changes: dict[str, Any]) -> Page:
        """The pages one after the other, from the first on."""
        await self.opens("1")
        await self.sends("1", safety="none")
        for page in pages:
            await self.sends(page, **TYPED[page] | changes.get(f"page_{page}", {}))
        return await self.opens("check")

    @property
    def csrf(self) -> str:
        return next((each["value"] for each in self.page.all("input") if each.get("name") == "csrf"), "")

    @property
    def token(self) -> str:
        return self.http.cookies.get(COOKIE) or ""

    async def _follow(self, answer: httpx.Response) -> Page:
        self.seen.append(f"{answer.request.method} {answer.request.url}")
        while answer.is_redirect:
            address = answer.headers["location"]
            self.seen.append(address)
            answer = await self.http.get(address)
        self.answer, self.page = answer, Page(answer.text)
        self.pages.append(answer.text)
        return self.page


@pytest.fixture
async def site(database: str, new_intake: Callable[[], Awaitable[Behind]]) -> Behind:
    await add_own_agency(database, DESK)
    return await new_intake()


def a_parent(site: Behind, tag: str = "en", address: str = "192.0.2.7") -> Parent:
    transport = httpx.ASGITransport(app=site.service.app, client=(address, 4000))
    return Parent(httpx.AsyncClient(transport=transport, base_url="https://here"), tag)


@pytest.fixture
async def parent(site: Behind) -> AsyncIterator[Parent]:
    someone = a_parent(site)
    yield someone
    await someone.http.aclose()


async def csrf_of(parent: Parent, page: str) -> str:
    """Of the form of a page, which is opened for it."""
    await parent.opens(page)
    return parent.csrf


async def referrals(site: Behind) -> list[Any]:
    return list(await fetch(site.engine, "SELECT * FROM referral ORDER BY received_at"))


async def document_of(site: Behind, settings: dict[str, Any], row: Any) -> dict[str, Any]:
    identities = identities_of(Settings(**settings))
    found: dict[str, Any] = identities.unseal(row.id, Sealed(row.wrapped_key, row.identity))["document"]
    return found


def decided(row: Any) -> Decision:
    return decide(Facts.model_validate(row.facts), received_at=row.received_at, policy=a_policy())


async def test_three_questions_are_enough(site: Behind, parent: Parent, settings: dict[str, Any]) -> None:
    await parent.types("2", "3", "4")
    page = await parent.sends("send")
    [row] = await referrals(site)
    assert row.reference in page.words("main")
    assert row.facts["source"] == "B1"
    [agency] = await fetch(site.engine, "SELECT id, team_inbox FROM agency WHERE slug = 'self-referral'")
    assert (row.agency_id, agency.team_inbox) == (agency.id, DESK)
    document = await document_of(site, settings, row)
    assert document["referrer"] == {
        "name": "Quillonia",
        "role": "Parent",
        "phone": "0115 496 0177",
        "email": "quillonia@family.example.org",
    }
    assert document["babies"] == [{"date_of_birth": "2026-03-03"}]
    assert document["consent"]["status"] == "given"
    assert document["concern"] == {"severity": "unknown"}
    assert "source" not in document
    [entry] = await fetch(site.engine, "SELECT actor_kind, actor_id FROM audit WHERE action = 'referral.received'")
    assert (entry.actor_kind, entry.actor_id) == (FAMILY.kind, FAMILY.id)


async def test_the_facts_are_those_of_the_same_document_sent_by_a_program(
    site: Behind, parent: Parent, settings: dict[str, Any]
) -> None:
    await parent.types("2", "3", "4", "5", "6")
    await parent.sends("send")
    [row] = await referrals(site)
    document = await document_of(site, settings, row)
    assert (await site.send(document | {"source": "B1"})).status_code == 201
    _, other = await referrals(site)
    ours, theirs = Facts.model_validate(row.facts), Facts.model_validate(other.facts)
    assert ours == theirs.model_copy(update={"links": ours.links})


@pytest.mark.parametrize("postcode", [None, OPEN_WARD, CLOSED_WARD])
@pytest.mark.parametrize("relationship", ["mother", "father", "kinship", "other"])
async def test_whoever_asks_is_rung(site: Behind, parent: Parent, postcode: str | None, relationship: str) -> None:
    who = {"caregivers.0.relationship": relationship}
    where = {"home.postcode": postcode or ""}
    await parent.types("2", "3", "4", "5", page_2=who, page_5=where)
    await parent.sends("send")
    [row] = await referrals(site)
    assert row.facts["source"] == ("B1" if relationship in ("mother", "father") else "B2")
    assert Route.REVIEW_CALL_BACK in decided(row).routes


async def test_not_sure_when_is_an_answer(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", "4", page_4={"babies.0.date_of_birth": ""})
    await parent.sends("send")
    [row] = await referrals(site)
    assert Route.REVIEW_CALL_BACK in decided(row).routes


async def test_a_danger_shows_whom_to_ring_and_can_be_sent_with_nothing_else(site: Behind, parent: Parent) -> None:
    await parent.opens("1")
    assert "999" in parent.page.words("main")
    await parent.sends("1", safety="immediate_danger")
    assert parent.seen[-1].endswith("/help/en/now")
    assert "999" in parent.page.words("main")
    await parent.opens("check")
    assert "can't get in touch" in parent.page.words("main")
    await parent.sends("send")
    [row] = await referrals(site)
    assert row.facts["safety"] == [Safety.IMMEDIATE_DANGER]
    assert "999" in parent.page.words("main")


async def test_in_a_danger_what_cannot_be_read_goes_as_it_was_typed(
    site: Behind, parent: Parent, settings: dict[str, Any]
) -> None:
    await parent.opens("1")
    await parent.sends("1", safety="immediate_danger")
    await parent.sends("3", csrf=await csrf_of(parent, "3"), **{"caregivers.0.phone": "ask at no 7"})
    assert parent.seen[-1].endswith("/3?checked"), "a mistake is shown"
    assert parent.answer.text.count("/help/en/check") == 1, "and the way on beside it"
    await parent.opens("check")
    assert "Look at the phone number again" in parent.page.words("main")
    await parent.sends("send")
    [row] = await referrals(site)
    assert row.facts["safety"] == [Safety.IMMEDIATE_DANGER]
    document = await document_of(site, settings, row)
    assert "\nCarer 1: Phone number: ask at no 7\n" in document["notes"]
    assert document["notes"].count("ask at no 7") == 1


async def test_without_a_danger_a_mistake_is_mended_first(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", page_3={"caregivers.0.phone": "ask at no 7"})
    assert not parent.page.all("button")
    await parent.sends("send", csrf=await csrf_of(parent, "3"))
    assert await referrals(site) == []


async def test_after_it_was_sent_the_number_of_the_team_is_there(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", "4")
    await parent.sends("send")
    calls = a_policy().family_messages
    assert f"it is {calls.signed}, from {calls.phone}" in parent.page.words("main")


@pytest.mark.parametrize("tag", ["en", "pl", "ur"])
async def test_safety_at_home_is_asked_first_and_says_whom_to_ring(site: Behind, tag: str) -> None:
    """By the shortest way through the pages, which passes over all that is optional."""
    parent = a_parent(site, tag)
    await parent.opens("1")
    boxes = [(each.get("type"), each.get("value")) for each in parent.page.all("input") if each.get("name") == "safety"]
    assert boxes == [("radio", "immediate_danger"), ("radio", "none"), ("checkbox", "domestic_abuse")]
    ids = [attributes["id"] for _, attributes in parent.page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    await parent.sends("1", safety=["none", Safety.DOMESTIC_ABUSE])
    assert parent.seen[-1].endswith(f"/help/{tag}/now")
    assert "999" in parent.page.words("main")
    for page in ("2", "3"):
        await parent.sends(page, csrf=await csrf_of(parent, page), **TYPED[page])
    await parent.sends("4", end="1", **TYPED["4"])
    assert parent.seen[-1].endswith(f"/help/{tag}/check")
    await parent.sends("send")
    [row] = await referrals(site)
    assert row.facts["safety"] == [Safety.DOMESTIC_ABUSE]
    decision = decided(row)
    assert Hold.C2 in decision.holds
    assert Route.REVIEW_CALL_BACK in decision.routes
    assert "N8" in decision.rules
    await parent.http.aclose()


async def test_whom_to_ring_is_said_in_words_that_fit(parent: Parent) -> None:
    await parent.opens("1")
    await parent.sends("1", safety=Safety.DOMESTIC_ABUSE)
    assert parent.page.words("h1") == "You are not alone"
    await parent.opens("1")
    await parent.sends("1", safety=[Safety.IMMEDIATE_DANGER, Safety.DOMESTIC_ABUSE])
    assert parent.page.words("h1") == "Please ring first"
    await parent.opens("1")
    await parent.sends("1", safety="none")
    assert parent.seen[-1].endswith("/help/en/2")


async def test_what_was_said_of_danger_is_shown_again(parent: Parent) -> None:
    for said in (["none"], [Safety.IMMEDIATE_DANGER], [Safety.IMMEDIATE_DANGER, Safety.DOMESTIC_ABUSE]):
        await parent.opens("1")
        await parent.sends("1", safety=said)
        await parent.opens("1")
        asked = [each for each in parent.page.all("input") if each.get("name") == "safety"]
        assert [each["value"] for each in asked if "checked" in each] == said


async def test_after_a_loss_nobody_writes_to_them_and_a_person_looks(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", "4", page_4={"babies.0.date_of_birth": "", "circumstances": "infant_died"})
    await parent.sends("send")
    [row] = await referrals(site)
    assert row.facts["circumstances"] == ["infant_died"]
    assert Hold.C1 in decided(row).holds
    assert Route.BEREAVEMENT_REVIEW in decided(row).routes


async def test_two_questions_write_one_list_of_dangers(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", "4", "6")
    await parent.sends("1", safety=[Safety.IMMEDIATE_DANGER, Safety.DOMESTIC_ABUSE])
    await parent.sends("6", csrf=await csrf_of(parent, "6"), **TYPED["6"])
    await parent.opens("check")
    await parent.sends("send")
    [row] = await referrals(site)
    assert sorted(row.facts["safety"]) == [Safety.DOMESTIC_ABUSE, Safety.IMMEDIATE_DANGER]


@pytest.mark.parametrize("tag", ["pl", "ur"])
async def test_words_of_another_language_are_read_by_a_person(site: Behind, settings: dict[str, Any], tag: str) -> None:
    """Few words of a language in Latin letters: the list and the look at scripts find nothing in them."""
    parent = a_parent(site, tag)
    await parent.types("2", "3", "4", "6", page_3={"caregivers.0.safe_contact": ""}, page_6={"notes": "Znowu mnie"})
    await parent.sends("send")
    [row] = await referrals(site)
    document = await document_of(site, settings, row)
    assert (document["written_in"], document["caregivers"][0]["preferred_language"]) == (tag, tag)
    assert row.facts["safety_words"]
    assert "A1" in decided(row).rules
    await parent.http.aclose()


async def test_words_keep_their_language_whichever_page_sends_them(site: Behind, settings: dict[str, Any]) -> None:
    parent = a_parent(site, "pl")
    await parent.types("2", "3", "4", "6", page_3={"caregivers.0.safe_contact": ""}, page_6={"notes": "Znowu mnie"})
    parent.tag = "en"
    await parent.opens("check")
    await parent.sends("send")
    [row] = await referrals(site)
    assert (await document_of(site, settings, row))["written_in"] == "pl"
    assert row.facts["safety_words"]
    await parent.http.aclose()


async def test_a_translated_page_without_free_text_is_no_alarm(site: Behind) -> None:
    parent = a_parent(site, "ur")
    digits = {"caregivers.0.phone": "۰۱۱۵ ۴۹۶ ۰۱۷۷", "caregivers.0.safe_contact": ""}
    await parent.types("2", "3", "4", page_3=digits, page_4={"babies.0.date_of_birth": "۳ ۳ ۲۰۲۶"})
    await parent.sends("send")
    [row] = await referrals(site)
    assert not row.facts["safety_words"]
    assert row.facts["infant"]["born_on"] == "2026-03-03"
    await parent.http.aclose()


async def test_whoever_has_no_phone_says_in_words_how_to_find_them(site: Behind, parent: Parent) -> None:
    await parent.types("2")
    await parent.sends("3", csrf=await csrf_of(parent, "3"))
    assert parent.seen[-1].endswith("/3?checked")
    await parent.sends("3", **{"caregivers.0.safe_contact": "Tell my health visitor Ada at the clinic"})
    assert parent.seen[-1].endswith("/4")
    await parent.opens("check")
    assert "no phone number and no email" in parent.page.words("main")
    await parent.sends("send")
    [row] = await referrals(site)
    assert Route.REVIEW_CALL_BACK in decided(row).routes


async def test_the_last_page_names_the_day_of_the_decision_and_none_before_it(site: Behind, parent: Parent) -> None:
    """The day that stands there before the rules have decided is a later one."""
    await parent.types("2", "3")
    await parent.sends("send", csrf=await csrf_of(parent, "check"))
    assert "gets in touch with you by" not in parent.page.words("main")
    assert "A person in our team reads it and gets in touch with you." in parent.page.words("main")
    async with site.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE referral SET decision = '{}', expected_by = '2026-11-03'"))
    await parent.opens("sent")
    assert "gets in touch with you by Tuesday 3 November 2026" in parent.page.words("main")


async def test_what_was_said_of_danger_stays_beside_what_was_said_of_home(parent: Parent) -> None:
    await parent.opens("1")
    await parent.sends("1", safety=["none", Safety.DOMESTIC_ABUSE])
    await parent.opens("1")
    ticked = [each["value"] for each in parent.page.all("input") if each.get("name") == "safety" and "checked" in each]
    assert ticked == ["none", Safety.DOMESTIC_ABUSE]
    await parent.opens("check")
    assert "Are you or the baby in danger now? No" in parent.page.words("main")


async def test_no_answer_is_made_up_of_what_was_ticked_beside_it(parent: Parent) -> None:
    await parent.opens("1")
    await parent.sends("1", safety=Safety.DOMESTIC_ABUSE)
    await parent.opens("1")
    ticked = [each["value"] for each in parent.page.all("input") if each.get("name") == "safety" and "checked" in each]
    assert ticked == [Safety.DOMESTIC_ABUSE]


async def test_in_danger_and_not_safe_at_home_both_are_answered(parent: Parent) -> None:
    await parent.opens("1")
    await parent.sends("1", safety=[Safety.IMMEDIATE_DANGER, Safety.DOMESTIC_ABUSE])
    for words in ("Please ring first", "It is not your fault", "press 55"):
        assert words in parent.page.words("main")


async def test_whoever_wants_messages_and_does_not_say_that_it_is_safe_is_told_that_none_come(parent: Parent) -> None:
    await parent.types("2", "3")
    words = "We will not send you short messages"
    for is_safe, is_told in (([], True), (["true"], False)):
        wanted = {"caregivers.0.messages.channel": "sms", "caregivers.0.messages.is_safe": is_safe}
        await parent.sends("3", csrf=await csrf_of(parent, "3"), **TYPED["3"], **wanted)
        await parent.opens("check")
        assert (words in parent.page.words("main")) is is_told


async def test_whom_to_ring_has_a_name_in_the_language_of_the_page(site: Behind) -> None:
    parent = a_parent(site, "pl")
    await parent.opens("1")
    assert "Opieka społeczna dla dzieci w Nottingham (Nottingham children's social care)" in parent.page.words("main")
    await parent.http.aclose()


async def test_mistakes_are_said_at_the_top_and_lead_to_their_boxes(parent: Parent) -> None:
    await parent.opens("1")
    await parent.sends("1", safety="none")
    await parent.sends("2", **{"caregivers.0.given_name": ""})
    assert parent.seen[-1].endswith("/help/en/2?checked")
    assert parent.page.words("title").startswith("Look again: Page 2 of 8")
    await parent.sends("3", **{"caregivers.0.phone": "0115", "caregivers.0.email": "nobody"})
    ids = {attributes.get("id") for _, attributes in parent.page.elements}
    hrefs = [each["href"] for each in parent.page.all("a") if each["href"].startswith("#caregivers")]
    assert hrefs == ["#caregivers-0-phone", "#caregivers-0-email"]
    assert {href[1:] for href in hrefs} <= ids
    assert [each["value"] for each in parent.page.all("input") if each.get("name") == "caregivers.0.phone"] == ["0115"]
    await parent.opens("check")
    assert "Tell us what to call you" in parent.page.words("main")
    assert not [each for each in parent.page.all("form") if each["action"].endswith("/send")]


async def test_sending_twice_at_once_and_again_is_one_referral(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", "4", "5", "6")
    form = {"csrf": parent.csrf}
    answers = await asyncio.gather(*(parent.http.post("/help/en/send", data=form) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {303}
    assert (await parent.http.post("/help/en/send", data=form)).status_code == 303
    [row] = await referrals(site)
    await parent.opens("sent")
    assert row.reference in parent.page.words("main")
    assert await count(site.engine, "event WHERE type = 'referral.received.v1'") == 1


async def test_after_sending_nothing_that_was_typed_is_shown_or_kept(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", "4", "5", "6")
    await parent.sends("send")
    [row] = await fetch(site.engine, "SELECT sealed, wrapped_key, until, changed_at FROM draft")
    assert (row.sealed, row.wrapped_key) == (None, None)
    assert row.until < datetime.now(UTC) + timedelta(hours=2)
    for address in ("2", "3", "6", "check", "sent", "sent"):
        await parent.opens(address)
        assert parent.seen[-1].endswith("/sent")
        assert not [canary for canary in CANARIES if canary in parent.pages[-1]]
    await parent.sends("3", **TYPED["3"])
    assert await count(site.engine, "draft WHERE sealed IS NOT NULL") == 0


async def test_who_begins_again_after_sending_has_a_draft_of_their_own(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", "4")
    await parent.sends("send")
    before = parent.token
    await parent.types("2", "3", "4", page_2={"caregivers.0.given_name": "Another"})
    assert parent.token != before
    await parent.sends("send")
    assert len(await referrals(site)) == 2


@pytest.mark.parametrize("is_swept", [True, False])
async def test_the_next_family_at_the_same_browser_is_another_one(
    site: Behind, parent: Parent, settings: dict[str, Any], is_swept: bool
) -> None:
    """A shared tablet, hours later: whether or not the row of the first has been deleted yet."""
    await parent.types("2", "3", "4")
    await parent.sends("send")
    async with site.engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE draft SET until = now() - interval '1 minute'")
        if is_swept:
            await tx.exec_driver_sql("DELETE FROM draft")
    await parent.opens("1")
    await parent.sends("1", safety="immediate_danger")
    await parent.opens("2")
    await parent.sends("2", **TYPED["2"] | {"caregivers.0.given_name": "Second"})
    await parent.sends("3", **TYPED["3"])
    await parent.opens("check")
    await parent.sends("send")
    first, second = await referrals(site)
    assert (first.facts["safety"], second.facts["safety"]) == ([], ["immediate_danger"])
    assert (await document_of(site, settings, second))["caregivers"][0]["given_name"] == "Second"
    assert second.reference in parent.page.words("main")


async def test_a_danger_added_before_it_is_sent_again_counts(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", "4")
    [before] = await fetch(site.engine, "SELECT sealed, changed_at FROM draft")
    await parent.sends("send")
    async with site.engine.begin() as tx:  # as it was when the process died after the intake's commit
        restored = sa.text("UPDATE draft SET sealed = :sealed, sent_as = NULL, changed_at = :at")
        await tx.execute(restored, {"sealed": before.sealed, "at": before.changed_at})
    await parent.opens("1")
    await parent.sends("1", safety="immediate_danger")
    await parent.opens("check")
    await parent.sends("send")
    [row] = await referrals(site)
    assert (row.facts["safety"], row.version) == (["immediate_danger"], 2)


async def test_leaving_deletes_the_draft_and_goes_elsewhere_at_once(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3")
    csrf = parent.csrf
    answer = await parent.http.get("/help/leave")
    assert answer.status_code == 303
    assert answer.headers["location"] == "https://www.bbc.co.uk/weather"
    assert answer.headers["cache-control"] == "no-store"
    assert f'{COOKIE}=""; ' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert not parent.token
    assert await count(site.engine, "draft") == 0
    for address in ("3", "check", "sent"):
        await parent.opens(address)
        assert not [canary for canary in CANARIES if canary in parent.pages[-1]]
    answer = await parent.http.post("/help/en/3", data={"csrf": csrf} | TYPED["3"])
    assert answer.status_code == 403
    assert await count(site.engine, "draft") == 0


async def test_leaving_with_nothing_begun_goes_elsewhere_too(parent: Parent) -> None:
    assert (await parent.http.get("/help/leave")).status_code == 303


async def test_nobody_opens_a_draft_with_the_database_and_all_settings(
    site: Behind, parent: Parent, settings: dict[str, Any]
) -> None:
    await parent.types("2", "3", "6")
    [row] = await fetch(site.engine, "SELECT * FROM draft")
    assert (row.wrapped_key, row.member_id) == (None, None)
    assert parent.token not in json.dumps(dict(row._mapping), default=repr)
    keys = [site.credentials["secrets"][name] for name in sorted(site.credentials["secrets"])]
    for text in (*keys, str(row.id), row.id.hex):
        with pytest.raises(UnreadableSecretError):
            unseal(BrowserSecret(text).key, row.sealed, about=row.id.bytes)
    theirs = BrowserSecret(parent.token)
    assert theirs.row_id == row.id
    assert b"Xylophonia" in unseal(theirs.key, row.sealed, about=row.id.bytes)


async def test_a_draft_is_gone_after_twenty_hours(site: Behind, parent: Parent) -> None:
    await parent.types("2")
    [row] = await fetch(site.engine, "SELECT until, changed_at FROM draft")
    assert row.until - row.changed_at == timedelta(hours=20)
    async with site.engine.begin() as tx:
        assert await drafts.one(tx, BrowserSecret(parent.token), at=row.until) is None


async def test_of_whoever_is_not_safe_at_home_it_is_gone_after_an_hour(site: Behind, parent: Parent) -> None:
    await parent.types("2")
    await parent.sends("1", csrf=await csrf_of(parent, "1"), safety=["none", Safety.DOMESTIC_ABUSE])
    assert "gone 1 hour after" in parent.page.words("main")
    await parent.sends("2", csrf=await csrf_of(parent, "2"), **TYPED["2"])
    [row] = await fetch(site.engine, "SELECT until, changed_at FROM draft")
    assert row.until - row.changed_at == timedelta(hours=1)


async def test_a_form_of_another_site_or_another_browser_is_not_taken(site: Behind, parent: Parent) -> None:
    await parent.types("2", "3", "4")
    form = {"csrf": parent.csrf} | TYPED["2"]
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await parent.http.post("/help/en/send", data=form, headers=headers)).status_code == 403
    assert (await parent.http.post("/help/en/send", data=form | {"csrf": "x" * 43})).status_code == 403
    other = a_parent(site)
    await other.opens("1")
    assert (await other.http.post("/help/en/2", data=form)).status_code == 403
    assert len(await referrals(site)) == 0
    await other.http.aclose()


async def test_the_cookie_is_of_this_host_by_tls_and_ends_with_the_browser(parent: Parent) -> None:
    cookie = (await parent.http.get("/help/en/1")).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert attributes == {"httponly", "path=/", "samesite=lax", "secure"}


async def test_no_page_before_the_first_question_sets_a_cookie(parent: Parent) -> None:
    for address in ("/help", "/help/en", "/help/en/now", "/help/en/5", "/help/en/check"):
        assert "set-cookie" not in (await parent.http.get(address)).headers


async def test_every_page_has_the_way_out_a_neutral_title_and_strict_headers(parent: Parent) -> None:
    await parent.opens("/help")
    await parent.types("2", "3", "4", "5", "6")
    for page in asking.PAGES:
        await parent.opens(page.slug)
        await parent.opens(f"{page.slug}?checked&change")
    await parent.opens("now")
    await parent.opens("check")
    await parent.sends("send")
    answers = [parent.answer, await parent.http.get("/help/en/99"), await parent.http.get("/help/xx/1")]
    for html in [*parent.pages, *(answer.text for answer in answers)]:
        page = Page(html)
        assert page.is_harmless
        assert page.words("title").endswith("– Family support")
        links = [each for each in page.all("a") if each.get("href")]
        assert links[1]["href"] == "/help/leave", "the second way with the keyboard"
        assert sum(each["href"] == "/help/leave" for each in links) == 2
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_nothing_that_was_typed_is_in_an_address_a_log_or_a_column(
    site: Behind, parent: Parent, database: str
) -> None:
    with capture_logs() as lines:
        await parent.types("2", "3", "4", "5", "6")
        await parent.sends("3", **{"caregivers.0.phone": "Zanzibar"})
        await parent.sends("3", **TYPED["3"])
        await parent.opens("check")
        await parent.sends("send")
    told = " ".join([*parent.seen, json.dumps(lines, default=repr), (await site.http.get("/metrics")).text])
    tables = await fetch(
        site.engine,
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'referral'",
    )
    for each in tables:
        rows = await fetch(site.engine, f"SELECT each::text AS whole FROM referral.{each.name} AS each")
        told += " ".join(row.whole for row in rows)
    assert len(await referrals(site)) == 1
    assert not [canary for canary in CANARIES if canary in told]
    assert parent.token not in told


async def test_more_than_families_send_is_marked_and_never_refused(site: Behind, settings: dict[str, Any]) -> None:
    parent = a_parent(site)
    for number in range(MOST_OF_ONE + 2):
        await parent.types("2", "3", "4", page_2={"caregivers.0.given_name": f"Name{number}"})
        async with site.engine.begin() as tx:
            await tx.exec_driver_sql("UPDATE draft SET begun_at = begun_at - interval '1 minute'")
        await parent.sends("send")
    rows = await referrals(site)
    notes = [(await document_of(site, settings, row)).get("notes") for row in rows]
    assert notes == [None] * MOST_OF_ONE + [MARKED] * 2
    assert all(Route.REVIEW_CALL_BACK in decided(row).routes for row in rows)
    await parent.http.aclose()


async def test_floods_are_slowed_and_never_refused(site: Behind) -> None:
    """The eleventh form of an hour from one address waits 0.5 s, the twelfth 1 s."""
    took = []
    for number in range(MOST_OF_ONE + 2):
        parent = a_parent(site)
        await parent.opens("1")
        begun = asyncio.get_running_loop().time()
        await parent.sends("1", safety="none")
        took.append(asyncio.get_running_loop().time() - begun)
        assert parent.seen[-1].endswith("/help/en/2"), number
        await parent.http.aclose()
    assert took[-2] >= 0.5
    assert took[-1] >= 1
    for safety in ("immediate_danger", "domestic_abuse"):
        parent = a_parent(site)
        await parent.opens("1")
        async with asyncio.timeout(1.4):  # the thirteenth would wait 1.5 s: nobody waits for whom to ring
            await parent.sends("1", safety=safety)
        assert parent.seen[-1].endswith("/help/en/now")
        await parent.http.aclose()


async def test_of_one_address_the_oldest_empty_drafts_go_and_none_in_which_somebody_typed(site: Behind) -> None:
    typed, early = a_parent(site), a_parent(site)
    await typed.types("2")
    for one in (early, *(a_parent(site) for _ in range(MOST_EMPTY))):
        await one.opens("1")
        await one.sends("1", safety="none")
    assert await count(site.engine, "draft") == MOST_EMPTY + 1
    await typed.opens("2")
    assert "Quillonia" in typed.pages[-1]
    await early.sends("2", **TYPED["2"])
    assert early.seen[-1].endswith("/help/en/1"), "whose draft went, begins again"
    await early.sends("1", safety="none")
    assert "Quillonia" in early.pages[-1], "with what they typed"


async def test_a_danger_alone_is_no_empty_draft(site: Behind) -> None:
    first = a_parent(site)
    await first.opens("1")
    await first.sends("1", safety="immediate_danger")
    for _ in range(MOST_EMPTY + 1):
        other = a_parent(site)
        await other.opens("1")
        await other.sends("1", safety="none")
    await first.opens("check")
    await first.sends("send")
    [row] = await referrals(site)
    assert row.facts["safety"] == [Safety.IMMEDIATE_DANGER]


@pytest.mark.parametrize(("how", "form"), [("hidden_box", {HIDDEN_BOX: "http://spam.example"}), ("too_fast", {})])
async def test_what_no_person_does_is_taken_with_a_word_to_the_reader(
    site: Behind, parent: Parent, settings: dict[str, Any], how: str, form: dict[str, str]
) -> None:
    await parent.types("2", "3", "4", "6")
    if how == "hidden_box":
        async with site.engine.begin() as tx:
            await tx.exec_driver_sql("UPDATE draft SET begun_at = begun_at - interval '1 minute'")
    with capture_logs() as lines:
        await parent.sends("send", **form)
    [row] = await referrals(site)
    notes = (await document_of(site, settings, row))["notes"]
    assert notes == f"{TYPED['6']['notes']}\n\n{MARKED}"
    assert [line["causes"] for line in lines if "causes" in line] == [[how]]
    assert not row.facts["safety_words"]


async def test_a_mark_leaves_room_for_every_word(site: Behind, parent: Parent, settings: dict[str, Any]) -> None:
    words = "x" * 10_000
    await parent.types("2", "3", "4", "6", page_6={"notes": words})
    await parent.sends("send", **{HIDDEN_BOX: "http://spam.example"})
    [row] = await referrals(site)
    document = await document_of(site, settings, row)
    assert document["notes"] == words
    assert "as programs write too" in document["referrer"]["role"]


async def test_hostile_text_is_shown_as_text(parent: Parent) -> None:
    await parent.types("2", "3", "4", "6", page_2={"caregivers.0.given_name": "O'Name"}, page_6={"notes": HOSTILE})
    for address in ("6", "check"):
        await parent.opens(address)
        assert parent.page.is_harmless
        assert "alert(1)" in parent.pages[-1]


async def test_while_the_agency_is_ended_families_are_told_whom_to_ask(site: Behind, parent: Parent) -> None:
    async with site.engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE agency SET is_active = false WHERE slug = 'self-referral'")
    await parent.opens("1")
    await parent.sends("1", safety="none")
    assert parent.answer.status_code == 503
    assert "health visitor" in parent.page.words("main")


async def test_the_agency_is_made_once_and_has_no_key(site: Behind, database: str) -> None:
    await add_own_agency(database, "other@nottingham.example.org")
    [row] = await fetch(site.engine, "SELECT id, team_inbox, source FROM agency WHERE slug = 'self-referral'")
    assert (row.team_inbox, row.source) == (DESK, "B1")
    assert await count(site.engine, f"agency_key WHERE agency_id = '{row.id}' AND revoked_at IS NULL") == 0
