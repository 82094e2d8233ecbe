"""What runs for every referral finds its rows by an index, also by a plan that was made while the tables were empty."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from services.notify import rows
from services.referral import views
from shared.database import BY_KEY
from shared.messaging import relay, statement
from shared.messaging.statement import Statement
from tests.families import a_referral
from tests.integration.conftest import Behind
from tests.integration.shared.test_one_statement import RECORDS, SERVICES, what_comes_of
from tests.integration.support import engine_of
from tests.servers import own_url


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every joined statement that goes to PostgreSQL."""
    queries: list[str] = []
    run = Statement.run

    async def noted(self: Statement, last: sa.TextClause, columns: Mapping[str, Any]) -> list[Any]:
        queries.append(statement._joined(tuple(self._parts), last.text)[0])
        return await run(self, last, columns)

    monkeypatch.setattr(Statement, "run", noted)
    return queries


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def is_whole(node: dict[str, Any]) -> bool:
    """A table from end to end, or an index without a key to begin at."""
    kind = node["Node Type"]
    return bool(kind == "Seq Scan" or (kind.startswith("Index") and "Index Cond" not in node))


async def read_whole(url: str, schema: str, queries: Sequence[str]) -> set[str]:
    """The tables that a generic plan of one of these would read from end to end, asked by the service's own role."""
    connection = await asyncpg.connect(own_url(url, schema), server_settings=BY_KEY | {"search_path": schema})
    found: set[str] = set()
    for number, query in enumerate(queries):
        await connection.execute(f"PREPARE asked_{number} AS {query}")
        nothing = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", query))))
        [row] = await connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE asked_{number}({nothing})")
        plan = json.loads(row[0])[0]["Plan"]
        found |= {node["Relation Name"] for node in nodes(plan) if is_whole(node)}
    await connection.close()
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_a_batch_finds_its_rows_by_their_keys(database: str, service: str, sent: list[str]) -> None:
    engine = engine_of(database, service)
    told = [record for record in RECORDS if dict(record.headers).get("ce_sequence") in (b"1", b"2")]
    await what_comes_of(engine, service, [told[:-1]], at_once=True)
    await engine.dispose()
    assert sent
    assert await read_whole(database, service, sent) == set()


async def test_a_new_referral_finds_its_rows_by_their_keys(database: str, intake: Behind, sent: list[str]) -> None:
    assert (await intake.send(a_referral())).status_code == 201
    assert sent
    assert await read_whole(database, "referral", sent) == set()


async def test_the_loops_find_what_is_next_by_an_index(database: str) -> None:
    assert await read_whole(database, "notify", [rows.DUE]) == set()
    for schema in ("referral", "triage", "notify"):  # in the order of the outbox, which holds what was not sent yet
        assert await read_whole(database, schema, [relay._NEXT]) == {"outbox"}


async def test_a_late_page_of_an_agency_looks_up_the_work_of_its_own_referrals_alone(intake: Behind) -> None:
    for _ in range(6):
        assert (await intake.send(a_referral())).status_code == 201
    asked = {"limit": 2, "offset": 4, "family_work": ["pir_short"]}
    async with intake.engine.connect() as tx:
        agency_id = await tx.scalar(sa.text("SELECT agency_id FROM referral LIMIT 1"))
        explained = sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {views._OF_AGENCY.text}")
        [top] = (await tx.execute(explained, asked | {"agency": agency_id})).scalar_one()
    loops = [node["Actual Loops"] for node in nodes(top["Plan"]) if node.get("Relation Name") == "route_state"]
    assert loops
    assert max(loops) == asked["limit"]
