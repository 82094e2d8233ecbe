"""Five thousand open items in one queue (or PIR_MANY): no page asks the database more often; prints how long each takes.

The report pages too: they show what was published, however many families there are.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import statistics
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from unittest import mock
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from services.triage.app import build
from services.triage.settings import Settings
from tests.architecture.apps import client_of
from tests.browser.cases import Cases
from tests.browser.desk import COMMISSIONER, LEAD, Desk, Person
from tests.browser.reporting import publish_examples, sits_at_reports
from tests.system import System

FEW, MANY = 50, int(os.environ.get("PIR_MANY", "5000"))
TRIES: Final = 5
QUEUE: Final = "/staff/queues/pir_short"
COPY: Final = """
    INSERT INTO triage.work_item
    SELECT copied.* FROM triage.work_item w, generate_series(1, $2::int) n, jsonb_populate_record(w, jsonb_build_object(
        'id', gen_random_uuid(), 'referral_id', gen_random_uuid(), 'reference', 'MANY-' || n,
        'received_at', w.received_at - n * interval '7 minutes', 'due_at', w.due_at + (n % 900 - 300) * interval '1 hour',
        'urgency', (ARRAY['routine', 'routine', 'urgent', '1wd'])[n % 4 + 1],
        'state', (ARRAY['open', 'claimed', 'waiting_list'])[n % 3 + 1],
        'assignee', (ARRAY[NULL, 'dev-triage-worker', NULL])[n % 3 + 1],
        'waiting_since', CASE WHEN n % 3 = 2 THEN w.received_at END,
        'opened_first_at', w.received_at, 'escalate_at', NULL)) copied
    WHERE w.id = $1
"""
DEEP: Final = (
    "SELECT due_at, id FROM triage.work_item WHERE reference LIKE 'MANY-%' ORDER BY due_at, id OFFSET $1 LIMIT 1"
)


REPORTS: Final = {
    "reports: overview": "/staff",
    "reports: figures": "/staff/kpis",
    "reports: one figure": "/staff/kpis/decided_in_time",
    "reports: one page": "/staff/reports/2026-06/one-page",
    "reports: a month": "/staff/reports/2026-06",
    "reports: need": "/staff/need?period=2025-09--2026-08",
}


@pytest.fixture
def paths(desk: Desk, cases: Cases) -> Iterator[dict[str, str]]:
    """The pages that show a crowd; one of their items has all that an item can have."""
    case = cases.taken_on()
    cases.worker.does(case.item, "note", text="One of many")
    copy(cases, case.item, FEW)
    yield {
        "home": "/staff",
        "queues": "/staff/queues",
        "queue, first page": QUEUE,
        "queue, filtered": f"{QUEUE}?view=unassigned&urgency=urgent&tier=specialist_short",
        "queue, sorted": f"{QUEUE}?sort=due&size=50",
        "queue, deep page": deep(cases, FEW - 10),
        "all queues": "/staff/queues/all?sort=received",
        "places": "/staff/capacity",
        "team": "/staff/team",
        "item": case.path,
        "give to a colleague": f"{case.path}/assign",
        "give several": f"/staff/give?item={case.item}",
    }
    cases.query("DELETE FROM triage.work_item WHERE reference LIKE 'MANY-%'")


def copy(cases: Cases, item: str, count: int) -> None:
    cases.query(COPY, item, count)
    cases.query("ANALYZE triage.work_item")


def deep(cases: Cases, place: int) -> str:
    [row] = cases.query(DEEP, place)
    return f"{QUEUE}?sort=due&after={quote('_'.join(('0', row['due_at'].isoformat(), str(row['id']))))}"


def test_no_page_asks_more_often_for_thousands(
    desk: Desk, system: System, cases: Cases, paths: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    cookie = cookie_of(desk)
    few = statements(system, cookie, paths)
    copy(cases, paths["item"].rpartition("/")[2], MANY - FEW)
    paths["queue, deep page"] = deep(cases, MANY - 100)
    assert cases.query("SELECT count(*) AS n FROM triage.work_item WHERE reference LIKE 'MANY-%'")[0]["n"] == MANY
    many = statements(system, cookie, paths)
    with capsys.disabled():
        print(f"\n{MANY:,} items in one queue, median of {TRIES}:")
        for name, path in paths.items():
            print(f"  {seconds(system, cookie, path) * 1000:6.0f} ms  {many[name]:3} statements  {name}")
        publish_examples(system)
        cookie = cookie_at(sits_at_reports(desk, COMMISSIONER))
        for name, path in REPORTS.items():
            print(f"  {seconds(system, cookie, path, service='metrics') * 1000:6.0f} ms  {name}")
    assert many == few


def cookie_of(desk: Desk) -> str:
    return cookie_at(desk.sit_down(LEAD))


def cookie_at(person: Person) -> str:
    context = person.page.context
    return "; ".join(f"{each['name']}={each['value']}" for each in context.cookies())


def statements(system: System, cookie: str, paths: Mapping[str, str]) -> dict[str, int]:
    """How many statements each page takes, once it is warm: counted in a service of our own on the same database."""

    async def count() -> dict[str, int]:
        service = await build(Settings())
        engine, seen = service.engine.sync_engine, list[str]()
        sa.event.listen(engine, "before_cursor_execute", lambda *said: seen.append(said[2]))
        counts = {}
        try:
            async with client_of(service) as client:
                for name, path in [*paths.items(), *paths.items()]:
                    seen.clear()
                    answer = await client.get(path, headers={"Cookie": cookie})
                    assert answer.status_code == http.client.OK, f"{name}: {answer}"
                    counts[name] = len(seen)
        finally:
            await service.engine.dispose()
        return counts

    with mock.patch.dict(os.environ, system._environment), ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, count()).result()


def seconds(system: System, cookie: str, path: str, *, service: str = "triage") -> float:
    """How long the running service takes, whole page included."""
    connection = http.client.HTTPConnection(system.url(service).removeprefix("http://"), timeout=30)
    try:
        taken = []
        for _ in range(TRIES):
            began = time.perf_counter()
            connection.request("GET", path, headers={"Cookie": cookie})
            answer = connection.getresponse()
            answer.read()
            taken.append(time.perf_counter() - began)
            assert answer.status == http.client.OK
        return statistics.median(taken)
    finally:
        connection.close()
