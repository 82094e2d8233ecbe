"""Looking at families by API and pages, on a real PostgreSQL: for a reason, written down, and so many an hour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from services.triage import app as triage_app
from services.triage.identity_access import MOST_AN_HOUR, LookReason
from services.triage.settings import Settings as TriageSettings
from services.triage.work_items import places
from shared.events import Route, Severity
from tests.builders import a_family
from tests.integration.conftest import Behind, behind
from tests.integration.support import count, fetch
from tests.integration.triage.test_page_steps import LENA, MAYA, Desk, sent, served
from tests.integration.triage.test_triage import NOON, a_referral_of, items_of
from tests.rendering import Page

LOOKS = "audit WHERE action IN ('identity.viewed', 'identity.searched')"
WORKER = "dev-triage-worker"


@pytest.fixture
async def whole(
    settings: dict[str, Any], new_intake: Callable[[], Awaitable[Behind]]
) -> AsyncIterator[tuple[Desk, Behind]]:
    """Triage with people signed in, beside a referral service that answers over HTTP; nobody answers for messages."""
    intake = await new_intake()
    async with AsyncExitStack() as running:
        addresses = {
            "referral_url": await running.enter_async_context(served(intake.service)),
            "notify_url": settings["referral_url"],
        }
        triage = await running.enter_async_context(behind(triage_app.build, TriageSettings(**settings | addresses)))
        desk = Desk(triage)
        await desk.sign_in(MAYA, LENA)
        yield desk, intake


async def look(triage: Behind, item: UUID, why: str | None = None, *, role: str = "triage-worker") -> httpx.Response:
    query = "" if why is None else f"?why={why}"
    return await triage.as_staff("GET", f"/work-items/{item}{query}", role=role)


async def claim(triage: Behind, item: UUID) -> None:
    assert (await triage.as_staff("POST", f"/work-items/{item}/claim")).status_code == 200


async def looks_of(triage: Behind) -> list[tuple[str, str | None]]:
    rows = await fetch(triage.engine, "SELECT actor_id, detail FROM audit WHERE action = 'identity.viewed' ORDER BY id")
    return [(row.actor_id, row.detail) for row in rows]


async def an_item(triage: Behind) -> UUID:
    [item] = await items_of(triage, await a_referral_of(triage, a_family()))
    return UUID(str(item.id))


async def has_looked(triage: Behind, times: int, *, why: str = "rang", by: str = WORKER, ago: str = "1 minute") -> None:
    """At so many families, one time each."""
    async with triage.engine.begin() as tx:
        await tx.execute(
            sa.text("""
                INSERT INTO audit (at, actor_kind, actor_id, action, referral_id, detail)
                SELECT now() - CAST(CAST(:ago AS text) AS interval), 'staff', :by, 'identity.viewed',
                    gen_random_uuid(), :why
                FROM generate_series(1, :times)
            """),
            {"ago": ago, "by": by, "why": why, "times": times},
        )


# For a reason.


async def test_without_a_reason_nobody_is_seen_and_nothing_is_written_down(whole: tuple[Desk, Behind]) -> None:
    desk, intake = whole
    _, item = await sent(desk, intake)
    noted = await desk.triage.as_staff(
        "POST", f"/work-items/{item}/note", {"text": "Her sister rang."}, role="triage-lead"
    )
    assert noted.status_code == 200
    opened = (await desk.item(item)).opened_first_at
    answer = await look(desk.triage, item)
    assert answer.status_code == 200
    assert (answer.json()["identity"], answer.json()["texts"]) == (None, None)
    assert "sister" not in answer.text
    assert "Sana" not in answer.text
    assert answer.json()["decision"]["rules"]
    assert await looks_of(desk.triage) == []
    assert await count(intake.engine, "audit WHERE action = 'identity.viewed'") == 0
    assert (await desk.item(item)).opened_first_at == opened


async def test_an_item_that_nobody_gave_a_reason_for_is_not_opened(triage: Behind) -> None:
    item = await an_item(triage)
    await look(triage, item)
    [row] = await fetch(triage.engine, "SELECT opened_first_at, escalate_at FROM work_item")
    assert row.opened_first_at is None
    assert row.escalate_at is not None
    await look(triage, item, "rang")
    [row] = await fetch(triage.engine, "SELECT opened_first_at, escalate_at FROM work_item")
    assert row.opened_first_at is not None
    assert row.escalate_at is None


@pytest.mark.parametrize("why", sorted(set(LookReason) - {LookReason.ASSIGNED}))
async def test_with_a_reason_the_family_is_shown_and_the_reason_kept(whole: tuple[Desk, Behind], why: str) -> None:
    desk, intake = whole
    _, item = await sent(desk, intake)
    await desk.triage.as_staff("POST", f"/work-items/{item}/note", {"text": "Her sister rang."}, role="triage-lead")
    answer = await look(desk.triage, item, why)
    assert answer.json()["identity"]["document"]["babies"]
    assert [each["text"] for each in answer.json()["texts"]] == ["Her sister rang."]
    assert await looks_of(desk.triage) == [(WORKER, why)]
    assert answer.json()["history"][-1] | {"at": ""} == {
        "at": "",
        "actor": WORKER,
        "action": "identity.viewed",
        "detail": why,
    }


@pytest.mark.parametrize("why", ["because-i-can", "assigned", "", "TEAM_QUEUE", "Sana"])
async def test_a_reason_that_is_none_is_refused_with_those_there_are(triage: Behind, why: str) -> None:
    item = await an_item(triage)
    answer = await look(triage, item, why)
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/query/why"
    for code in set(LookReason) - {LookReason.ASSIGNED}:
        assert code.value in error["detail"]
    assert "assigned" not in error["detail"]
    assert "because" not in answer.text
    assert "Sana" not in answer.text
    assert await looks_of(triage) == []


async def test_ones_own_open_item_needs_no_reason_and_an_ended_one_does(triage: Behind) -> None:
    item = await an_item(triage)
    await claim(triage, item)
    assert (await look(triage, item)).json()["texts"] == []
    assert (await look(triage, item, role="triage-lead")).json()["texts"] is None
    assert await looks_of(triage) == [(WORKER, "assigned")]
    async with triage.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE work_item SET ended_at = now(), state = 'closed'"))
    assert (await look(triage, item)).json()["texts"] is None
    assert len(await looks_of(triage)) == 1


async def test_whoever_put_a_family_on_the_waiting_list_needs_no_reason_while_it_waits(triage: Behind) -> None:
    [row] = await items_of(triage, await a_referral_of(triage, a_family(severity=Severity.MODERATE)))
    item = UUID(str(row.id))
    assert (await triage.as_staff("POST", f"/work-items/{item}/wait", {"offer": None})).status_code == 200
    assert (await look(triage, item)).json()["texts"] == []
    assert (await look(triage, item, role="triage-lead")).json()["texts"] is None, "a colleague does"
    assert await looks_of(triage) == [(WORKER, "assigned")]
    await triage.as_staff("POST", f"/work-items/{item}/claim", role="triage-lead")
    assert (await look(triage, item)).json()["texts"] is None, "it is a colleague's now"


async def test_nor_does_whoever_decided_for_a_team_that_is_full(triage: Behind) -> None:
    async with triage.engine.begin() as tx:
        await places.set_places(tx, Route.PIR_LONG, individual=0, group=0, by="lena", at=NOON)
    key = await a_referral_of(triage, a_family())
    [row] = await items_of(triage, key)
    decided = {"routes": ["pir_long"], "reason": "I know them"}
    assert (await triage.as_staff("POST", f"/work-items/{row.id}/override", decided)).status_code == 200
    [_, listed] = await items_of(triage, key)
    assert listed.state == "waiting_list"
    assert (await look(triage, listed.id)).json()["texts"] is not None
    assert (await look(triage, listed.id, role="triage-lead")).json()["texts"] is None


async def test_a_reason_for_ones_own_item_is_kept_as_it_was_given(triage: Behind) -> None:
    item = await an_item(triage)
    await claim(triage, item)
    await look(triage, item, "safeguarding")
    assert await looks_of(triage) == [(WORKER, "safeguarding")]


async def test_a_manager_sees_no_family_whatever_the_reason(triage: Behind) -> None:
    item = await an_item(triage)
    answer = await look(triage, item, "quality_review", role="manager")
    assert answer.status_code == 200
    assert not {"identity", "texts"} & set(answer.json())
    assert await looks_of(triage) == []


async def test_an_item_that_does_not_exist_can_not_be_looked_at(triage: Behind) -> None:
    nowhere = UUID(int=1)
    for role, why in (("triage-worker", None), ("triage-worker", "rang"), ("manager", None)):
        assert (await look(triage, nowhere, why, role=role)).status_code == 404


# So many an hour.


async def test_looks_and_searches_share_what_is_left_of_the_hour(triage: Behind) -> None:
    item = await an_item(triage)
    await has_looked(triage, MOST_AN_HOUR - 2)
    async with triage.engine.begin() as tx:
        await tx.execute(
            sa.text("""
                INSERT INTO audit (at, actor_kind, actor_id, action, detail)
                VALUES (now(), 'staff', :by, 'identity.searched', 'rang')
            """),
            {"by": WORKER},
        )
    assert (await look(triage, item, "rang")).status_code == 200
    refused = await look(triage, item, "rang")
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:pir:problem:too-many-looks"
    assert 3500 < int(refused.headers["retry-after"]) <= 3540
    assert await count(triage.engine, LOOKS) == MOST_AN_HOUR


async def test_the_refused_still_see_all_but_the_family(triage: Behind) -> None:
    item = await an_item(triage)
    await has_looked(triage, MOST_AN_HOUR)
    assert (await look(triage, item)).status_code == 200


async def test_the_hour_passes_and_each_person_has_their_own(triage: Behind) -> None:
    item = await an_item(triage)
    await has_looked(triage, MOST_AN_HOUR, ago="61 minutes")
    await has_looked(triage, MOST_AN_HOUR, by="dev-triage-lead")
    assert (await look(triage, item, "rang")).status_code == 200
    assert (await look(triage, item, "rang", role="triage-lead")).status_code == 429


async def test_fifty_requests_at_once_do_not_pass_the_limit(triage: Behind) -> None:
    items = [await an_item(triage) for _ in range(5)]
    await has_looked(triage, MOST_AN_HOUR - 7)
    answers = await asyncio.gather(*(look(triage, items[number % 5], "rang") for number in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [429] * 43
    assert await count(triage.engine, LOOKS) == MOST_AN_HOUR


async def test_ones_own_family_counts_once_however_often_its_page_is_opened(triage: Behind) -> None:
    first, second = await an_item(triage), await an_item(triage)
    await claim(triage, first)
    await claim(triage, second)
    await has_looked(triage, MOST_AN_HOUR - 1)
    for _ in range(3):
        assert (await look(triage, first)).status_code == 200
    assert (await look(triage, second)).status_code == 429
    assert (await look(triage, first)).status_code == 200


async def test_to_claim_everything_is_no_way_round(triage: Behind) -> None:
    await has_looked(triage, MOST_AN_HOUR - 3, why="assigned")
    said = []
    for _ in range(5):
        item = await an_item(triage)
        await claim(triage, item)
        said.append((await look(triage, item)).status_code)
    assert said == [200, 200, 200, 429, 429]


async def test_on_the_pages_the_limit_is_told_in_words(whole: tuple[Desk, Behind]) -> None:
    desk, intake = whole
    _, item = await sent(desk, intake)
    await has_looked(desk.triage, MOST_AN_HOUR, by=MAYA.id)
    answer = await desk.post(f"/items/{item}/look", why="rang")
    page = Page(answer.text)
    assert answer.status_code == 429
    assert 3500 < int(answer.headers["retry-after"]) <= 3540
    assert "many families" in page.words("main")
    assert "Sana" not in page.words()
    assert (await desk.get(f"/items/{item}")).status_code == 200
    typed = {"reason": "rang", "nhs_number": "9990000018"}
    answer = await desk.post("/find/family", **typed)
    assert answer.status_code == 429
    assert "many families" in Page(answer.text).words("main")
    assert (await desk.post("/find/family", LENA, **typed)).status_code == 200
