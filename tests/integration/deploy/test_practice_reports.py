"""Practice reports: only the reports stay, the counts do not move, and nothing is added to what is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.demo.history import filling
from deploy.demo.history.filling import SCHEMA, NoPracticeError, practise, span
from deploy.demo.history.terms import practice_terms
from deploy.demo.mark import Mark
from deploy.demo.practice import practise_once
from services.metrics import measures, tables
from services.metrics.reports import store
from services.metrics.reports.model import ContractReport, ReportKind, figure_of
from services.metrics.settings import Settings
from shared.database import create_engine
from tests import programs, published
from tests.integration.support import count, fetch
from tests.servers import Servers

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PROJECTIONS = ("referral", "work_item", "clock_change", "message", "agency", "places", "totals", "inbox", "audit")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A past is two years at least: here it has few families."""
    monkeypatch.setattr(filling, "A_MONTH", 20)


@pytest.fixture
async def engine(settings: dict[str, Any]) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(Settings(**settings), tables.SCHEMA)
    yield engine
    await engine.dispose()


async def practised(engine: AsyncEngine, settings: dict[str, Any], now: datetime = NOW) -> list[str]:
    said: list[str] = []
    known = Settings(**settings)
    terms = practice_terms(known)
    assert terms is not None
    await practise(engine, known, terms, now=now, told=said.append)
    return said


def test_a_past_begins_with_a_contract_year_two_years_back_at_least() -> None:
    starts_on = date(2022, 9, 1)
    assert span(date(2026, 11, 22), starts_on) == (date(2024, 9, 1), 26)
    assert span(date(2026, 9, 1), starts_on) == (date(2024, 9, 1), 24)
    assert span(date(2026, 8, 31), starts_on) == (date(2023, 9, 1), 35)


async def test_practice_reports_are_all_that_stays(engine: AsyncEngine, settings: dict[str, Any]) -> None:
    said = await practised(engine, settings)
    async with engine.connect() as tx:
        months, halves, years = [await published.headings(tx, kind) for kind in ReportKind]
        newest = await store.last_version(tx, ReportKind.CONTRACT, "2026-10")
        assert set((await measures.totals(tx)).values()) == {0}
    assert [heading.period for heading in months[:2]] == ["2026-10", "2026-09"]
    assert (len(months), len(halves), len(years)) == (26, 4, 2)
    assert all(heading.is_practice and heading.version == 1 for heading in (*months, *halves, *years))
    assert isinstance(newest, ContractReport)
    received = figure_of(newest.figures, "received")
    assert received is not None
    assert received.value.value in range(10, 40)
    assert said[-1] == "32 practice reports"
    for table in PROJECTIONS:
        assert await count(engine, table) == 0, table
    schemas = await fetch(engine, "SELECT nspname FROM pg_namespace WHERE nspname = :name", name=SCHEMA)
    assert not schemas


async def test_where_there_is_a_report_no_practice_is_added(engine: AsyncEngine, settings: dict[str, Any]) -> None:
    await practised(engine, settings, now=datetime(2024, 10, 20, 12, tzinfo=UTC))
    before = await fetch(engine, "SELECT * FROM report ORDER BY kind, period")
    with pytest.raises(NoPracticeError, match="already"):
        await practised(engine, settings)
    assert await fetch(engine, "SELECT * FROM report ORDER BY kind, period") == before


async def test_what_an_interrupted_run_left_is_made_anew(engine: AsyncEngine, settings: dict[str, Any]) -> None:
    async with engine.begin() as tx:
        await tx.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        await tx.exec_driver_sql(f"CREATE TABLE {SCHEMA}.referral (id integer)")
    await practised(engine, settings, now=datetime(2024, 10, 20, 12, tzinfo=UTC))
    assert await count(engine, "report WHERE kind = 'contract'") == 25


async def test_the_demo_begins_with_them_and_adds_none_a_second_time(
    engine: AsyncEngine, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name if name.isupper() else f"PIR_{name.upper()}", str(value))
    said: list[str] = []
    now = datetime(2024, 10, 20, 12, tzinfo=UTC)
    await practise_once(now=now, told=said.append)
    reports = await count(engine, "report")
    await practise_once(now=now, told=said.append)
    assert said[-2] == f"{reports} practice reports"
    assert "already" in said[-1]
    assert await count(engine, "report") == reports > 25


def test_a_demo_that_was_interrupted_knows_that_it_has_them(tmp_path: Path) -> None:
    mark = Mark(tmp_path / "demo.json")
    assert not mark.is_practised
    mark.begin(NOW, 40)
    mark.practised()
    assert (mark.is_practised, mark.is_done, mark.begun()) == (True, False, (NOW, 40))


def test_outside_development_the_command_refuses(stack: Servers, database: str, settings: dict[str, Any]) -> None:
    environment = {
        "PATH": "",
        "PIR_PROFILE": "production",
        "PIR_INTERNAL_PORT": "9100",
        "PIR_SCRAPE_TOKEN": "t" * 32,
        "PIR_TOKEN_TRIAGE_METRICS": "t" * 32,
        "PIR_TOKEN_REFERRAL_METRICS": "t" * 32,
        "PIR_AUDIT_SIGNING_KEY": "A" * 43,
        "DATABASE_URL": database,
        "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
    }
    done = programs.run("deploy.demo", "practice", environment=environment)
    assert (done.returncode, "for development only" in done.stderr) == (2, True), done
