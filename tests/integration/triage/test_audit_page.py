"""The audit page on a real PostgreSQL: whose entries it shows, and the looks that somebody should ask about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.referral.erasing import erase
from services.triage.team import keep_colleague
from shared.access import Role, Staff
from shared.audit import Actor, Entry
from tests.integration.all_services import System, all_services
from tests.integration.conftest import Behind
from tests.integration.support import count, fetch
from tests.integration.triage.test_find import about
from tests.integration.triage.test_page_steps import LENA, MAYA, MO, TOM, Desk, received, sent
from tests.rendering import HOSTILE, Page

IDA = Staff("ida", "Ida Lund", Role.AUDITOR)
OLU = Staff("olu", "Olu Ade", Role.OPERATIONS)
ZOE = Staff("zoe", "Zoe van der Oyelaran", Role.WORKER)


@pytest.fixture
async def system(
    intake: Behind, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[System]:
    async with all_services(intake, settings, tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
async def desk(system: System) -> Desk:
    made = Desk(system.triage)
    await made.sign_in(MAYA, TOM, LENA, MO, IDA, OLU, ZOE)
    return made


def by(person: Staff) -> Actor:
    return Actor("staff", person.id)


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


async def reference(desk: Desk, item: UUID) -> str:
    return str((await desk.item(item)).reference)


async def words(desk: Desk, query: str = "", who: Staff = LENA, *, status: int = 200) -> str:
    answer = await desk.get(f"/audit{query}", who)
    assert answer.status_code == status, answer.text
    page = Page(answer.text)
    assert page.is_harmless
    return page.words("main")


async def test_the_page_tells_in_words_who_did_what(desk: Desk, system: System) -> None:
    _, item = await sent(desk, system.services["referral"])
    await desk.post(f"/items/{item}/look", why="covering")
    await desk.post(f"/items/{item}/assign", LENA, to="tom")
    page = await words(desk, f"?referral={await reference(desk, item)}")
    for said in (
        "Who Maya Patel",
        "looked at who the family is: they covered for a colleague",
        "gave this to Tom Reed",
    ):
        assert said in page
    assert "health-visiting" not in page
    page = await words(desk, "", IDA)
    for said in ("Who Agency health-visiting", "What sent a referral", "Who The rules"):
        assert said in page


async def test_a_worker_sees_their_own_entries_and_no_views_of_the_team(desk: Desk, system: System) -> None:
    _, item = await sent(desk, system.services["referral"])
    await desk.post(f"/items/{item}/claim", TOM)
    await desk.post(f"/items/{item}/look", why="covering")
    page = await words(desk, "?actor=tom", MAYA)
    assert "looked at who the family is" in page
    assert "took this on" not in page
    assert "Tom Reed" not in page
    assert "Looks without work" not in page
    assert "looked at who the family is: they covered" in await words(desk, "?view=my-looks", MAYA)
    for view in ("without-work", "own-name"):
        await words(desk, f"?view={view}", MAYA, status=403)


async def test_others_have_no_such_page(desk: Desk) -> None:
    await words(desk, "", OLU, status=403)
    assert "/staff/audit" in (await desk.get("", MAYA)).text
    assert "/staff/audit" not in (await desk.get("", OLU)).text


async def test_an_auditor_is_led_to_no_page_that_they_may_not_open(desk: Desk, system: System) -> None:
    _, item = await sent(desk, system.services["referral"])
    await desk.post(f"/items/{item}/claim")
    path = f"/audit?referral={await reference(desk, item)}"
    assert "/staff/referrals/" in (await desk.get(path, MO)).text
    assert "/staff/referrals/" not in (await desk.get(path, IDA)).text


@pytest.mark.parametrize("typed", ["PIR-222-222", "nonsense", HOSTILE.replace("&", "")])
async def test_a_reference_that_is_not_ours_is_told_at_its_field(desk: Desk, typed: str) -> None:
    from urllib.parse import quote

    answer = await desk.get(f"/audit?referral={quote(typed)}", IDA)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.is_harmless
    assert page.words("title").startswith("Error: ")
    assert "#referral" in {each["href"] for each in page.all("a")}


@pytest.mark.parametrize("query", ["?view=x&action=x&actor=%20", "?actor=Maya%20Patel", "?action=identity.viewed"])
async def test_an_odd_choice_is_no_choice(desk: Desk, query: str) -> None:
    await words(desk, query)


async def test_older_entries_are_a_link_away(desk: Desk, system: System) -> None:
    await system.write("triage", *(Entry(by(TOM), "item.note", ago(minutes=number)) for number in range(60)))
    page = Page((await desk.get("/audit?actor=tom", LENA)).text)
    [older] = [each["href"] for each in page.all("a") if "after=" in each.get("href", "")]
    assert page.words("tbody").count("wrote a note") == 50
    second = Page((await desk.get(older.removeprefix("/staff"), LENA)).text)
    assert second.words("tbody").count("wrote a note") == 10


async def test_a_service_that_does_not_answer_is_named(desk: Desk, system: System) -> None:
    system.network.away = {"notify"}
    page = await words(desk)
    assert "This list is not complete" in page
    assert "Notify: no answer" in page


async def test_reading_the_team_is_an_entry_and_reading_oneself_is_none(desk: Desk, system: System) -> None:
    await words(desk, "", MAYA)
    await words(desk, "?view=my-looks", LENA)
    assert await system.readings() == []
    for query in ("", "?view=without-work", "?view=own-name"):
        await words(desk, query)
    assert await system.readings() == [("lena", "all"), ("lena", "without-work"), ("lena", "own-name")]


async def test_looks_without_a_step_within_a_day_are_listed(desk: Desk, system: System) -> None:
    items = [(await sent(desk, system.services["referral"])) for _ in range(4)]
    (idle, first), (before, _), (after, _), (fresh, last) = items
    looks = [Entry(by(MAYA), "identity.viewed", ago(hours=30), key, "rang") for key in (idle, before, after)]
    await system.write(
        "triage",
        *looks,
        Entry(by(MAYA), "identity.viewed", ago(hours=31), idle, "covering"),
        Entry(by(MAYA), "identity.viewed", ago(hours=20), fresh, "rang"),
        Entry(by(MAYA), "item.note", ago(hours=53), before),
        Entry(by(MAYA), "item.claim", ago(hours=7), after),
        Entry(by(MAYA), "item.note", ago(hours=5), idle),
        Entry(by(TOM), "item.note", ago(hours=30), idle),
    )
    page = await words(desk, "?view=without-work")
    assert await reference(desk, first) in page
    assert "they covered for a colleague; the family or the referrer rang" in page
    assert page.count("PIR-") == 1 + page.count("PIR-4K7-29M")
    assert await reference(desk, last) not in page
    assert "There is no look like this" in await words(desk, "?view=without-work&actor=tom")


async def test_a_look_at_a_family_of_ones_own_name_is_listed(desk: Desk, system: System) -> None:
    intake = system.services["referral"]
    mother = {"given_name": "Ada", "family_name": "Nightingale-ÖYELARAN", "date_of_birth": "1996-02-11"}
    answer = await intake.send(about(mother))
    key = UUID(answer.json()["id"])
    other, _ = await sent(desk, intake)
    for person in (ZOE, MAYA):
        await system.write(
            "triage", *(Entry(by(person), "identity.viewed", ago(hours=1), each) for each in (key, other))
        )
    await received(intake, key)
    page = await words(desk, "?view=own-name", IDA)
    assert page.count("Zoe van der Oyelaran") == 2  # in the list of people, and in one line
    assert "no reason is kept" in page
    assert "Nightingale" not in page
    rows = await fetch(intake.engine, "SELECT * FROM audit WHERE action = 'identity.compared'")
    assert [(row.actor_id, row.referral_id, row.detail) for row in rows] == [("ida", key, None)]

    async with intake.engine.begin() as tx:
        await erase(tx, answer.json()["reference"], actor=Actor("operator", "test"), at=datetime.now(UTC))
    assert "There is no look like this" in await words(desk, "?view=own-name", IDA)


async def test_while_nobody_can_compare_names_the_page_says_so(desk: Desk, system: System) -> None:
    system.network.away = {"referral"}
    assert "does not answer" in await words(desk, "?view=own-name", status=503)


async def test_the_question_for_names_is_for_our_own_services_and_bounded(system: System) -> None:
    intake = system.services["referral"]
    path, pair = "/internal/referrals/own-names", {"referral_id": str(UUID(int=1)), "family_name": "Okafor"}
    token = intake.credentials["secrets"]["PIR_TOKEN_TRIAGE_REFERRAL"]
    headers = {"Authorization": f"Bearer {token}", "X-PIR-Actor": "ida"}
    assert (await intake.http.post(path, json={"pairs": [pair]})).status_code == 401
    answer = await intake.http.post(path, json={"pairs": [pair]}, headers=headers)
    assert answer.json() == {"same": [False]}
    for wrong in ({"pairs": [pair] * 201}, {"pairs": [pair | {"family_name": "Okafor" * 20}]}, {"names": []}):
        answer = await intake.http.post(path, json=wrong, headers=headers)
        assert answer.status_code == 422
        assert "Okafor" not in answer.text
    assert await count(intake.engine, "audit WHERE action = 'identity.compared'") == 0


async def test_only_who_signed_in_is_offered_as_a_person(desk: Desk, system: System) -> None:
    async with system.triage.engine.begin() as tx:
        await keep_colleague(tx, Staff("new", "Nia <b>New</b>", Role.WORKER), at=ago(days=1))
    page = Page((await desk.get("/audit", LENA)).text)
    assert {"", "new", "maya"} <= {each.get("value") for each in page.all("option")}
    assert page.is_harmless
