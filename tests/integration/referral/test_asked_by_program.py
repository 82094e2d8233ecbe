"""What an agency's program learns of a question: that there is one and what about, then the words; each look is kept.

Both services on one database, as they talk to each other; Kafka is away, and what triage says is handed over here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.triage.staff_notes import StaffNotes
from shared.crypto import LocalKey, Safe, read_key
from shared.events import WaitingFor, WorkItemWaiting
from tests.builders import a_family
from tests.integration.behind import Behind
from tests.integration.front import FrontSite
from tests.integration.front_work import Front
from tests.integration.referral.test_referral_after_decision import Sent, a_sent
from tests.integration.support import fetch
from tests.integration.triage_team import TriageTeam

POSTCODE = "Which postcode does Zebedee live at?"


@pytest.fixture
def agency(site: FrontSite, triage: Behind) -> Behind:
    """The referral service, with triage there."""
    site.network.services["triage"] = httpx.ASGITransport(triage.service.app)
    site.network.away.discard("triage")
    return site.referral


@pytest.fixture
def team(triage: Behind, settings: dict[str, Any]) -> TriageTeam:
    team = TriageTeam(triage.engine)
    team.texts = StaffNotes(Safe(LocalKey(read_key(settings["triage_master_key"]))))
    return team


async def waits(sent: Sent, route: str) -> None:
    sent.began -= timedelta(seconds=30)
    await sent.is_decided(after=1)
    await sent.is_opened(after=2, item=(item := uuid4()), route=route)
    what: dict[str, Any] = {"work_item_id": item, "route": route, "waiting_for": WaitingFor.REFERRER}
    await sent.hears(WorkItemWaiting, after=3, **what)


async def questions(sent: Sent, *, slug: str = "health-visiting") -> httpx.Response:
    return await sent.intake.look(f"/referrals/{sent.reference}/questions", slug=slug)


async def test_a_question_has_its_topic_in_every_answer_and_its_words_where_they_are_asked_for(
    agency: Behind, triage: Behind, team: TriageTeam
) -> None:
    sent = await a_sent(agency)
    assert (await sent.seen())["asked"] == []
    assert (await questions(sent)).json()["items"] == []
    await team.referred(a_family(), key=sent.id)
    await team.take(await team.only(sent.id), "request-information", asked=POSTCODE)
    await waits(sent, "pir_short")

    seen = await sent.seen()
    listed = (await agency.look("/referrals", external_reference=sent.body["external_reference"])).json()["items"]
    assert [each["asked"] for each in (seen, *listed)] == [["information"]] * 2
    assert "Zebedee" not in str(seen)
    answer = await questions(sent)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["status"] == "waiting_for_referrer"
    [item] = answer.json()["items"]
    assert (item["about"], item["words"], item["is_open"]) == ("information", POSTCODE, True)
    rows = await fetch(triage.engine, "SELECT actor_kind, actor_id FROM audit WHERE action = 'questions.viewed'")
    assert [(row.actor_kind, row.actor_id) for row in rows] == [("agency", "health-visiting")]

    await sent.call("POST", "/information", {"notes": "NG6 8GB"})
    assert (await sent.seen())["asked"] == []
    assert [each["is_open"] for each in (await questions(sent)).json()["items"]] == [False]


async def test_the_question_of_the_rules_is_there_too(agency: Behind) -> None:
    sent = await a_sent(agency, consent={"status": "not_sought"})
    await waits(sent, "info_request")
    assert (await sent.seen())["asked"] == ["consent"]
    [item] = (await questions(sent)).json()["items"]
    assert (item["about"], item["is_open"], "family agree" in item["words"]) == ("consent", True, True)


async def test_questions_are_the_agencys_own_and_those_of_a_person_stay_on_their_pages(
    agency: Behind, front: Front
) -> None:
    sent = await a_sent(agency)
    assert (await questions(sent, slug="nursery")).status_code == 404
    assert (await questions(await front.sent())).status_code == 403


async def test_while_triage_is_away_the_answer_is_to_ask_again(agency: Behind, site: FrontSite) -> None:
    sent = await a_sent(agency)
    site.network.away.add("triage")
    answer = await questions(sent)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:pir:problem:unavailable")
    assert answer.headers["retry-after"]
    assert (await sent.seen())["asked"] == []
