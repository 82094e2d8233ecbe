"""The referral page and the forms of its steps, on a real PostgreSQL, with who the family is from the referral service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
import uvicorn

from deploy.local.ports import free_port
from services.notify import app as notify_app
from services.notify.handlers import handlers as notify_handlers
from services.notify.settings import Settings as NotifySettings
from services.triage import app as triage_app
from services.triage.handlers import handlers
from services.triage.settings import Settings as TriageSettings
from shared.access import Role, Staff
from shared.events import (
    Circumstance,
    Envelope,
    Facts,
    ReferralReceived,
    ReferralRestricted,
    Route,
    Safety,
    Severity,
)
from shared.ids import uuid7
from shared.messaging.dispatch import dispatch
from shared.runtime import Service
from shared.sign_in import sessions
from shared.sign_in.cookies import SESSION
from shared.working_time import LONDON
from tests.builders import a_family, a_policy, elsewhere
from tests.families import a_referral
from tests.integration.conftest import Behind, behind
from tests.integration.support import an_event, engine_of, eventually, fetch, statements
from tests.rendering import HOSTILE, Page

MAYA = Staff("maya", "Maya Patel", Role.WORKER)
TOM = Staff("tom", "Tom Reed", Role.WORKER)
LENA = Staff("lena", "Lena Okafor", Role.LEAD)
MO = Staff("mo", "Mo Hall", Role.MANAGER)
CSRF = "the-token-of-the-form"


@dataclass
class Desk:
    """The triage service with people signed in to its pages."""

    triage: Behind
    cookies: dict[str, str] = field(default_factory=dict)

    async def sign_in(self, *people: Staff) -> None:
        now = datetime.now(UTC)
        async with self.triage.engine.begin() as tx:
            for person in people:
                token = (person.id * 43)[:43]
                await sessions.start(tx, person, token=token, csrf=CSRF, id_token="", at=now)
                await tx.execute(
                    sa.text("INSERT INTO colleague (id, name, role, seen_at) VALUES (:id, :name, :role, :at)"),
                    {"id": person.id, "name": person.name, "role": person.role.value, "at": now},
                )
                self.cookies[person.id] = f"{SESSION}={token}"

    async def get(self, path: str, who: Staff = MAYA) -> httpx.Response:
        return await self.triage.http.get(f"/staff{path}", headers={"Cookie": self.cookies[who.id]})

    async def post(self, path: str, who: Staff = MAYA, /, **fields: Any) -> httpx.Response:
        body = urlencode({"csrf": CSRF, **fields}, doseq=True)
        headers = {"Cookie": self.cookies[who.id], "Content-Type": "application/x-www-form-urlencoded"}
        return await self.triage.http.post(f"/staff{path}", content=body, headers=headers)

    async def page(self, path: str, who: Staff = MAYA) -> Page:
        return Page((await self.get(path, who)).text)

    async def hear(self, facts: Facts, *, key: UUID | None = None, **changes: Any) -> UUID:
        """Triage has heard of a referral; the id of its first work item."""
        key, at = key or uuid7(), datetime.now(UTC)
        known = {
            "reference": f"PIR-{_letters(key.int)}-{_letters(key.int // 28**3)}",
            "agency_id": uuid7(),
            "received_at": at,
            "expected_by": at.date() + timedelta(days=5),
            "family_id": key,
            "facts": facts,
        }
        event = an_event(key, data=ReferralReceived(**known | changes), at=at)
        async with self.triage.engine.begin() as tx:
            await dispatch([event], handlers(a_policy()), tx)
        return (await self.items(key))[0].id

    async def items(self, referral: UUID) -> list[Any]:
        return list(
            await fetch(self.triage.engine, "SELECT * FROM work_item WHERE referral_id = :id ORDER BY id", id=referral)
        )

    async def item(self, item: UUID) -> Any:
        [row] = await fetch(self.triage.engine, "SELECT * FROM work_item WHERE id = :id", id=item)
        return row

    async def audited(self, action: str) -> list[tuple[str, str | None]]:
        rows = await fetch(
            self.triage.engine, "SELECT actor_id, detail FROM audit WHERE action = :a ORDER BY id", a=action
        )
        return [(row.actor_id, row.detail) for row in rows]


def _letters(number: int) -> str:
    return "".join("234679ACDEFGHJKLMNPQRTUVWXYZ"[number // 28**place % 28] for place in range(3))


def seen_of(page: Page) -> str:
    return next(each["value"] for each in page.all("input") if each.get("name") == "seen")


def fields_of(page: Page) -> set[str]:
    tags = ("input", "textarea", "select", "button")
    return {each["name"] for tag in tags for each in page.all(tag) if each.get("name")}


@pytest.fixture
async def desk(settings: dict[str, Any]) -> AsyncIterator[Desk]:
    """Nobody answers for families and messages."""
    known = settings | {"notify_url": settings["referral_url"]}
    async with behind(triage_app.build, TriageSettings(**known)) as triage:
        made = Desk(triage)
        await made.sign_in(MAYA, TOM, LENA, MO)
        yield made


@pytest.fixture
async def whole(
    database: str, settings: dict[str, Any], new_intake: Callable[[], Awaitable[Behind]], tmp_path: Any
) -> AsyncIterator[tuple[Desk, Behind]]:
    """The pages beside a referral service and a notify service that answer over HTTP."""
    intake = await new_intake()
    told = {**settings, "mail_dir": tmp_path / "mail"}
    async with AsyncExitStack() as running:
        notify = await running.enter_async_context(behind(notify_app.build, NotifySettings(**told)))
        addresses = {
            "referral_url": await running.enter_async_context(served(intake.service)),
            "notify_url": await running.enter_async_context(served(notify.service)),
        }
        triage = await running.enter_async_context(behind(triage_app.build, TriageSettings(**told | addresses)))
        desk = Desk(triage)
        await desk.sign_in(MAYA, TOM, LENA, MO)
        yield desk, intake


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(service.app, port=port, lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve())

    async def has_started() -> bool:
        return server.started

    await eventually(has_started, what="the service listens")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


async def sent(desk: Desk, intake: Behind, **changes: Any) -> tuple[UUID, UUID]:
    """A referral that an agency sent, as triage then hears of it: its id and that of its first item."""
    answer = await intake.send(a_referral(**changes))
    assert answer.status_code == 201, answer.text
    key = UUID(answer.json()["id"])
    async with desk.triage.engine.begin() as tx:
        await dispatch([await received(intake, key)], handlers(a_policy()), tx)
    return key, (await desk.items(key))[0].id


async def received(intake: Behind, key: UUID) -> Envelope[Any]:
    [row] = await fetch(intake.engine, "SELECT value FROM event WHERE key = :key ORDER BY sequence LIMIT 1", key=key)
    return an_event(key, data=ReferralReceived.model_validate_json(row.value), at=datetime.now(UTC))


# The page.


async def test_the_page_of_an_item_says_what_it_is_why_and_what_comes_next(desk: Desk) -> None:
    item = await desk.hear(a_baby(severity=Severity.SEVERE))
    page = await desk.page(f"/items/{item}")
    assert "Parent-infant team, short-term work" in page.words("title")
    words = page.words("main")
    for said in ("N3", "Severe, moderate, or 2 areas or more", "How severe the concern is: Severe", "Nobody yet"):
        assert said in words
    assert "What to do now Accept the family for a place" in words
    assert "The messages cannot be fetched right now" in words
    assert "6 months old" in words
    assert "Nobody has tried yet" in words
    assert len(page.all("h1")) == 1
    assert page.is_harmless
    assert "/staff/policy/nottingham/3" in {each["href"] for each in page.all("a")}


async def test_the_page_asks_the_same_number_of_questions_however_long_the_story_is(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    few = await questions(desk, f"/items/{item}")
    for number in range(5):
        assert (await desk.post(f"/items/{item}/note", text=f"Note {number}")).status_code == 303
        assert (await desk.post(f"/items/{item}/contact-attempt", outcome="no_answer")).status_code == 303
    assert await questions(desk, f"/items/{item}") == few <= 16


async def questions(desk: Desk, path: str) -> int:
    with statements(desk.triage.engine) as asked:
        assert (await desk.get(path)).status_code == 200
    return len(asked)


async def test_an_item_that_is_not_there_is_404(desk: Desk) -> None:
    for path in (f"/items/{uuid7()}", f"/items/{uuid7()}/note", "/referrals/PIR-222-222", "/referrals/no-such"):
        assert (await desk.get(path)).status_code == 404, path


async def test_a_referral_with_one_open_item_leads_straight_to_it(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    reference = (await desk.item(item)).reference
    answer = await desk.get(f"/referrals/{reference.lower()}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/staff/items/{item}")


async def test_a_referral_with_several_items_lists_them(desk: Desk) -> None:
    key = uuid7()
    item = await desk.hear(a_baby(safety=[Safety.IMMEDIATE_DANGER]), key=key)
    page = await desk.page(f"/referrals/{(await desk.item(item)).reference}")
    links = {each["href"] for each in page.all("a")}
    assert {f"/staff/items/{each.id}" for each in await desk.items(key)} <= links


async def test_contact_holds_say_how_to_make_contact_safely(desk: Desk) -> None:
    loss = await desk.page(f"/items/{await desk.hear(a_baby(circumstances=[Circumstance.INFANT_DIED]))}")
    abuse = await desk.page(f"/items/{await desk.hear(a_baby(safety=[Safety.DOMESTIC_ABUSE]))}")
    assert "Speak with the team that sent this first" in loss.words("main")
    assert "Use only the safe way to make contact" in abuse.words("main")
    assert "Contact only in the safe way: domestic abuse" in abuse.words("main")
    assert "Do not contact the household" not in abuse.words("main")


async def test_after_a_loss_the_page_says_what_happened_and_offers_no_place_and_no_birthday(desk: Desk) -> None:
    item = await desk.hear(a_baby(circumstances=[Circumstance.INFANT_DIED]))
    for who in (MAYA, LENA):
        page = await desk.page(f"/items/{item}", who)
        words = page.words("main")
        assert "Go gently: the baby died" in words
        assert "Ring the team that knows the family" in words
        for wrong in ("birthday", "Accept the family", "waiting list", "months old"):
            assert wrong not in words, wrong
    ended = await desk.page(f"/items/{await desk.hear(a_baby(circumstances=[Circumstance.PREGNANCY_ENDED]))}")
    assert "Go gently: the pregnancy ended" in ended.words("main")


async def test_the_page_of_a_record_that_may_not_be_used_says_so_until_that_ends(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    row = await desk.item(item)
    warned = []
    for is_restricted in (True, False):
        data = ReferralRestricted(reference=row.reference, agency_id=row.agency_id, is_restricted=is_restricted)
        async with desk.triage.engine.begin() as tx:
            await dispatch([an_event(row.referral_id, data=data)], handlers(a_policy()), tx)
        warned.append("Use this record only to keep somebody safe" in (await desk.page(f"/items/{item}")).words("main"))
    assert warned == [True, False]


async def test_the_page_of_an_older_child_names_no_birthday_that_has_passed(desk: Desk) -> None:
    item = await desk.hear(a_family(born_on=datetime.now(UTC).date() - timedelta(days=1000)))
    assert "birthday" not in (await desk.page(f"/items/{item}")).words("main")


async def test_overdue_is_said_as_overdue_after_acceptance(desk: Desk) -> None:
    item = await desk.hear(a_baby(severity=Severity.MODERATE))
    await desk.post(f"/items/{item}/accept", place="individual")
    async with desk.triage.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE work_item SET due_at = now() - interval '30 days'"))
    words = (await desk.page(f"/items/{item}")).words("main")
    assert "Overdue" in words
    assert "First contact: overdue by" in words
    assert "Meet or speak with the family for the first time" in words


# Safety work: a person rings.


@pytest.mark.parametrize(
    ("danger", "route", "number"),
    [(Safety.IMMEDIATE_DANGER, "emergency_call", "999"), (Safety.SIGNIFICANT_HARM, "mash", "0115 496 0101")],
)
async def test_safety_work_begins_with_whom_to_ring_and_i_have_rung(
    desk: Desk, danger: Safety, route: str, number: str
) -> None:
    key = uuid7()
    await desk.hear(a_baby(safety=[danger]), key=key)
    [item] = [row.id for row in await desk.items(key) if row.route == route]
    for who in (MAYA, LENA):
        page = await desk.page(f"/items/{item}", who)
        assert "The system does not tell them." in page.words("main")
        assert number in page.words("a")
        links = [each.get("href", "") for each in page.all("a")]
        assert f"tel:{number.replace(' ', '')}" in links
        assert f"/staff/items/{item}/rung" in links
        for gone in ("accept", "wait", "request-information", "decline"):
            assert f"/staff/items/{item}/{gone}" not in links
    assert "they confirm it" not in page.words("main")


@pytest.mark.parametrize("who", [MAYA, LENA])
@pytest.mark.parametrize(
    ("facts", "route"),
    [
        ({"safety": [Safety.IMMEDIATE_DANGER]}, "emergency_call"),
        ({"safety": [Safety.SIGNIFICANT_HARM]}, "mash"),
        ({"circumstances": [Circumstance.PREGNANCY_ENDED]}, "bereavement_review"),
    ],
)
async def test_a_hand_made_form_does_not_accept_safety_work(
    desk: Desk, facts: dict[str, Any], route: str, who: Staff
) -> None:
    """No page offers it; whoever sends it all the same is refused, and the work stays on the start page."""
    key = uuid7()
    await desk.hear(a_baby(**facts), key=key)
    [item] = [row.id for row in await desk.items(key) if row.route == route]
    answer = await desk.post(f"/items/{item}/accept", who, place="individual")
    assert answer.status_code == 409
    row = await desk.item(item)
    assert (row.state, row.accepted_at) == ("open", None)
    assert row.reference in (await desk.page("", who)).words("main")


async def test_whoever_has_rung_writes_down_who_when_and_their_reference(desk: Desk) -> None:
    item = await desk.hear(a_baby(safety=[Safety.SIGNIFICANT_HARM]))
    form = await desk.page(f"/items/{item}/rung")
    filled = {
        each["name"]: each.get("value", "") for each in form.all("input") if each.get("name", "").startswith("on-")
    }
    today = datetime.now(LONDON).date()
    assert filled == {"on-day": str(today.day), "on-month": str(today.month), "on-year": str(today.year)}
    refused = await desk.post(f"/items/{item}/rung", **filled, at="25:61", then="ends")
    assert "Choose who rang" in Page(refused.text).words("main")
    assert refused.status_code == 422
    assert {"#who", "#at"} <= {each.get("href") for each in Page(refused.text).all("a")}
    told = {**filled, "by": "me", "at": "9.05", "who": "Ann Hill, duty desk", "reference": "CS-77", "then": "ends"}
    assert (await desk.post(f"/items/{item}/rung", **told)).headers["location"].endswith("?done=rung")
    row = await desk.item(item)
    assert (row.state, row.end_reason, row.assignee) == ("closed", "passed_on", "maya")
    words = Page((await desk.post(f"/items/{item}/look", why="safeguarding")).text).words("blockquote")
    assert "Rung: Ann Hill, duty desk" in words
    assert "09:05. Their reference: CS-77." in words


async def test_a_call_that_somebody_else_made_is_kept_as_theirs(desk: Desk) -> None:
    item = await desk.hear(a_baby(safety=[Safety.SIGNIFICANT_HARM]))
    told = {"by": "another", "on-day": "1", "on-month": "6", "on-year": "2026", "at": "9:05", "who": "Ann, duty desk"}
    assert (await desk.post(f"/items/{item}/rung", **told, then="ends")).status_code == 303
    words = Page((await desk.post(f"/items/{item}/look", why="safeguarding")).text).words("blockquote")
    assert "Somebody else rang. It was taken by: Ann, duty desk, Monday 1 June 2026, 09:05." in words


async def test_who_is_in_danger_and_where_is_shown_by_one_press_to_whoever_does_not_have_it(desk: Desk) -> None:
    item = await desk.hear(a_baby(safety=[Safety.SIGNIFICANT_HARM]))
    buttons = [
        each for each in (await desk.page(f"/items/{item}")).all("button") if each.get("value") == "safeguarding"
    ]
    assert len(buttons) == 2  # the first one above the fold
    other = await desk.hear(a_baby())
    assert "Show who they are" not in (await desk.page(f"/items/{other}")).words("main")
    await desk.post(f"/items/{item}/claim")
    assert "Show who they are" not in (await desk.page(f"/items/{item}")).words("main")


async def test_under_domestic_abuse_a_contact_says_which_way_it_was(desk: Desk) -> None:
    item = await desk.hear(a_baby(safety=[Safety.DOMESTIC_ABUSE]))
    await desk.post(f"/items/{item}/claim")
    refused = await desk.post(f"/items/{item}/contact-attempt", outcome="no_answer", how="")
    assert refused.status_code == 422
    assert "Choose how" in Page(refused.text).words("main")
    assert (await desk.post(f"/items/{item}/contact-attempt", outcome="no_answer", how="visit")).status_code == 303


async def test_after_a_loss_no_reason_to_end_the_work_hurts(desk: Desk) -> None:
    for facts, is_gentle in ((a_baby(circumstances=["infant_died"]), True), (a_baby(), False)):
        item = await desk.hear(facts)
        await desk.post(f"/items/{item}/claim")
        words = (await desk.page(f"/items/{item}/close")).words("main")
        assert ("The child turned two" not in words) == is_gentle


async def test_whoever_has_rung_may_keep_the_work(desk: Desk) -> None:
    item = await desk.hear(a_baby(safety=[Safety.SIGNIFICANT_HARM]))
    day = {"on-day": "1", "on-month": "6", "on-year": "2026"}
    sent = await desk.post(
        f"/items/{item}/rung", by="me", who="Ann", at="9:05", then="goes-on", note="Ring again", **day
    )
    assert sent.status_code == 303
    assert ((row := await desk.item(item)).state, row.assignee) == ("claimed", "maya")
    assert [action for action, _ in await desk.audited("item.note")] == ["maya", "maya"]


async def test_an_ask_never_stops_the_clock_of_danger(desk: Desk) -> None:
    key = uuid7()
    await desk.hear(a_baby(safety=[Safety.IMMEDIATE_DANGER]), key=key)
    for row in await desk.items(key):
        await desk.post(f"/items/{row.id}/request-information", asked="Who is there?")
        after = await desk.item(row.id)
        assert (after.clock_stands, after.due_at) == (False, row.due_at)


# Who a family is.


async def test_somebody_who_does_not_work_on_it_gives_a_reason_before_each_look(whole: tuple[Desk, Behind]) -> None:
    desk, intake = whole
    _, item = await sent(desk, intake, notes=f"First line\nSecond line {HOSTILE}")
    before = await desk.page(f"/items/{item}")
    assert "Sana" not in before.words()
    after = Page((await desk.post(f"/items/{item}/look", why="covering")).text)
    assert "Sana" in after.words("main")
    assert "Second line" in after.words("main")
    assert after.is_harmless
    assert "Sana" not in after.words("title")
    assert await desk.audited("identity.viewed") == [("maya", "covering")]
    links = {each.get("href", "").partition(":")[0] for each in after.all("a")}
    assert {"tel", "mailto"} <= links
    there = await fetch(intake.engine, "SELECT actor_id FROM audit WHERE action = 'identity.viewed'")
    assert [row.actor_id for row in there] == ["maya"]
    again = await desk.page(f"/items/{item}")
    assert "Sana" not in again.words()
    assert "looked at who the family is: they covered for a colleague" in again.words("main")


async def test_whoever_works_on_it_sees_the_family_at_once_and_that_is_written_down(whole: tuple[Desk, Behind]) -> None:
    desk, intake = whole
    _, item = await sent(desk, intake)
    await desk.post(f"/items/{item}/claim")
    assert "Sana" in (await desk.page(f"/items/{item}")).words("main")
    assert "Sana" not in (await desk.page(f"/items/{item}", TOM)).words()
    assert await desk.audited("identity.viewed") == [("maya", "assigned")]


async def test_a_manager_sees_no_family_and_can_do_nothing(whole: tuple[Desk, Behind]) -> None:
    desk, intake = whole
    _, item = await sent(desk, intake)
    await desk.post(f"/items/{item}/note", text="Rang Sana today")
    page = await desk.page(f"/items/{item}", MO)
    assert "Sana" not in page.words()
    assert "Who this is about" not in page.words()
    assert not any("/items/" in each.get("action", "") for each in page.all("form"))
    for path in ("look", "note", "claim", "override"):
        assert (await desk.post(f"/items/{item}/{path}", MO, why="rang", text="x")).status_code == 403
    assert await desk.audited("identity.viewed") == []


async def test_a_look_without_a_reason_is_refused_and_shows_nobody(whole: tuple[Desk, Behind]) -> None:
    desk, intake = whole
    _, item = await sent(desk, intake)
    for why in ("", "curiosity", "assigned"):
        answer = await desk.post(f"/items/{item}/look", why=why)
        page = Page(answer.text)
        assert answer.status_code == 422
        assert page.words("title").startswith("Error: ")
        assert "Sana" not in page.words()
    assert await desk.audited("identity.viewed") == []


async def test_when_the_referral_service_is_away_the_page_says_so(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    page = Page((await desk.post(f"/items/{item}/look", why="rang")).text)
    assert "cannot be fetched right now" in page.words("main")


async def test_messages_are_told_by_kind_and_state(whole: tuple[Desk, Behind], database: str) -> None:
    desk, intake = whole
    key, item = await sent(desk, intake)
    assert "No message has been written yet" in (await desk.page(f"/items/{item}")).words("main")
    notify = engine_of(database, "notify")
    async with notify.begin() as tx:
        await dispatch([await received(intake, key)], notify_handlers(a_policy(), mail_domain="here.example"), tx)
    await notify.dispose()
    page = await desk.page(f"/items/{item}")
    assert "Receipt to the referrer's team: On its way" in page.words("main")
    assert "What it says" in page.words("summary")
    assert "We have your referral PIR-" in page.words("details")
    assert "You will hear from us by" in page.words("details")


async def test_what_staff_wrote_is_shown_escaped_with_its_lines_and_to_nobody_without_a_reason(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    await desk.post(f"/items/{item}/note", TOM, text=f"One\r\nTwo {HOSTILE}")
    assert "Two" not in (await desk.page(f"/items/{item}")).words("blockquote")
    page = Page((await desk.post(f"/items/{item}/look", why="team_queue")).text)
    assert page.is_harmless
    assert HOSTILE.partition(" {{")[0].split()[0] in page.words("blockquote")
    assert "Tom Reed wrote a note" in page.words("main")


# Steps.


def a_baby(**changes: Any) -> Facts:
    return a_family(born_on=datetime.now(UTC).date() - timedelta(days=200), **changes)


async def test_a_claim_leads_back_to_where_it_was_pressed(desk: Desk) -> None:
    item, other = await desk.hear(a_baby()), await desk.hear(a_baby())
    answer = await desk.post(f"/items/{item}/claim", next="/staff/queues/all?view=mine")
    back = f"/staff/queues/all?view=mine&done=claimed&about={item}"
    assert (answer.status_code, answer.headers["location"]) == (303, back)
    assert "You have taken this on: PIR-" in (await desk.page(back.removeprefix("/staff"))).words("main")
    assert (await desk.item(item)).assignee == "maya"
    away = await desk.post(f"/items/{other}/claim", next="//evil.example/staff")
    assert away.headers["location"].startswith("/staff?done=")


async def test_of_two_claims_the_second_is_told_who_has_it(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    seen = seen_of(await desk.page(f"/items/{item}", TOM))
    await desk.post(f"/items/{item}/claim")
    answer = await desk.post(f"/items/{item}/claim", TOM)
    assert answer.status_code == 409
    assert "Maya Patel has this now" in Page(answer.text).words("main")
    answer = await desk.post(f"/items/{item}/claim", TOM, seen=seen)
    assert answer.status_code == 409
    assert "Maya Patel took this on" in Page(answer.text).words("main")
    assert (await desk.item(item)).assignee == "maya"


async def test_claims_at_the_same_time_give_it_to_one(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    seen = seen_of(await desk.page(f"/items/{item}"))
    answers = await asyncio.gather(*(desk.post(f"/items/{item}/claim", who, seen=seen) for who in (MAYA, TOM) * 3))
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409, 409, 409]
    assert len(await desk.audited("item.claim")) == 1


async def test_a_form_that_was_overtaken_keeps_what_was_typed_and_goes_through_with_a_second_press(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    seen = seen_of(await desk.page(f"/items/{item}/note"))
    await desk.post(f"/items/{item}/contact-attempt", TOM, outcome="no_answer")
    answer = await desk.post(f"/items/{item}/note", text=f"Call on\r\nMonday {HOSTILE}", seen=seen)
    page = Page(answer.text)
    assert answer.status_code == 409
    assert page.is_harmless
    assert page.words("textarea") == f"Call on Monday {HOSTILE}"
    assert "Tom Reed tried to make contact: No answer" in page.words("main")
    assert "Call on\nMonday" in answer.text
    assert await desk.audited("item.note") == []
    again = await desk.post(f"/items/{item}/note", text="Call on\r\nMonday", seen=seen_of(page))
    assert again.status_code == 303
    assert len(await desk.audited("item.note")) == 1


async def test_a_look_of_somebody_else_overtakes_nothing(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    seen = seen_of(await desk.page(f"/items/{item}/note"))
    await desk.post(f"/items/{item}/look", TOM, why="rang")
    assert (await desk.post(f"/items/{item}/note", text="Fine", seen=seen)).status_code == 303


async def test_a_form_pressed_twice_acts_once(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    seen = seen_of(await desk.page(f"/items/{item}/note"))
    answers = await asyncio.gather(*(desk.post(f"/items/{item}/note", text="Once", seen=seen) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert len(await desk.audited("item.note")) == 1


async def test_a_step_that_is_not_possible_any_more_keeps_the_words_and_says_how_it_stands(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    await desk.post(f"/items/{item}/claim")
    await desk.post(f"/items/{item}/close", reason="passed_on")
    answer = await desk.post(f"/items/{item}/note", text="Too late, but kept")
    assert answer.status_code == 409
    assert "Too late, but kept" in answer.text
    assert "It stands like this now: closed" in Page(answer.text).words("main")
    assert (await desk.get(f"/items/{item}/note")).status_code == 409


@pytest.mark.parametrize(
    ("step", "fields", "anchor"),
    [
        ("note", {"text": "  \r\n "}, "#text"),
        ("note", {"text": "x" * 10_001}, "#text"),
        ("request-information", {}, "#asked"),
        ("contact-attempt", {"outcome": "telepathy"}, "#outcome"),
        ("accept", {"place": "balcony"}, "#place"),
        ("close", {}, "#reason"),
        ("close", {"reason": "withdrawn"}, "#reason"),
        ("wait", {"offer": "a holiday"}, "#offer"),
        ("override", {"routes": ["universal"], "tier": "", "urgency": "routine", "reason": ""}, "#reason"),
        ("override", {"routes": ["nowhere"], "reason": "because"}, "#routes"),
        ("birth-outcome", {"born_on-day": "31"}, "#answer"),
        ("birth-outcome", {"answer": "born"}, "#born_on-day"),
        (
            "birth-outcome",
            {"answer": "born", **{f"born_on-{part}": "31" for part in ("day", "month", "year")}},
            "#born_on-day",
        ),
    ],
)
async def test_a_mistake_is_told_beside_its_field_and_everything_typed_is_kept(
    desk: Desk, step: str, fields: dict[str, Any], anchor: str
) -> None:
    item = await desk.hear(a_baby())
    answer = await desk.post(f"/items/{item}/{step}", **fields)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.words("title").startswith("Error: ")
    assert anchor in {each.get("href") for each in page.all("a")}
    assert anchor.removeprefix("#") in {each.get("id") for _, each in page.elements}
    for value in fields.values():
        assert (
            not isinstance(value, str)
            or value.strip() in answer.text
            or value in ("telepathy", "balcony", "withdrawn", "a holiday")
        )
    assert (await desk.item(item)).state == "open"


async def test_work_is_given_to_whoever_has_the_least(desk: Desk) -> None:
    first, second = await desk.hear(a_baby()), await desk.hear(a_baby())
    await desk.post(f"/items/{first}/claim")
    await desk.post(f"/items/{await desk.hear(a_baby())}/claim", LENA)
    page = await desk.page(f"/items/{second}/assign", LENA)
    assert [each["value"] for each in page.all("button") if each.get("name") == "to"] == ["lena", "maya", "tom"]
    said = page.words("main").partition("Give to Maya Patel")[2].partition("Give to Tom Reed")[0]
    assert "Suggested: knows this queue and has the least open work" in said
    answer = await desk.post(f"/items/{second}/assign", LENA, to="tom")
    assert answer.status_code == 303
    given = await desk.page(answer.headers["location"].removeprefix("/staff"), LENA)
    assert "Given to Tom Reed: PIR-" in given.words("main")
    assert "Lena Okafor gave this to Tom Reed" in (await desk.page(f"/items/{second}")).words("main")
    assert (await desk.get(f"/items/{second}/assign")).status_code == 403


async def test_a_proposed_decline_is_confirmed_by_a_lead_with_the_reason_that_belongs_to_it(desk: Desk) -> None:
    item = await desk.hear(a_baby(home=elsewhere()))
    assert (await desk.get(f"/items/{item}/decline")).status_code == 403
    page = await desk.page(f"/items/{item}/decline", LENA)
    assert [each["value"] for each in page.all("input") if "checked" in each] == ["out_of_area"]
    assert "Confirm the decline" in page.words("h1")
    answer = await desk.post(f"/items/{item}/decline", LENA, reason="out_of_area", note="Moved last month")
    assert answer.status_code == 303
    assert ((row := await desk.item(item)).state, row.end_reason) == ("declined", "out_of_area")


async def test_refusing_a_decline_starts_from_what_the_need_alone_would_give(desk: Desk) -> None:
    item = await desk.hear(a_baby(home=elsewhere(), severity=Severity.MODERATE))
    page = await desk.page(f"/items/{item}/override")
    chosen = [each["value"] for each in page.all("input") if "checked" in each]
    assert chosen == ["pir_short", "specialist_short", "routine"]


async def test_one_team_instead_keeps_all_work_that_no_team_takes_over(desk: Desk) -> None:
    key = uuid7()
    await desk.hear(a_baby(severity=Severity.MODERATE, safety=[Safety.SIGNIFICANT_HARM]), key=key)
    [mash] = await desk.items(key)
    assert _teams_of(await desk.page(f"/items/{mash.id}/override")) == [], "nobody sends danger away in one press"
    key = uuid7()
    await desk.hear(a_baby(severity=Severity.MODERATE, carer_age=15), key=key)
    items = {each.route: each.id for each in await desk.items(key)}
    assert set(items) == {"pir_short", "safeguarding_lead"}
    teams = _teams_of(await desk.page(f"/items/{items['pir_short']}/override"))
    assert teams[1].endswith("?routes=targeted&routes=safeguarding_lead&tier=targeted&urgency=routine")
    assert not [team for team in teams if "pir_short" in team]


def _teams_of(page: Page) -> list[str]:
    return [each["href"] for each in page.all("a") if "/override?routes=" in (each.get("href") or "")]


async def test_deciding_differently_compares_before_and_after_and_needs_a_reason(desk: Desk) -> None:
    key = uuid7()
    item = await desk.hear(a_baby(), key=key)
    chosen = {"routes": ["pir_long", "social_worker_link"], "tier": "specialist_long", "urgency": "urgent"}
    preview = await desk.page(f"/items/{item}/override?{urlencode(chosen, doseq=True)}&reason=secret-name")
    assert "Early Help" in preview.words("table")
    assert "Parent-infant team, longer-term work; Plan together with the social worker" in preview.words("table")
    assert "secret-name" not in preview.words()
    answer = await desk.post(f"/items/{item}/override", **chosen, reason="Knows her", seen=seen_of(preview))
    assert answer.status_code == 303
    leads_to = answer.headers["location"].partition("?")[0].removeprefix("/staff")
    assert leads_to in {f"/items/{row.id}" for row in await desk.items(key) if row.ended_at is None}
    assert "Knows her" in (await desk.page(leads_to)).words("blockquote"), "the new work is theirs"
    assert "Their reason is shown to whoever works on it" in (await desk.page(leads_to, TOM)).words("main")
    assert {row.route for row in await desk.items(key) if row.ended_at is None} == set(chosen["routes"])
    page = Page((await desk.post(f"/items/{item}/look", why="team_queue")).text)
    assert "Knows her" in page.words("blockquote")
    assert "1 earlier decision" in page.words("main")
    assert "Nothing more" not in page.words("table")
    assert "Maya Patel decided differently" in page.words("main")


async def test_nothing_chosen_is_said_before_anything_is_compared(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    answer = await desk.get(f"/items/{item}/override?urgency=routine")
    assert answer.status_code == 422
    assert "#routes" in answer.text


async def test_the_preview_says_which_work_opens_ends_and_stays(desk: Desk) -> None:
    key = uuid7()
    await desk.hear(a_baby(safety=[Safety.SIGNIFICANT_HARM], links=[]), key=key)
    [mash] = await desk.items(key)
    words = (await desk.page(f"/items/{mash.id}/override?routes=pir_short")).words("main")
    assert "Work that opens Parent-infant team, short-term work" in words
    assert "Work that ends Children's social care (multi-agency safeguarding hub, MASH)" in words


async def test_a_family_waits_with_an_offer_and_gets_another(desk: Desk) -> None:
    item = await desk.hear(a_baby(severity=Severity.MODERATE))
    [offer, other] = [places.interim_offer for places in a_policy().capacity]
    page = await desk.page(f"/items/{item}/wait")
    assert [each["value"] for each in page.all("input") if "checked" in each] == [offer]
    assert (await desk.post(f"/items/{item}/wait", offer=offer)).headers["location"].endswith("?done=waiting")
    assert ((row := await desk.item(item)).state, row.interim_offer) == ("waiting_list", offer)
    assert (await desk.post(f"/items/{item}/offer-interim", offer=other)).status_code == 303
    words = (await desk.page(f"/items/{item}?done=offered")).words("main")
    assert other in words
    assert "The offer is recorded" in words


async def test_a_family_is_accepted_met_and_the_work_closed(desk: Desk) -> None:
    item = await desk.hear(a_baby(severity=Severity.MODERATE))
    met = {"outcome": "reached", "how": "visit", "first": "yes"}
    for step, fields in (("accept", {"place": "group"}), ("contact-attempt", met), ("close", {"reason": "completed"})):
        await desk.post(f"/items/{item}/claim")
        page = await desk.page(f"/items/{item}")
        assert f"/staff/items/{item}/{step}" in {each.get("href", each.get("action")) for _, each in page.elements}
        assert (await desk.post(f"/items/{item}/{step}", **fields)).status_code == 303
    assert ((row := await desk.item(item)).state, row.end_reason) == ("closed", "completed")
    words = (await desk.page(f"/items/{item}")).words("main")
    assert "Nothing more here. The work is complete." in words
    assert "What you can do" not in words


async def test_without_a_free_place_the_form_says_so_and_keeps_the_choice(desk: Desk) -> None:
    item = await desk.hear(a_baby(severity=Severity.MODERATE))
    async with desk.triage.engine.begin() as tx:
        await tx.execute(
            sa.text("""INSERT INTO capacity (route, individual, "group", changed_at, changed_by)
                       VALUES ('pir_short', 0, 4, now(), 'test')""")
        )
    assert "Every individual place of this team is taken" in (await desk.page(f"/items/{item}/accept")).words("main")
    answer = await desk.post(f"/items/{item}/accept", place="individual")
    assert answer.status_code == 409
    assert (await desk.post(f"/items/{item}/accept", place="group")).status_code == 303


# One form for contact.


async def test_a_contact_is_one_form_on_the_page_with_today_in_its_boxes(desk: Desk) -> None:
    item = await desk.hear(a_baby(severity=Severity.MODERATE))
    assert "outcome" not in fields_of(await desk.page(f"/items/{item}")), "for whoever has it"
    await desk.post(f"/items/{item}/claim")
    page = await desk.page(f"/items/{item}")
    today = datetime.now(LONDON).date()
    assert {"outcome", "how", "on-day", "on-month", "on-year", "note"} <= fields_of(page)
    assert {str(today.day), str(today.month), str(today.year)} <= {each.get("value") for each in page.all("input")}
    assert "first" not in fields_of(page), "no team has taken the family on"
    yesterday = today - timedelta(days=1)
    day = {"on-day": yesterday.day, "on-month": yesterday.month, "on-year": yesterday.year}
    async with desk.triage.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE work_item SET received_at = now() - interval '5 days'"))
    fields = {"outcome": "no_answer", "how": "phone", "note": "Rang twice", **day}
    assert (await desk.post(f"/items/{item}/contact-attempt", **fields)).status_code == 303
    assert await desk.audited("item.contact-attempt") == [("maya", f"no_answer phone {yesterday}")]
    words = (await desk.page(f"/items/{item}")).words("main")
    assert "1 try, the last yesterday: no answer" in words
    assert "Maya Patel tried to make contact: No answer, by phone, on" in words


async def test_the_first_contact_is_a_tick_with_its_day(desk: Desk) -> None:
    item = await desk.hear(a_baby(severity=Severity.MODERATE))
    await desk.post(f"/items/{item}/accept", place="individual")
    assert "first" in fields_of(await desk.page(f"/items/{item}"))
    nobody = await desk.post(f"/items/{item}/contact-attempt", outcome="no_answer", first="yes")
    assert nobody.status_code == 422
    assert "#first" in {each.get("href") for each in Page(nobody.text).all("a")}
    assert await desk.audited("item.contact-attempt") == []
    await desk.post(f"/items/{item}/contact-attempt", outcome="reached", first="yes")
    assert (await desk.item(item)).first_contact_on == datetime.now(LONDON).date()
    assert "first" not in fields_of(await desk.page(f"/items/{item}"))


async def test_no_message_is_left_where_none_may_be_left(desk: Desk) -> None:
    item = await desk.hear(a_baby(severity=Severity.MODERATE, safety=[Safety.DOMESTIC_ABUSE]))
    await desk.post(f"/items/{item}/claim")
    for path in (f"/items/{item}", f"/items/{item}/contact-attempt"):
        page = await desk.page(path)
        assert "left_message" not in {each.get("value") for each in page.all("button")}
        assert "no_answer" in {each.get("value") for each in page.all("button")}
    assert (await desk.post(f"/items/{item}/contact-attempt", outcome="left_message")).status_code == 422
    assert await desk.audited("item.contact-attempt") == []


async def test_what_the_referrer_says_on_the_telephone_has_its_place(desk: Desk) -> None:
    item = await desk.hear(a_baby(severity=Severity.MODERATE))
    await desk.post(f"/items/{item}/claim")
    sent = await desk.post(f"/items/{item}/request-information", asked="Since when?", answer="Since May")
    assert sent.headers["location"].endswith("?done=noted")
    assert (await desk.item(item)).state == "claimed", "nothing waits"
    await desk.post(f"/items/{item}/request-information", asked="Who else?")
    assert (await desk.item(item)).state == "waiting_for_referrer"
    page = await desk.page(f"/items/{item}")
    assert "Take this on" not in page.words("main")
    assert "Go on without their answer" in page.words("button")
    assert f"/staff/items/{item}/answered" in {each.get("href") for each in page.all("a")}
    assert (await desk.post(f"/items/{item}/answered", text="An aunt")).status_code == 303
    assert (await desk.item(item)).state == "claimed"
    words = (await desk.page(f"/items/{item}")).words("blockquote")
    for said in ("Asked the referrer: Since when?", "They answered: Since May", "The referrer answered: An aunt"):
        assert said in words


async def test_looks_are_folded_away_from_the_history(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    await desk.post(f"/items/{item}/claim")
    for _ in range(3):
        page = await desk.page(f"/items/{item}")
    assert "Who looked at the family: 3" in page.words("summary")
    first = page.words("ol").partition("looked at who the family is")[0]
    assert "Maya Patel took this on" in first


async def test_the_waiting_list_says_the_place_on_the_item(desk: Desk) -> None:
    items = [await desk.hear(a_baby(severity=Severity.MODERATE)) for _ in range(2)]
    for item in items:
        await desk.post(f"/items/{item}/wait")
    words = (await desk.page(f"/items/{items[1]}")).words("main")
    assert "Number 2 on the waiting list." in words
    assert "The family waits for a place." in words


# How the birth went.


def overdue() -> Facts:
    return a_family(due_on=datetime.now(UTC).date() - timedelta(days=30))


async def test_after_a_loss_the_work_goes_to_care_after_a_loss_and_nothing_to_the_family(desk: Desk) -> None:
    for answer in ("died", "ended"):
        key = uuid7()
        item = await desk.hear(overdue(), key=key)
        assert "Write down how the birth went" in (await desk.page(f"/items/{item}")).words("main")
        sent = await desk.post(f"/items/{item}/birth-outcome", answer=answer, note="The midwife rang")
        assert sent.status_code == 303
        [current] = [row for row in await desk.items(key) if row.ended_at is None]
        assert (current.route, "contact_hold_c1" in current.marks) == (Route.BEREAVEMENT_REVIEW, True)


async def test_a_birth_is_noted_and_the_referrer_asked_to_send_it(desk: Desk) -> None:
    item = await desk.hear(overdue())
    day = datetime.now(UTC).date() - timedelta(days=20)
    fields = {"born_on-day": day.day, "born_on-month": day.month, "born_on-year": day.year}
    assert (await desk.post(f"/items/{item}/birth-outcome", answer="born", **fields)).status_code == 303
    assert (await desk.item(item)).state == "waiting_for_referrer"
    page = Page((await desk.post(f"/items/{item}/look", why="rang")).text)
    assert "the baby was born on" in page.words("blockquote")


async def test_when_nobody_can_say_yet_it_is_only_noted(desk: Desk) -> None:
    item = await desk.hear(overdue())
    assert (await desk.post(f"/items/{item}/birth-outcome", answer="not_known")).status_code == 303
    assert (await desk.item(item)).state == "open"
    assert len(await desk.audited("item.note")) == 1


async def test_a_form_of_another_session_is_refused(desk: Desk) -> None:
    item = await desk.hear(a_baby())
    answer = await desk.post(f"/items/{item}/note", csrf="somebody-elses", text="x")
    assert answer.status_code == 403
    assert await desk.audited("item.note") == []
