"""Publishing: on a fixed working day after a span has ended its report is made, and frozen from then on.

It waits until everything is counted (readiness.py). Once a month, with the new report, those that ended in the twelve
months before are made again; where a published number comes out differently, a new version says so. Never more often:
whoever could watch a number from day to day would learn when it crosses a step of the rounding, and with that what it
is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.metrics.counting.book import Book
from services.metrics.counting.exact import count
from services.metrics.counting.read_book import read_book, was_erased_since
from services.metrics.equality.making import make_equality
from services.metrics.need.report import make_need
from services.metrics.reports import store
from services.metrics.reports.changes import changes
from services.metrics.reports.making import make_contract
from services.metrics.reports.model import (
    AnyReport,
    ContractReport,
    EqualityReport,
    Heading,
    NeedReport,
    ReportKind,
    ReportStatus,
)
from services.metrics.reports.readiness import NotReadyError, Unread, lock_ready, readiness
from services.metrics.reports.terms import Terms
from services.metrics.spans import Span, half_of, month_of, published_on, year_of
from shared.database import alone, one_moment, sql
from shared.working_time import LONDON, day_in_london, months_later

log = structlog.get_logger(__name__)

CORRECTED_MONTHS: Final = 12
"""A report is made again until its span ended so long ago; what comes later changes no report."""
_LOCK: Final = 0x5052_5055
"""One copy of the service publishes at a time."""

Told = Callable[[str], None]
Due = tuple[ReportKind, Span]


@dataclass(frozen=True, slots=True)
class Waits:
    """Reports whose day has come and that are not published: which, since when, and why as the rest of a sentence."""

    reports: tuple[Due, ...]
    since: datetime
    reason: str


def due(first: date, today: date, terms: Terms) -> Iterator[Due]:
    """Every span since the first referral whose day of publication has come, in the order of their ends."""
    starts = terms.contract.starts_on
    spans = [
        *((ReportKind.CONTRACT, span) for span in _since(month_of(first), today)),
        *((ReportKind.EQUALITY, span) for span in _since(half_of(first, starts), today)),
        *((ReportKind.NEED, span) for span in _since(year_of(first, starts), today)),
    ]
    days = terms.contract.published_after_days
    yield from sorted(
        ((kind, span) for kind, span in spans if published_on(span, days) <= today),
        key=lambda each: (each[1].last_day, each[1].months),
    )


def _since(span: Span, today: date) -> Iterator[Span]:
    while span.last_day < today:
        yield span
        span = span.next()


async def publish_due(engine: AsyncEngine, *, now: datetime, terms: Terms, told: Told = lambda _: None) -> int:
    """Correct what has to be, then publish what is due, each in a transaction of its own. Returns how many came out.

    One copy of the service does it at a time; for the others there is nothing to do.
    """
    async with alone(engine, _LOCK) as lock:
        return await _publish_all(engine, now, terms, told) if lock else 0


async def publish_when_ready(
    engine: AsyncEngine, *, now: datetime, terms: Terms, unread: Unread, told: Told = lambda _: None
) -> Waits | None:
    """As `publish_due`, once everything is counted. Returns what waits, and why; None when nothing does."""
    if waits := await what_waits(engine, now=now, terms=terms, unread=unread):
        return waits
    try:
        await publish_due(engine, now=now, terms=terms, told=told)
    except NotReadyError:
        return await what_waits(engine, now=now, terms=terms, unread=unread)  # a rebuild has begun meanwhile
    return None


async def what_waits(engine: AsyncEngine, *, now: datetime, terms: Terms, unread: Unread) -> Waits | None:
    """Reports that are due and can't be made now, and why; None when nothing waits."""
    wanted, there = await _wanted(engine, day_in_london(now), terms)
    missing = tuple((kind, span) for kind, span in wanted if (kind.value, span.code) not in there)
    reason = (await readiness(engine, unread)).reason if missing else ""
    if not reason:
        return None
    first = min(published_on(span, terms.contract.published_after_days) for _, span in missing)
    return Waits(missing, datetime.combine(first, time(), LONDON), reason)


async def _publish_all(engine: AsyncEngine, now: datetime, terms: Terms, told: Told) -> int:
    """Corrections come first: should it end halfway, the month that is still missing brings the rest about later."""
    today = day_in_london(now)
    wanted, there = await _wanted(engine, today, terms)
    missing = [(kind, span) for kind, span in wanted if (kind.value, span.code) not in there]
    corrected = 0
    if any(kind is ReportKind.CONTRACT for kind, _ in missing):
        for kind, span in correctable([each for each in wanted if each not in missing], today):
            corrected += await _correct(engine, kind, span, now, terms)
    for kind, span in missing:
        await _put(engine, await _make(engine, kind, span, now, terms))
        told(f"{kind.value} {span.code}")
    if missing:
        log.info("reports_published", count=len(missing), corrected=corrected)
    return len(missing) + corrected


def correctable(published: Iterable[Due], today: date) -> list[Due]:
    """Those whose span ended on or after this day CORRECTED_MONTHS ago."""
    oldest = months_later(today, -CORRECTED_MONTHS)
    return [(kind, span) for kind, span in published if span.last_day >= oldest]


async def _wanted(engine: AsyncEngine, today: date, terms: Terms) -> tuple[list[Due], set[tuple[str, str]]]:
    """Everything whose day has come since the first referral, and what of it is published."""
    async with engine.connect() as tx:
        first = await tx.scalar(sql("SELECT min(received_at) FROM referral"))
        there = {(row.kind, row.period) for row in await tx.execute(sql("SELECT DISTINCT kind, period FROM report"))}
    return (list(due(day_in_london(first), today, terms)) if first else [], there)


