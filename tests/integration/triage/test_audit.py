"""The audit trail of all four services as one, on a real PostgreSQL: who reads what of it, page after page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.triage.team import keep_colleague
from shared.access import Role, Staff
from shared.audit import Actor, Entry
from tests.builders import a_family
from tests.integration.all_services import NAMES, System, all_services
from tests.integration.conftest import Behind
from tests.integration.triage.test_triage import a_referral_of, items_of

AFTERNOON = datetime(2026, 6, 15, 14, 0, tzinfo=UTC)
LEAD, WORKER = Actor("staff", "dev-triage-lead"), Actor("staff", "dev-triage-worker")
AGENCY, CLOCK = Actor("agency", "health-visiting"), Actor("system", "clock")


@pytest.fixture
async def system(
    intake: Behind, settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[System]:
    async with all_services(intake, settings, tmp_path, monkeypatch) as made:
        yield made


def at(seconds: int) -> datetime:
    return AFTERNOON + timedelta(seconds=seconds)


async def a_trail(system: System) -> UUID:
    """Something of everybody, in every service, about one referral; the rest of the trail is the machine's own."""
    key = await a_referral_of(system.triage, a_family())
    await system.write("referral", Entry(AGENCY, "referral.received", at(0), key))
    await system.write("triage", Entry(WORKER, "identity.viewed", at(1), key, "rang"))
    await system.write("referral", Entry(WORKER, "identity.viewed", at(2), key))
    await system.write("triage", Entry(LEAD, "item.claim", at(3), key, "pir_short"))
    await system.write("notify", Entry(Actor("system", "delivery"), "message.sent", at(4), key, "receipt"))
    await system.write("metrics", Entry(Actor("staff", "dev-manager"), "codes.exported", at(5), detail="2026-05"))
    return key


async def reference_of(system: System, key: UUID) -> str:
    return str((await items_of(system.triage, key))[0].reference)


def told(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(each["service"], each["actor"], each["action"]) for each in items]


async def test_an_auditor_reads_the_trail_of_all_services_the_newest_first(system: System) -> None:
    key = await a_trail(system)
    assert told(await system.items("auditor", referral=await reference_of(system, key))) == [
        ("notify", "delivery", "message.sent"),
        ("triage", "dev-triage-lead", "item.claim"),
        ("referral", "dev-triage-worker", "identity.viewed"),
        ("triage", "dev-triage-worker", "identity.viewed"),
        ("referral", "health-visiting", "referral.received"),
        ("triage", "rules", "referral.decided"),
    ]
    actions = {each["action"] for each in await system.items("auditor", limit=200)}
    assert {"codes.exported", "agency.added", "referral.decided"} <= actions


async def test_an_entry_says_when_where_who_and_about_which_referral(system: System) -> None:
    key = await a_trail(system)
    async with system.triage.engine.begin() as tx:
        await keep_colleague(tx, Staff(WORKER.id, "Maya Patel", Role.WORKER), at=AFTERNOON)
    [entry] = await system.items("triage-worker", action="identity.viewed", limit=1)
    assert entry == {
        "at": at(2).isoformat(),
        "service": "referral",
        "actor_kind": "staff",
        "actor": WORKER.id,
        "actor_name": "Maya Patel",
        "action": "identity.viewed",
        "reference": await reference_of(system, key),
        "detail": None,
    }


async def test_a_worker_reads_their_own_entries_and_nobody_elses(system: System) -> None:
    key = await a_trail(system)
    assert told(await system.items("triage-worker")) == [
        ("referral", WORKER.id, "identity.viewed"),
        ("triage", WORKER.id, "identity.viewed"),
    ]
    assert len(await system.items("triage-worker", actor=WORKER.id, referral=await reference_of(system, key))) == 2
    for other in (LEAD.id, AGENCY.id):
        assert (await system.read("triage-worker", actor=other)).status_code == 403
    assert await system.readings() == []


