"""Every number of every report, before disclosure control, against plain SQL: three invented years, cell by cell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.demo.history import stories
from services.metrics import tables
from services.metrics.counting.exact import BREAKDOWNS, COLUMNS, Exact, by, count
from services.metrics.counting.read_book import read_book
from services.metrics.handlers import handlers
from services.metrics.reports.agreeing import terms_under
from services.metrics.reports.model import Unit
from services.metrics.reports.terms import Terms
from services.metrics.spans import Span, half_of
from shared.brokers import Brokers
from shared.events import TOPICS, Envelope
from shared.messaging.consumer import Consumer
from shared.policy import Policy
from shared.working_time import months_later
from tests.builders import a_policy
from tests.integration import plain_sql
from tests.integration.plain_sql import Cells
from tests.integration.support import a_record, engine_of
from tests.integration.support import count as rows_of
from tests.servers import Servers

BATCH = 500
MONTHS = 12
A_MONTH = 70
"""Referrals of an average month."""

Events = list[Envelope[Any]]


def as_it_happened(told: Events) -> Events:
    return sorted(told, key=attrgetter("occurred_at"))


def topic_by_topic(told: Events) -> Events:
    """What triage and notify say comes long before the referrals themselves."""
    return [event for topic in reversed(TOPICS) for event in as_it_happened(told) if event.data.topic == topic]


def key_by_key(told: Events) -> Events:
    """Of each referral the last topic first: another one than in the order of topics."""
    by_key = sorted(as_it_happened(told), key=lambda event: (event.key.int % 997, event.key, event.data.topic))
    return [event for _, group in groupby(by_key, attrgetter("key")) for event in group]


@dataclass(frozen=True)
class Year:
    """Three of them: another seed, policy and year (a leap day, two contract years), read in another order."""

    seed: int
    council: str
    first: date
    order: Callable[[Events], Events]

    @property
    def policy(self) -> Policy:
        """The wards that have no date yet open in the middle of it: families held until then are released."""
        policy, opens_on = a_policy(self.council), months_later(self.first, MONTHS // 2)
        wards = [ward.model_copy(update={"opens_on": ward.opens_on or opens_on}) for ward in policy.wards]
        return policy.model_copy(update={"wards": tuple(wards)})

    @property
    def months(self) -> list[Span]:
        return [Span(months_later(self.first, number)) for number in range(MONTHS)]

    @property
    def events(self) -> Events:
        """Told until some months later: much of what is received in the last month ends then."""
        after = months_later(self.first, MONTHS + 4)
        now = datetime(after.year, after.month, 11, 14, 30, tzinfo=UTC)
        told = stories(seed=self.seed, first=self.first, months=MONTHS, per_month=A_MONTH, policy=self.policy, now=now)
        return [event for story in told for event in story.events]


YEARS = (
    Year(20230, "nottingham", date(2022, 9, 1), as_it_happened),
    Year(20241, "nottingham-citywide", date(2023, 12, 1), topic_by_topic),
    Year(20252, "nottingham", date(2025, 1, 1), key_by_key),
)


def the_terms(policy: Policy) -> Terms:
    terms = terms_under(policy, None)
    assert terms is not None
    return terms


@dataclass(frozen=True)
class Told:
    """One year in both forms: counted by the service, and raw for PostgreSQL."""

    year: Year
    terms: Terms
    engine: AsyncEngine
    raw: asyncpg.Connection[Any]
    months: dict[date, Exact]

    async def cells(self, dimension: str, span: Span) -> dict[tuple[str, str], int]:
        """One breakdown of a span that need not be a month."""
        async with self.engine.connect() as tx:
            book = await read_book(tx, span, self.terms.policy.working_time)
        counted = {kpi.code: kpi for kpi in self.terms.kpis}
        return filled(by(book, self.terms.dimensions[dimension], counted))


async def exact_in(engine: AsyncEngine, span: Span, terms: Terms) -> Exact:
    async with engine.connect() as tx:
        book = await read_book(tx, span, terms.policy.working_time)
    return count(book, terms.kpis, terms.dimensions)


@asynccontextmanager
async def told_in(database_url: str, year: Year) -> AsyncIterator[Told]:
    events, policy = year.events, year.policy
    engine = engine_of(database_url, tables.SCHEMA)
    consumer = Consumer(
        engine=engine, service="m", topics=TOPICS, handlers=handlers(policy), brokers=Brokers("127.0.0.1:1")
    )
    records = [a_record(event) for event in year.order(events)]
    for start in range(0, len(records), BATCH):
        await consumer.handle(records[start : start + BATCH])
    assert await rows_of(engine, "parked") == 0
    raw = await asyncpg.connect(database_url)
    await plain_sql.tell(raw, events, policy=policy, months=[span.first_day for span in year.months])
    terms = the_terms(year.policy)
    months = {span.first_day: await exact_in(engine, span, terms) for span in year.months}
    yield Told(year, terms, engine, raw, months)
    await raw.close()
    await engine.dispose()


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=YEARS, ids=lambda year: f"{year.council}-{year.first:%Y-%m}"
)
async def told(request: pytest.FixtureRequest, stack: Servers) -> AsyncIterator[Told]:
    name = stack.new_database()
    async with told_in(stack.url_of(name), request.param) as told:
        yield told
    stack.drop_database(name)


pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.stack]


def filled(table: Any) -> dict[tuple[str, str], int]:
    """The cells of a table that are not zero."""
    return {
        (category, column): number for category, counts in table.items() for column, number in counts.items() if number
    }


def of_months(cells: Cells, months: Sequence[date]) -> dict[tuple[str, str], int]:
    """Cells of several months together."""
    found: dict[tuple[str, str], int] = {}
    for (month, category, column), number in cells.items():
        if month in months:
            found[category, column] = found.get((category, column), 0) + number
    return found


KPIS = [(kpi.code, kpi.unit) for kpi in the_terms(a_policy()).kpis]


@pytest.mark.parametrize("kpi", [code for code, unit in KPIS if unit is not Unit.DAYS])
async def test_every_figure_is_that_of_plain_sql_in_every_month(told: Told, kpi: str) -> None:
    plain = await plain_sql.numbers(told.raw, kpi)
    counted = {month: exact.numbers[kpi] for month, exact in told.months.items()}
    nothing = (0, 0 if any(number.denominator is not None for number in counted.values()) else None)
    expected = {month: plain.get(month, nothing) for month in counted}
    assert {month: (number.numerator, number.denominator) for month, number in counted.items()} == expected
    assert any(numerator for numerator, _ in expected.values()), "a year in which it never happens tries nothing"


@pytest.mark.parametrize("kpi", [code for code, unit in KPIS if unit is Unit.DAYS])
async def test_every_wait_is_the_median_of_plain_sql(told: Told, kpi: str) -> None:
    tier, plain = kpi.removeprefix("wait_"), await plain_sql.waits(told.raw)
    counted = {month: exact.numbers[kpi] for month, exact in told.months.items()}
    expected = {month: plain.get((month, tier), (0, None)) for month in counted}
    assert {month: (number.numerator, number.days) for month, number in counted.items()} == expected
    assert any(days for _, days in expected.values())


@pytest.mark.parametrize("dimension", BREAKDOWNS)
async def test_every_cell_of_every_breakdown_is_that_of_plain_sql(told: Told, dimension: str) -> None:
    plain = await plain_sql.breakdown(told.raw, dimension)
    for month, exact in told.months.items():
        assert filled(exact.tables[f"by_{dimension}"]) == of_months(plain, [month]), month


async def test_incomplete_referrals_by_agency_are_those_of_plain_sql(told: Told) -> None:
    plain = await plain_sql.by_agency(told.raw)
    for month, exact in told.months.items():
        assert filled(exact.tables["incomplete_by_agency"]) == of_months(plain, [month]), month


def halves(year: Year) -> Iterator[Span]:
    """Those of the contract that are wholly in the year."""
    span = half_of(year.first, date(2022, 9, 1))
    while span.next_day <= months_later(year.first, MONTHS):
        if span.first_day >= year.first:
            yield span
        span = span.next()


@pytest.mark.parametrize("dimension", plain_sql.CATEGORIES)
async def test_half_years_and_years_are_those_of_plain_sql_in_every_dimension(told: Told, dimension: str) -> None:
    plain = await plain_sql.breakdown(told.raw, dimension)
    spans = [*halves(told.year), Span(told.year.first, MONTHS)]
    assert len(spans) >= 2
    for span in spans:
        months = [month.first_day for month in span.each_month()]
        assert await told.cells(dimension, span) == of_months(plain, months), span.code


async def test_the_breakdowns_of_a_month_add_up_to_its_figures(told: Told) -> None:
    for month, exact in told.months.items():
        for dimension in BREAKDOWNS:
            rows = exact.tables[f"by_{dimension}"].values()
            sums = {column: sum(counts[column] for counts in rows) for column in COLUMNS}
            assert sums == {column: exact.numbers[column].numerator for column in COLUMNS}, (month, dimension)
