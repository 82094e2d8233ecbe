"""`python -m tests.bench.history`: two years of referrals loaded, built again from what is published again, reported.

100,000 referrals over 24 months through the consumer into PostgreSQL; then republished over Kafka into a new database,
whose tables must be equal; then every report is made, and asked for. Prints seconds, events a second and peak memory.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx

from deploy.demo.history import stories
from deploy.demo.history.terms import practice_terms
from deploy.local import credentials
from deploy.secrets import CALL_TOKENS
from deploy.setup import make_topics
from services.metrics import app, tables
from services.metrics.handlers import handlers
from services.metrics.reports.model import ReportKind
from services.metrics.reports.publishing import publish_due
from services.metrics.settings import Settings
from services.metrics.unread import unread
from shared.access import Role, Staff
from shared.brokers import Brokers
from shared.events import TOPICS
from shared.messaging.consumer import BATCH, Consumer, group_of
from shared.messaging.relay import Relay
from shared.sign_in import sessions
from shared.sign_in.cookies import Names
from tests import published
from tests.bench import journals
from tests.builders import a_policy
from tests.integration.support import engine_of, running
from tests.servers import end_as_by_ctrl_c
from tests.servers import running as servers_running

POLICY: Final = "nottingham"
MONTHS: Final = 24
NOW: Final = datetime(2026, 9, 30, 12, tzinfo=UTC)
FIRST: Final = date(2024, 9, 1)
COMPARED: Final = {
    "referral": "to_jsonb(t) - 'heard_at'",
    **dict.fromkeys(("work_item", "clock_change", "message", "agency", "places", "totals"), "to_jsonb(t)"),
}
"""What must be equal: all but when this service first heard of a referral."""
TRIES: Final = 5


def main() -> None:
    """Start servers in a folder of their own, go through the stages, stop them."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.history", description=__doc__)
    parser.add_argument("--referrals", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    end_as_by_ctrl_c()
    print(f"{os.cpu_count()} cores, shared by servers and all; {given.referrals} referrals over {MONTHS} months.")
    with tempfile.TemporaryDirectory() as folder, servers_running(Path(folder) / "servers") as servers:
        servers.make_template()
        live, again = (servers.url_of(servers.new_database()) for _ in range(2))
        brokers = servers.kafka_bootstrap_servers
        asyncio.run(make_topics(brokers))
        stage("told, into the journals", write, live, given.referrals, given.seed)
        stage("loaded through the consumer", load, live)
        stage("republished, relayed and built again", rebuild, live, again, brokers)
        asyncio.run(compare(live, again))
        stage("reports", report, live, str(folder))
        stage("asked for", ask, live, str(folder))


def stage(name: str, work: Callable[..., Any], *arguments: Any) -> None:
    """In a process of its own, so that its peak of memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        done = pool.submit(_measured, work, arguments).result()
    rate = f", {done.events / done.seconds:.0f} events/s" if done.events else ""
    print(f"{name}: {done.events or ''} {done.seconds:.1f} s{rate}, peak memory {done.peak_mb:.0f} MB", flush=True)


@dataclass(frozen=True)
class Done:
    events: int
    seconds: float
    peak_mb: float


def _measured(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Done:
    began = time.perf_counter()
    events = asyncio.run(work(*arguments))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Done(events or 0, time.perf_counter() - began, peak)


def progress(words: str) -> None:
    print(f"  {words}", flush=True)


async def write(url: str, referrals: int, seed: int) -> int:
    told = stories(
        seed=seed,
        first=FIRST,
        months=MONTHS,
        per_month=referrals / MONTHS,
        policy=a_policy(POLICY),
        now=NOW,
    )
    return await journals.write(url, told, _every(100_000))


def _every(events: int) -> Callable[[int], None]:
    """Say how far it is, each time so many more are there."""
    said = 0

    def tell(done: int) -> None:
        nonlocal said
        if done - said >= events:
            said = done
            progress(f"{done} events")

    return tell


def _consumer(url: str, brokers: str = "127.0.0.1:1") -> Consumer:
    return Consumer(
        engine=engine_of(url, tables.SCHEMA),
        service=f"history-{uuid4().hex[:8]}",
        topics=TOPICS,
        handlers=handlers(a_policy(POLICY)),
        brokers=Brokers(brokers),
    )


async def load(url: str) -> int:
    consumer, done, seen, tell = _consumer(url), 0, 0, _every(100_000)
    async for records in journals.batches(url, BATCH):
        done += await consumer.handle(records)
        seen += len(records)
        tell(seen)
    await consumer._engine.dispose()
    return done


async def rebuild(live: str, again: str, brokers: str) -> int:
    """Three relays of the live database, and the consumer of the new one."""
    total = await journals.count(live, [event.type for event in handlers(a_policy(POLICY))])
    relays = [Relay(dsn=live, schema=schema, brokers=Brokers(brokers)) for schema in journals.SPEAKERS.values()]
    consumer = _consumer(again, brokers)
    service = consumer.group.removeprefix(group_of(""))
    async with running(*relays, consumer):
        began = time.perf_counter()
        await journals.republish(live)
        while left := await _unsent(live) + await _unread(brokers, service):
            progress(f"{left} of {total} wait after {time.perf_counter() - began:.0f} s")
            await asyncio.sleep(5)
    return total


async def _unsent(live: str) -> int:
    """Events that a relay has still to publish."""
    connection = await asyncpg.connect(live)
    outboxes = " + ".join(f"(SELECT count(*) FROM {schema}.outbox)" for schema in journals.SPEAKERS.values())
    count = await connection.fetchval(f"SELECT {outboxes}")
    await connection.close()
    return int(count)


async def _unread(brokers: str, service: str) -> int:
    count = await unread(brokers, service=service, topics=TOPICS)
    assert count is not None, "Kafka does not say"
    return count


async def compare(live: str, again: str) -> None:
    """Raises AssertionError naming the table that differs."""
    for table, value in COMPARED.items():
        question = f"SELECT count(*), sum(('x' || md5(({value})::text))::bit(64)::bigint::numeric) FROM {table} t"
        found = []
        for url in (live, again):
            connection = await asyncpg.connect(url, server_settings={"search_path": tables.SCHEMA})
            found.append(tuple(await connection.fetchrow(question, timeout=300)))
            await connection.close()
        assert found[0] == found[1], f"{table} is not the same: {found}"
        print(f"  {table}: {found[0][0]} rows, equal")
    print("built again, every table is equal", flush=True)


def _settings(url: str, folder: str) -> Settings:
    file = Path(folder) / "credentials.json"
    return Settings(
        profile="development",
        DATABASE_URL=url,
        KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        credentials_file=file,
        **{name: credentials.load(file)["secrets"][name] for name in CALL_TOKENS},
        policy=POLICY,
    )


async def report(url: str, folder: str) -> None:
    """Every report whose day has come: months, half-years and years."""
    terms = practice_terms(_settings(url, folder))
    assert terms is not None
    engine, began, took = engine_of(url, tables.SCHEMA), time.perf_counter(), {}

    def told(what: str) -> None:
        nonlocal began
        took[what] = time.perf_counter() - began
        began = time.perf_counter()
        progress(f"{what}: {took[what]:.2f} s")

    made = await publish_due(engine, now=NOW, terms=terms, told=told)
    for kind in ReportKind:
        each = [seconds for what, seconds in took.items() if what.startswith(kind.value)]
        progress(f"{len(each)} {kind.value}: {statistics.mean(each):.2f} s each, the longest {max(each):.2f} s")
    assert made == len(took) >= MONTHS
    await engine.dispose()


async def ask(url: str, folder: str) -> None:
    """Each report in each form, and every page, as a commissioner asks, some times; the first has to make it."""
    settings = _settings(url, folder)
    service, staff = await app.build(settings), credentials.load(Path(folder) / "credentials.json")["staff"]
    token = "b" * 43
    async with service.engine.begin() as tx:
        who = Staff(staff["commissioner"]["id"], staff["commissioner"]["name"], Role.COMMISSIONER)
        await sessions.start(tx, who, token=token, csrf="c" * 43, id_token="", at=datetime.now(UTC))
        periods = {kind: (await published.headings(tx, kind))[0].period for kind in ReportKind}
    bearer = {"Authorization": f"Bearer {staff['commissioner']['token']}"}
    cookie = {"Cookie": f"{Names.of('reports').session}={token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="https://here") as client:
        for path in _paths(periods):
            await _ask(client, path, cookie if path.startswith("/staff") else bearer)
    await service.close()


def _paths(periods: dict[ReportKind, str]) -> list[str]:
    month = periods[ReportKind.CONTRACT]
    asked = {"contract": f"?month={month}", "equality": "", "need": ""}
    calls = [f"/reports/{kind}{form}{rest}" for kind, rest in asked.items() for form in ("", ".html", ".csv", ".xlsx")]
    pages = ["", "/kpis", "/kpis/received", "/reports", f"/reports/{month}", f"/reports/{month}.xlsx", "/about"]
    for kind in (ReportKind.EQUALITY, ReportKind.NEED):
        pages += [f"/{kind}", f"/{kind}?period={periods[kind]}", f"/{kind}/{periods[kind]}.xlsx"]
    return [*calls, *(f"/staff{page}" for page in pages)]


async def _ask(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    took, size = [], 0
    for _ in range(TRIES):
        began = time.perf_counter()
        answer = await client.get(path, headers=headers)
        took.append((time.perf_counter() - began) * 1000)
        size = len(answer.content)
        answer.raise_for_status()
    words = f"first {took[0]:.0f} ms, median {statistics.median(took):.0f} ms, longest {max(took):.0f} ms"
    progress(f"{path}: {words}, {size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
