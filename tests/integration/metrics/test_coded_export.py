"""The coded export over HTTP, from the real tables: who gets it, what is in it, and the trace it leaves."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics import exports_api, tables
from services.metrics.coded.mapping import COLUMNS
from shared import problems
from shared.access import Role
from shared.ids import uuid7
from tests.builders import a_policy
from tests.integration.report_site import NOW, Tokens
from tests.integration.support import count, engine_of, fetch

JUNE = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
LAST_OF_MAY_IN_UTC = datetime(2026, 5, 31, 23, 30, tzinfo=UTC)
"""Half past midnight on 1 June in London."""
CODED = "/exports/coded?month=2026-06"


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, tables.SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
async def http(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problems.install(app)
    app.state.staff = Tokens()
    app.include_router(exports_api.router(engine, a_policy().working_time, lambda: NOW))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://metrics") as client:
        yield client


async def a_referral(engine: AsyncEngine, *, item: dict[str, Any] | None = None, **columns: Any) -> str:
    """A row as the events leave it; its id as text."""
    key = uuid7()
    said = {"kind": "family", "received_at": JUNE, "heard_at": JUNE, "source": "A2", "monitoring": {}, **columns}
    async with engine.begin() as tx:
        await tx.execute(tables.referral.insert().values(id=key, **said))
        if item is not None:
            await tx.execute(tables.work_item.insert().values(id=uuid7(), referral_id=key, about="family", **item))
    return str(key)


async def lines(http: httpx.AsyncClient, path: str = CODED, role: Role = Role.MANAGER) -> list[dict[str, str]]:
    answer = await http.get(path, headers={"Authorization": f"Bearer {role}"})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(answer.text.splitlines()))


@pytest.mark.parametrize("path", [CODED, "/exports/coded/dictionary"])
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MANAGER])
async def test_nobody_but_a_manager_gets_it(
    http: httpx.AsyncClient, engine: AsyncEngine, path: str, role: Role
) -> None:
    await a_referral(engine)
    answer = await http.get(path, headers={"Authorization": f"Bearer {role}"})
    assert answer.status_code == 403
    assert "local_id" not in answer.text
    assert await count(engine, "audit") == 0


async def test_without_a_token_nobody_gets_it(http: httpx.AsyncClient) -> None:
    assert (await http.get(CODED)).status_code == 401


async def test_a_referral_is_one_line_in_national_codes(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    key = await a_referral(
        engine,
        tier="specialist_short",
        urgency="urgent",
        monitoring={"baby_ethnicity": "J", "mother_ethnicity": "Z"},
        item={"route": "pir_short", "opened_at": JUNE, "ended_at": JUNE, "end_reason": "moved_away"},
    )
    [line] = await lines(http)
    assert tuple(line) == COLUMNS
    assert line == {
        "local_id": key,
        "received_date": "2026-06-15",
        "source_mental_health": "A2",
        "source_community": "07",
        "reason_mental_health": "21",
        "reason_community": "025",
        "priority": "2",
        "rejection_date": "",
        "rejection_reason": "",
        "closure_date": "2026-06-15",
        "closure_reason": "03",
        "ethnic_category_baby": "J",
        "ethnic_category_mother": "Z",
        "ethnic_category_father": "99",
    }


async def test_a_declined_referral_says_why(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    declined = {"opened_at": JUNE, "declined_at": JUNE, "decline_reason": "incomplete"}
    await a_referral(engine, declined_at=JUNE, item={"route": "review", **declined})
    [line] = await lines(http)
    assert (line["rejection_date"], line["rejection_reason"], line["closure_date"]) == ("2026-06-15", "03", "")


async def test_a_month_is_that_of_london(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    await a_referral(engine, received_at=LAST_OF_MAY_IN_UTC)
    [line] = await lines(http)
    assert line["received_date"] == "2026-06-01"
    assert await lines(http, "/exports/coded?month=2026-05") == []


async def test_an_erased_family_is_left_out(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    await a_referral(engine, erased_at=JUNE, monitoring=None, source=None)
    assert await lines(http) == []


async def test_nothing_of_the_line_is_a_formula(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    """Codes come from other systems: a spreadsheet must not run one."""
    await a_referral(engine, source="=1+1", monitoring={"baby_ethnicity": "@SUM(A1)", "mother_ethnicity": "-2"})
    [line] = await lines(http)
    assert line["source_mental_health"] == "'=1+1"
    assert (line["ethnic_category_baby"], line["ethnic_category_mother"]) == ("'@SUM(A1)", "'-2")


async def test_each_download_leaves_a_trace(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    await lines(http)
    [row] = await fetch(engine, "SELECT actor_kind, actor_id, action, at, detail FROM audit")
    assert tuple(row) == ("staff", "dev-manager", "codes.exported", NOW, "2026-06")


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "June", "2026-06--2026-08", "0000-01"])
async def test_a_month_that_is_none_is_refused(http: httpx.AsyncClient, engine: AsyncEngine, month: str) -> None:
    answer = await http.get(f"/exports/coded?month={month}", headers={"Authorization": "Bearer manager"})
    assert answer.status_code == 422, answer.text
    assert await count(engine, "audit") == 0


async def test_no_copy_is_kept_on_the_way(http: httpx.AsyncClient) -> None:
    answer = await http.get(CODED, headers={"Authorization": "Bearer manager"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="coded-export-2026-06.csv"'


async def test_every_code_of_a_line_is_in_the_dictionary(http: httpx.AsyncClient, engine: AsyncEngine) -> None:
    await a_referral(engine, source="B1", tier="pnmh", urgency="now", withdrawn_at=JUNE, withdrawal_reason="duplicate")
    [line] = await lines(http)
    known = {(row["column"], row["code"]) for row in await lines(http, "/exports/coded/dictionary")}
    coded = {name: code for name, code in line.items() if code and not name.endswith(("_date", "_id"))}
    assert len(coded) == 9
    assert set(coded.items()) <= known
