"""Practice reports: an invented past is counted in a schema of its own, and only its reports are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.demo.history.years import stories
from services.metrics import tables
from services.metrics.handlers import handlers
from services.metrics.reports.publishing import publish_due
from services.metrics.reports.readiness import set_ready
from services.metrics.reports.terms import Terms
from shared.database import create_engine, sql
from shared.events import Envelope
from shared.messaging.dispatch import dispatch
from shared.settings import Settings
from shared.working_time import day_in_london, months_later

SCHEMA: Final = "metrics_practice"
SEED: Final = 2021
A_MONTH: Final = 60
LEAST_MONTHS: Final = 24
YEAR_MONTHS: Final = 12
BATCH: Final = 2_000

Told = Callable[[str], None]


class NoPracticeError(Exception):
    """Practice reports don't belong here; its text is for a person."""


async def practise(engine: AsyncEngine, settings: Settings, terms: Terms, *, now: datetime, told: Told) -> int:
    """Publish practice reports for whole contract years, two at least, up to last month. Returns how many.

    Raises NoPracticeError where any report exists. What the service counts by itself does not move.
    """
    async with engine.connect() as tx:
        await _refuse_if_published(tx)
    async with _aside(engine, settings, now) as aside:
        await _count(aside, terms, now=now, told=told)
        told("making the practice reports")
        if not await publish_due(aside, now=now, terms=terms):
            raise NoPracticeError("Reports are being published at this moment: try again.")
        async with aside.connect() as tx:
            rows = (await tx.execute(tables.report.select())).mappings().all()
        async with engine.begin() as tx:
            await _refuse_if_published(tx)
            await tx.execute(tables.report.insert(), [dict(row) for row in rows])
    told(f"{len(rows)} practice reports")
    return len(rows)


async def _refuse_if_published(tx: AsyncConnection) -> None:
    if await tx.scalar(sql("SELECT EXISTS (SELECT 1 FROM report)")):
        raise NoPracticeError("There are reports already: no practice reports are added.")


@asynccontextmanager
async def _aside(engine: AsyncEngine, settings: Settings, now: datetime) -> AsyncIterator[AsyncEngine]:
    """The same tables in a schema that is gone afterwards; one that an interrupted run left is made anew."""
    aside = create_engine(settings, SCHEMA, pool_size=1)
    try:
        async with aside.begin() as tx:
            await tx.execute(sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
            await tx.execute(sql(f"CREATE SCHEMA {SCHEMA}"))
            await tx.run_sync(tables.metadata.create_all)
            await set_ready(tx, now)
        yield aside
    finally:
        await aside.dispose()
        async with engine.begin() as tx:
            await tx.execute(sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))


async def _count(aside: AsyncEngine, terms: Terms, *, now: datetime, told: Told) -> None:
    """The past through the handlers of the service, in the order of time."""
    first, months = span(day_in_london(now), terms.contract.starts_on)
    told(f"an invented past from {first:%B %Y} on")
    past = stories(seed=SEED, first=first, months=months, per_month=A_MONTH, policy=terms.policy, now=now)
    events: list[Envelope[Any]] = [event for story in past for event in story.events]
    events.sort(key=attrgetter("occurred_at"))
    by_type = handlers(terms.policy)
    heard = [event for event in events if type(event.data) in by_type]
    for start in range(0, len(heard), BATCH):
        async with aside.begin() as tx:
            await dispatch(heard[start : start + BATCH], by_type, tx)
    told(f"{len(heard)} events counted")


def span(today: date, starts_on: date) -> tuple[date, int]:
    """First month and number of months: from the start of a contract year to the month before this one."""
    this_month = today.replace(day=1)
    since_start = (this_month.year - starts_on.year) * YEAR_MONTHS + this_month.month - starts_on.month
    months = LEAST_MONTHS + since_start % YEAR_MONTHS
    return months_later(this_month, -months), months