async def _correct(engine: AsyncEngine, kind: ReportKind, span: Span, now: datetime, terms: Terms) -> bool:
    """A new version, when a published number comes out differently now.

    Left as they are: practice reports; those made under other contract terms or another population, which keep the
    targets and shares they were agreed with; and those that count a family which was erased since, as its going from
    one number to another would tell which one it was.
    """
    async with one_moment(engine).connect() as tx:
        last = await store.last_version(tx, kind, span.code)
        if last is None or last.heading.is_practice or last.heading.published_at is None:
            return False
        if not terms.are_those_of(last.heading):
            return False
        if await was_erased_since(tx, span, last.heading.published_at, terms.policy.working_time):
            log.info("report_left_as_it_is", kind=kind.value, period=span.code, because="a family in it was erased")
            return False
    again = await _make(engine, kind, span, now, terms, earlier=last)
    found = changes(last, again)
    if not found or not _is_of_one_population(last, again):
        return False
    heading = again.heading.model_copy(update={"version": last.heading.version + 1, "changes": found})
    await _put(engine, again.model_copy(update={"heading": heading}))
    return True


def _is_of_one_population(one: AnyReport, other: AnyReport) -> bool:
    """Whether both say the same of what is no count: the shares of the population, the families expected."""
    if isinstance(one, EqualityReport) and isinstance(other, EqualityReport):
        before, after = _shares(one), _shares(other)
        return all(before[row] == after[row] for row in before.keys() & after.keys())
    if isinstance(one, NeedReport) and isinstance(other, NeedReport):
        return one.expected == other.expected
    return True


def _shares(report: EqualityReport) -> dict[tuple[str, str], object]:
    return {(each.code, row.code): row.population_share for each in report.dimensions for row in each.rows}


async def _put(engine: AsyncEngine, report: AnyReport) -> None:
    async with engine.begin() as tx:
        await store.put(tx, report)


async def _make(
    engine: AsyncEngine,
    kind: ReportKind,
    span: Span,
    now: datetime,
    terms: Terms,
    *,
    earlier: AnyReport | None = None,
) -> AnyReport:
    """One report from the rows of one moment. Counting runs in a thread, with no transaction open meanwhile.

    Raises NotReadyError while the rows are built again.
    """
    async with one_moment(engine).connect() as tx:
        await lock_ready(tx)
        book = await read_book(tx, span, terms.policy.working_time)
        months = await _months_of(tx, span, terms) if kind is ReportKind.EQUALITY else []
        has_erased = await _lost_a_family(tx, span, months, terms)
    heading = terms.heading(kind, span, published_at=now)
    if kind is ReportKind.CONTRACT:
        before = earlier if isinstance(earlier, ContractReport) else None
        return await asyncio.to_thread(_contract, heading, book, terms, before)
    if kind is ReportKind.EQUALITY:
        half = earlier if isinstance(earlier, EqualityReport) else None
        return await asyncio.to_thread(make_equality, heading, book, terms, months, earlier=half, has_erased=has_erased)
    year = earlier if isinstance(earlier, NeedReport) else None
    return await asyncio.to_thread(make_need, heading, book, terms, earlier=year)


async def _months_of(tx: AsyncConnection, span: Span, terms: Terms) -> list[ContractReport]:
    """Its contract reports as published, practice ones for practice alone."""
    months = [await store.last_version(tx, ReportKind.CONTRACT, month.code) for month in span.each_month()]
    return [
        month
        for month in months
        if isinstance(month, ContractReport) and month.heading.is_practice is terms.is_practice
    ]


async def _lost_a_family(tx: AsyncConnection, span: Span, months: Sequence[ContractReport], terms: Terms) -> bool:
    """Whether a family was erased after one of these months of the span came out."""
    days = [month.heading.published_at for month in months if month.heading.published_at]
    return bool(days) and await was_erased_since(tx, span, min(days), terms.policy.working_time)


def _contract(heading: Heading, book: Book, terms: Terms, earlier: ContractReport | None) -> ContractReport:
    return make_contract(heading, book, count(book, terms.kpis, terms.dimensions), terms, earlier=earlier)


def stand_in(
    kind: ReportKind, span: Span, *, today: date, terms: Terms, has_data: bool, waits: Waits | None = None
) -> AnyReport:
    """A report without figures where none is published: not yet, waiting, or from before the first referral."""
    available = published_on(span, terms.contract.published_after_days)
    reason = waits.reason if waits and (kind, span) in waits.reports else ""
    is_over = available <= today and not has_data and not reason
    heading = terms.heading(
        kind,
        span,
        status=ReportStatus.NO_DATA if is_over else ReportStatus.NOT_YET,
        available_on=None if is_over or reason else max(available, today),
        waits_because=reason,
    )
    if is_over:
        words = "Nothing had been received by then."
    elif reason:
        words = "Figures come once everything is counted, so that what is published need not be corrected."
    else:
        words = f"The figures of this period are published on {heading.available_on:%-d %B %Y}, and not before."
    if kind is ReportKind.CONTRACT:
        return ContractReport(heading=heading, figures=(), tables=(), quality=(words,))
    if kind is ReportKind.EQUALITY:
        return EqualityReport(heading=heading, dimensions=(), gaps=(), quality=(words,))
    return NeedReport(
        heading=heading, tiers=(), wards=(), outreach=(), expected={}, source="", is_invented=False, quality=(words,)
    )