@pytest.mark.parametrize("role", ["triage-lead", "manager"])
async def test_a_lead_and_a_manager_read_the_team_and_no_agency(system: System, role: str) -> None:
    await a_trail(system)
    read = [each for each in await system.items(role, limit=200) if each["action"] != "audit.read"]
    assert told(read) == [
        ("metrics", "dev-manager", "codes.exported"),
        ("triage", LEAD.id, "item.claim"),
        ("referral", WORKER.id, "identity.viewed"),
        ("triage", WORKER.id, "identity.viewed"),
    ]
    assert await system.items(role, actor=AGENCY.id) == []


@pytest.mark.parametrize("role", ["commissioner", "operations"])
async def test_others_read_nothing(system: System, role: str) -> None:
    assert (await system.read(role)).status_code == 403


async def test_reading_what_others_did_is_itself_written_down(system: System) -> None:
    key = await a_trail(system)
    reference = await reference_of(system, key)
    await system.items("triage-lead", actor=LEAD.id)
    assert await system.readings() == []
    await system.items("triage-lead")
    await system.items("auditor", referral=reference, actor=WORKER.id)
    await system.items("auditor", actor="Okafor")
    assert await system.readings() == [
        ("dev-triage-lead", "all"),
        ("dev-auditor", f"referral={reference} actor={WORKER.id}"),
        ("dev-auditor", "actor=other"),
    ]


async def test_the_trail_goes_on_page_after_page_without_gap_or_repeat(system: System) -> None:
    for service in NAMES:
        entries = [Entry(WORKER, "identity.viewed", at(number // 3), uuid4()) for number in range(10)]
        await system.write(service, *entries)
    whole = await system.items("triage-worker", limit=200)
    assert [each["at"] for each in whole] == sorted((each["at"] for each in whole), reverse=True)
    assert len(whole) == 40
    found, after = [], ""
    while after is not None:
        answer = (await system.read("triage-worker", limit=3, after=after)).json()
        found += answer["items"]
        after = answer["next"]
    assert found == whole


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "MjAyNi0wNi0xNVQxMjowMDowMCB0cmlhZ2UgMQ==",
        "MjAyNi0wNi0xNVQxMjowMDowMCswMDowMCB0cmlhZ2UgLTE=",
        "%F0%9F%98%80",
    ],
    ids=["not ours", "a time without a zone", "a negative number", "not ASCII"],
)
async def test_a_cursor_that_is_not_ours_is_refused(system: System, cursor: str) -> None:
    answer = await system.triage.as_staff("GET", f"/audit?after={cursor}")
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:pir:problem:cursor-unknown")


async def test_a_service_that_does_not_answer_is_named(system: System) -> None:
    await a_trail(system)
    assert (await system.read("auditor")).json()["missing"] == []
    system.network.away = {"notify", "metrics"}
    answer = (await system.read("auditor", limit=200)).json()
    assert answer["missing"] == ["notify", "metrics"]
    assert {each["service"] for each in answer["items"]} == {"referral", "triage"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"referral": "PIR-222-222"}, 404),
        ({"referral": "x" * 21}, 422),
        ({"actor": "Maya Patel"}, 422),
        ({"actor": "maya@example.org"}, 422),
        ({"action": "Identity"}, 422),
        ({"limit": 0}, 422),
        ({"limit": 201}, 422),
        ({"referral": "", "actor": "", "action": "", "after": ""}, 200),
    ],
)
async def test_what_can_not_be_asked_is_refused_without_repeating_it(
    system: System, query: dict[str, Any], status: int
) -> None:
    answer = await system.read("auditor", **query)
    assert answer.status_code == status
    assert "Maya" not in answer.text


async def test_a_service_tells_its_trail_to_our_own_services_only(system: System) -> None:
    secrets = system.triage.credentials["secrets"]
    for name, service in system.services.items():
        token = secrets[f"PIR_TOKEN_{'REFERRAL' if name == 'triage' else 'TRIAGE'}_{name.upper()}"]
        assert (await service.http.get("/internal/audit")).status_code == 401
        headers = {"Authorization": f"Bearer {token}"}
        assert (await service.http.get("/internal/audit", headers=headers)).status_code == 200
        assert (await service.http.get("/internal/audit?limit=202", headers=headers)).status_code == 422
