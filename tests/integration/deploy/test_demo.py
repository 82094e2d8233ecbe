"""The demo on real servers: through the intake into the tables, and a whole system filled and at rest."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.demo.families.intake import NoDemoError, filling, refuse_if_used
from deploy.demo.families.inventing import invented
from deploy.demo.families.sent import Sent, What
from deploy.demo.mark import MORNING, Mark
from deploy.secrets import CALL_TOKENS
from deploy.setup import DEMO_AGENCIES
from services.referral import tables
from services.referral.settings import Settings
from services.referral.submitting.prepare import preparing_of
from shared.database import create_engine
from tests import programs
from tests.integration.support import count, fetch
from tests.rendering import Page
from tests.signing_in import Browser
from tests.system import System, call, eventually

FAMILIES = 40


@pytest.fixture
async def engine(settings: dict[str, Any]) -> AsyncIterator[AsyncEngine]:
    """The intake's, with the demo agencies in it."""
    engine = create_engine(Settings(**settings), tables.SCHEMA)
    yield engine
    await engine.dispose()


async def send(engine: AsyncEngine, settings: dict[str, Any], sent: list[Sent]) -> dict[str, str]:
    async with filling(engine, preparing_of(Settings(**settings))) as demo:
        await demo.send(sent)
        return demo.references


def some_families(settings: dict[str, Any], *, families: int = FAMILIES, now: datetime | None = None) -> list[Sent]:
    policy = preparing_of(Settings(**settings)).policy
    return invented(families, now=now or datetime.now(UTC), policy=policy)


async def test_every_family_is_received_when_it_says(engine: AsyncEngine, settings: dict[str, Any]) -> None:
    sent = some_families(settings)
    references = await send(engine, settings, sent)
    rows = await fetch(engine, "SELECT reference, received_at FROM referral")
    expected = {references[each.name]: each.at for each in sent if each.what in (What.REFERRAL, What.ENQUIRY)}
    assert {row.reference: row.received_at for row in rows} == expected
    assert await count(engine, "event WHERE type = 'referral.received.v1'") == FAMILIES
    assert await count(engine, "audit WHERE action = 'referral.received'") == FAMILIES


async def test_families_that_were_known_are_linked_withdrawn_and_born(
    engine: AsyncEngine, settings: dict[str, Any]
) -> None:
    await send(engine, settings, some_families(settings, families=300))
    links = {row.link for row in await fetch(engine, "SELECT DISTINCT link FROM kin")}
    assert links == {"duplicate", "repeat", "sibling_open", "re_referral"}
    assert await count(engine, "referral WHERE withdrawn_at IS NOT NULL") >= 6
    assert await count(engine, "referral WHERE version = 2") == 3


