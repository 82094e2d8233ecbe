"""Somebody at the reports: signed in there, with the example reports published."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from services.metrics import tables
from services.metrics.reports import store
from services.metrics.settings import Settings
from shared.database import create_engine
from tests import published
from tests.browser.desk import DESKTOP, Desk, Person
from tests.system import System
from tests.unit.metrics.report_examples import (
    a_contract_report,
    a_heading,
    a_need_report,
    an_equality_report,
    some_months,
)


def sits_at_reports(desk: Desk, role: str | None = None, *, size: str = DESKTOP, at: str = "/staff") -> Person:
    """A window at the metrics service; signed in there when a role is given."""
    person = desk.sit_down(size=size)
    person.home = desk.system.url("metrics")
    if role:
        desk.sign_in(person, role, at=at)
    return person


def publish_examples(system: System) -> None:
    """13 months up to June 2026, the last in two versions; a half-year and a year. Those that are there already stay.

    In a thread: playwright's own loop runs in ours.
    """
    *months, _ = some_months()
    first = a_contract_report(heading=a_heading(version=1, changes=()))
    examples = (*months, first, a_contract_report(), an_equality_report(), a_need_report())

    async def put_all() -> None:
        told = {
            "DATABASE_URL": system.database_url,
            "KAFKA_BOOTSTRAP_SERVERS": "nowhere",
            "PIR_TOKEN_TRIAGE_METRICS": "none",
            "PIR_TOKEN_REFERRAL_METRICS": "none",
        }
        engine = create_engine(Settings(profile="development", **told), tables.SCHEMA)
        async with engine.begin() as tx:
            for report in examples:
                heading = report.heading
                if await published.version_of(tx, heading.kind, heading.period, heading.version) is None:
                    await store.put(tx, report)
        await engine.dispose()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(put_all())).result()
