"""What staff asked the referrer, as triage tells it to the referral service: those words, and none that colleagues
wrote for each other. On a real PostgreSQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from services.referral.front.clients import Question, TriageClient
from services.triage.pages.referral.timeline import TEXT_OF
from services.triage.staff_notes import ASKED, StaffNotes
from services.triage.work_items import item as items
from shared.audit import Actor
from shared.crypto import LocalKey, Safe, read_key
from shared.ids import uuid7
from shared.internal_client import Called
from tests.builders import a_family
from tests.integration.conftest import NOWHERE, Behind
from tests.integration.support import fetch
from tests.integration.triage_team import LEAD, MAYA, NOON, TriageTeam

MEMBER = "0199aaaa-0000-7000-8000-000000000001"
POSTCODE, SCHOOL = "Which postcode does Zebedee live at?", "Which day does Florence visit?"


@pytest.fixture
def team(triage: Behind, settings: dict[str, Any]) -> TriageTeam:
    """Staff of this triage service, who write with its key."""
    team = TriageTeam(triage.engine)
    team.texts = StaffNotes(Safe(LocalKey(read_key(settings["triage_master_key"]))))
    return team


def token(triage: Behind) -> str:
    return str(triage.credentials["secrets"]["PIR_TOKEN_REFERRAL_TRIAGE"])


async def look(triage: Behind, key: UUID, *, actor: str | None = MEMBER) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token(triage)}"} | ({"X-PIR-Actor": actor} if actor else {})
    return await triage.http.get(f"/internal/questions/{key}", headers=headers)


async def told(triage: Behind, key: UUID) -> list[tuple[str, bool]]:
    """The words, and whether they wait for an answer."""
    answer = await look(triage, key)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"items"}
    return [(each["words"], each["is_open"]) for each in answer.json()["items"]]


async def looks(triage: Behind) -> list[tuple[str, str, UUID, str | None]]:
    rows = await fetch(triage.engine, "SELECT * FROM audit WHERE action = 'questions.viewed' ORDER BY id")
    return [(row.actor_kind, row.actor_id, row.referral_id, row.detail) for row in rows]


async def test_a_question_is_open_until_the_referrer_has_answered(triage: Behind, team: TriageTeam) -> None:
    key = await team.referred(a_family())
    assert await told(triage, key) == []
    await team.take(await team.only(key), "request-information", asked=POSTCODE)
    assert await told(triage, key) == [(POSTCODE, True)]
    asked_at = (await look(triage, key)).json()["items"][0]["at"]
    assert asked_at == NOON.isoformat()
    team.later(days=1)
    await team.informed(key)
    assert await told(triage, key) == [(POSTCODE, False)]
    team.later(days=1)
    await team.take(await team.only(key), "request-information", asked=SCHOOL)
    assert await told(triage, key) == [(POSTCODE, False), (SCHOOL, True)]


async def test_a_question_stays_open_when_its_work_changes_hands_and_ends_with_it(
    triage: Behind, team: TriageTeam
) -> None:
    key = await team.referred(a_family())
    await team.take(await team.only(key), "request-information", asked=POSTCODE)
    team.later(days=1)
    await team.take(await team.only(key), "assign", LEAD, to=MAYA.id)
    assert await told(triage, key) == [(POSTCODE, True)]
    await team.withdrawn(key)
    assert await told(triage, key) == [(POSTCODE, False)]


async def test_nothing_that_staff_wrote_for_colleagues_comes_out(triage: Behind, team: TriageTeam) -> None:
    key = await team.referred(a_family())
    await team.take(await team.only(key), "note", text="A note about Dougal")
    await team.take(await team.only(key), "request-information", asked=POSTCODE)
    await team.take(await team.only(key), "contact-attempt", outcome="no_answer", how="phone")
    written = await team.only(key)
    for kind in sorted(set(TEXT_OF.values()) - {ASKED}):
        async with triage.engine.begin() as tx:
            await team.texts.write(tx, written, kind, f"Dougal: {kind}", author=MAYA.id, at=team.now)
    kept = await fetch(triage.engine, "SELECT DISTINCT kind FROM staff_text")
    assert {row.kind for row in kept} == set(TEXT_OF.values())
    answer = await look(triage, key)
    assert answer.json() == {"items": [{"at": NOON.isoformat(), "words": POSTCODE, "is_open": True}]}
    assert "Dougal" not in answer.text
    assert MAYA.id not in answer.text


async def test_steps_with_words_for_colleagues_leave_nothing_to_tell(triage: Behind, team: TriageTeam) -> None:
    """The same through the steps themselves, so that a kind by another name is found, too."""
    key = await team.referred(a_family())
    await team.take(await team.only(key), "override", routes=["pir_short"], reason="Dougal knows her")
    closed = await team.only(key)
    await team.take(closed, "close", LEAD, reason="moved_away", note="Dougal rang")
    again = await team.take(closed, "reopen", LEAD, note="Dougal came back")
    await team.take(again, "decline", LEAD, reason="not_suitable", note="Dougal agrees")
    kept = await fetch(triage.engine, "SELECT kind FROM staff_text")
    assert {row.kind for row in kept} == {"override", "close", "reopen", "decline"}
    assert await told(triage, key) == []


async def test_each_look_is_written_down_with_the_member_who_looked(triage: Behind, team: TriageTeam) -> None:
    key = await team.referred(a_family())
    await look(triage, key)
    await look(triage, key, actor="another")
    assert await looks(triage) == [("member", MEMBER, key, None), ("member", "another", key, None)]


@pytest.mark.parametrize("actor", [None, "", "x" * 101])
async def test_without_somebody_who_looks_nothing_is_told(triage: Behind, team: TriageTeam, actor: str | None) -> None:
    key = await team.referred(a_family())
    await team.take(await team.only(key), "request-information", asked=POSTCODE)
    headers = {"Authorization": f"Bearer {token(triage)}"} | ({} if actor is None else {"X-PIR-Actor": actor})
    answer = await triage.http.get(f"/internal/questions/{key}", headers=headers)
    assert answer.status_code == 422
    assert "Zebedee" not in answer.text
    assert await looks(triage) == []


async def test_an_unknown_referral_is_404_and_leaves_no_look(triage: Behind) -> None:
    assert (await look(triage, uuid7())).status_code == 404
    assert await looks(triage) == []


async def test_of_an_erased_referral_nothing_is_left_to_tell(triage: Behind, team: TriageTeam) -> None:
    key = await team.referred(a_family())
    await team.take(await team.only(key), "request-information", asked=POSTCODE)
    await team.erased(key)
    assert await told(triage, key) == []


async def test_a_look_of_the_referrer_changes_nothing_for_staff(triage: Behind, team: TriageTeam) -> None:
    """Else every form of a colleague that is open would say that something was done meanwhile."""
    key = await team.referred(a_family())
    item = await team.only(key)
    async with triage.engine.connect() as tx:
        seen = (await items.load(tx, item.id)).seen
    await look(triage, key)
    async with triage.engine.connect() as tx:
        assert await items.changes_since(tx, item.id, seen=seen) == []


async def test_the_referral_service_reads_the_questions(triage: Behind, team: TriageTeam) -> None:
    key = await team.referred(a_family())
    await team.take(await team.only(key), "request-information", asked=POSTCODE)
    there = TriageClient(Called("http://triage", token(triage)), transport=httpx.ASGITransport(triage.service.app))
    strangers = TriageClient(Called("http://triage", "x"), transport=httpx.ASGITransport(triage.service.app))
    away = TriageClient(Called(f"http://{NOWHERE}", token(triage)))
    by, on_the_phone = Actor("member", MEMBER), Actor("staff", MAYA.id)
    assert await there.questions(key, by) == [Question(at=NOON, words=POSTCODE, is_open=True)]
    assert await there.questions(uuid7(), by) == []  # its event is still on the way
    assert await strangers.questions(key, by) is None
    assert await away.questions(key, by) is None
    assert await there.questions(key, on_the_phone)
    assert await looks(triage) == [("member", MEMBER, key, None), ("staff", MAYA.id, key, None)]
    for client in (there, strangers, away):
        await client.close()