async def test_sent_once_more_nothing_is_added(engine: AsyncEngine, settings: dict[str, Any]) -> None:
    """A demo that was interrupted goes on from the same moment."""
    sent = some_families(settings, now=datetime.now(UTC) - timedelta(hours=3))
    first = await send(engine, settings, sent[: len(sent) // 2])
    again = await send(engine, settings, sent)
    assert again | first == again
    assert await count(engine, "referral WHERE kind = 'family'") == FAMILIES
    before = await count(engine, "event")
    await send(engine, settings, sent)
    assert await count(engine, "event") == before


async def test_a_referral_that_was_ended_before_its_withdrawal_stops_no_demo(
    engine: AsyncEngine, settings: dict[str, Any]
) -> None:
    """The team is at work while the demo is filled, and may be faster."""
    sent = some_families(settings, families=300)
    place = next(place for place, each in enumerate(sent) if each.what is What.WITHDRAWAL)
    references = await send(engine, settings, sent[:place])
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("UPDATE referral SET withdrawn_at = now() WHERE reference = :reference"),
            {"reference": references[sent[place].name]},
        )
    references = await send(engine, settings, sent)
    assert {each.name for each in sent} <= set(references)


async def test_where_a_family_was_referred_no_demo_is_added(engine: AsyncEngine, settings: dict[str, Any]) -> None:
    await refuse_if_used(engine)
    await send(engine, settings, some_families(settings, families=1))
    with pytest.raises(NoDemoError, match="already"):
        await refuse_if_used(engine)


async def test_under_another_councils_policy_there_is_no_demo(engine: AsyncEngine, settings: dict[str, Any]) -> None:
    with pytest.raises(NoDemoError, match="birmingham"):
        await send(engine, settings | {"policy": "birmingham"}, [])


async def test_without_the_demo_agencies_nothing_is_sent(
    new_database: Callable[[], str], settings: dict[str, Any]
) -> None:
    bare = create_engine(Settings(**settings | {"DATABASE_URL": new_database()}), tables.SCHEMA)
    with pytest.raises(NoDemoError, match="agencies"):
        await send(bare, settings, some_families(settings))
    assert await count(bare, "referral") == 0
    await bare.dispose()


KEYS = ("PIR_MASTER_KEY", "PIR_INDEX_KEY", "PIR_AUDIT_SIGNING_KEY", *CALL_TOKENS)


def run(system: System, *command: str, profile: str = "development") -> subprocess.CompletedProcess[str]:
    """A command with the environment of the system's services; in production with what it needs there alone."""
    environment = system._environment
    if profile == "production":
        environment = system.environment_of("referral")
        environment = {name: value for name, value in environment.items() if name[:4] != "PIR_" or name in KEYS}
        environment |= {"PIR_PROFILE": profile, "PIR_INTERNAL_PORT": "9100", "PIR_SCRAPE_TOKEN": "s" * 32}
        environment |= {"PIR_POLICY_ACCEPTED_BY": "A. Person, for a test"}
    module, *words = command
    return programs.run(module, *words, environment=environment, timeout=240)


def test_the_whole_demo_leaves_a_living_system_at_rest(system: System, tmp_path: Path) -> None:
    """Refused outside development, interrupted, gone on with, never done twice: each part needs those before it."""
    mark = tmp_path / "demo.json"
    fill = ("deploy.demo", "--families", str(FAMILIES), "--mark", str(mark))

    refused = run(system, *fill, profile="production")
    assert (refused.returncode, "for development only" in refused.stderr) == (2, True), refused
    assert system.totals()["received"] == 0

    with subprocess.Popen([sys.executable, "-m", *fill], env=system._environment, stdout=subprocess.DEVNULL) as begun:
        eventually(lambda: system.totals()["received"], what="the first families")
        begun.kill()
    assert not json.loads(mark.read_text()).get("is_done")

    done = run(system, *fill)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{FAMILIES} of {FAMILIES} families" in done.stdout
    assert json.loads(mark.read_text())["is_done"]
    totals = system.totals()
    assert totals["received"] == totals["triaged"] == totals["acknowledged"] == FAMILIES
    for schema in ("referral", "triage", "notify"):
        assert system.query(f"SELECT count(*) AS n FROM {schema}.outbox")[0]["n"] == 0
        assert system.query(f"SELECT count(*) AS n FROM {schema}.parked")[0]["n"] == 0
    assert system.query("SELECT count(*) AS n FROM notify.message WHERE state <> 'sent'")[0]["n"] == 0
    states = {row["state"] for row in system.query("SELECT DISTINCT state FROM triage.work_item")}
    assert states >= {"open", "claimed", "accepted", "closed"}
    [row] = system.query("SELECT count(*) AS n, count(assignee) AS taken FROM triage.work_item WHERE ended_at IS NULL")
    assert row["n"] * 0.2 < row["taken"] < row["n"] * 0.8
    [row] = system.query("SELECT count(*) AS n FROM triage.work_item WHERE escalate_at <= now() AND ended_at IS NULL")
    assert row["n"] == 0

    mark.unlink()
    once_more = run(system, *fill)
    assert once_more.returncode == 0, once_more.stdout + once_more.stderr
    assert "already" in once_more.stdout
    assert system.totals() == totals


LEADS_TO: dict[str, tuple[str, str]] = {
    "MORNING-01": ("emergency_call", "999"),
    "MORNING-02": ("bereavement_review", "loss"),
    "MORNING-03": ("pir_short", "Contact only in the safe way"),
    "MORNING-04": ("pir_short", "Take this on"),
    "MORNING-05-2": ("review_duplicate", "another referral"),
    "MORNING-06": ("review_birth_outcome", "birth"),
    "MORNING-07": ("review_location", "live"),
    "MORNING-08": ("pir_short", "Take this on"),
    "MORNING-09": ("pir_short", "Take this on"),
    "MORNING-10-2": ("signpost_age", "decline"),
    "MORNING-11": ("pir_short", "Take this on"),
    "MORNING-12": ("mash", "withdrew"),
}
"""External reference → the work that is open, and words of its page."""


def references_of(system: System) -> dict[str, str]:
    """External reference → ours, from the feed of each agency."""
    found: dict[str, str] = {}
    for slug in DEMO_AGENCIES:
        reply = call("GET", f"{system.url('referral')}/referrals?limit=200", token=system.agency_key(slug))
        found |= {each["external_reference"]: each["reference"] for each in reply.body["items"]}
    return found


def test_each_case_of_the_morning_has_work_whose_page_says_what_to_do(system: System, tmp_path: Path) -> None:
    """Gone on with, as after an interruption: other tests have referred families here."""
    mark = Mark(tmp_path / "morning.json")
    mark.begin(datetime.now(UTC).replace(microsecond=0), MORNING)
    mark.practised()
    done = run(system, "deploy.demo", "--morning", "--mark", str(tmp_path / "morning.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    names = references_of(system)
    with Browser(system.url("triage")) as lead:
        lead.sign_in("triage-lead")
        for name, (route, words) in LEADS_TO.items():
            items = system.query(
                "SELECT id, assignee FROM triage.work_item WHERE reference = $1 AND route = $2 AND ended_at IS NULL",
                names[name],
                route,
            )
            assert len(items) == 1, name
            assert items[0]["assignee"] == ("dev-jo-ferreira" if name == "MORNING-01" else None), name
            page = lead.open(f"/staff/items/{items[0]['id']}")
            assert page.status_code == 200
            assert words.lower() in Page(page.text).words("main").lower(), name
