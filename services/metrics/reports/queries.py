"""Which report somebody asks for: the published one, or the document that says why there is none yet.

Pages and API ask here, and so say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics.reports.formats import ReportFiles
from services.metrics.reports.model import ReportKind
from services.metrics.reports.publishing import Waits, stand_in
from services.metrics.reports.store import ReportResult, ReportStore
from services.metrics.reports.terms import Terms
from services.metrics.spans import Span, half_of, month_of, published_on, read_month, year_of
from shared.policy import Contract, Policy
from shared.problems import FieldError, Problem
from shared.working_time import day_in_london

_BETWEEN: Final = "--"


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """A report of one kind for a period, the latest published one when None; of a version, or the latest."""

    kind: ReportKind
    period: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class PublishedReports:
    """All that is published, with what is needed to ask for it.

    `terms` are those of reports, None when the policy has no contract; `now` is the wall clock in UTC.

    `waits` tells which reports are due and not published, when that was last looked at. The `engine` is for the trail
    of who reads them.
    """

    engine: AsyncEngine
    store: ReportStore
    files: ReportFiles
    policy: Policy
    terms: Terms | None
    now: Callable[[], datetime]
    waits: Callable[[], Waits | None] = lambda: None

    @classmethod
    def of(
        cls,
        engine: AsyncEngine,
        policy: Policy,
        terms: Terms | None,
        now: Callable[[], datetime],
        waits: Callable[[], Waits | None] = lambda: None,
    ) -> PublishedReports:
        store = ReportStore(engine)
        return cls(engine, store, ReportFiles(store), policy, terms, now, waits)

    @property
    def today(self) -> date:
        """London's."""
        return day_in_london(self.now())

    async def find(self, asked: ReportQuery) -> ReportResult:
        """What is published, or why it is not.

        Raises Problem: 422 for a period that is none, 404 for one that has not begun, is no period of this contract or
        has no such version, and for what is not published where the policy has no contract (`terms` is None).
        """
        editions = tuple(each for each in await self.store.editions() if each.kind is asked.kind)
        period = asked.period or (editions[0].period if editions else None)
        of_period = [each for each in editions if each.period == period]
        chosen = next((each for each in of_period if asked.version in (None, each.version)), None)
        if chosen is not None:
            return ReportResult((await self.store.documents([chosen]))[0].report, chosen, editions)
        if of_period:
            raise Problem("not-found", "There is no such version")
        if self.terms is None:
            raise Problem("not-found", "The policy in force names no contract, so nothing is published")
        today = self.today
        span = _span(asked.kind, period, contract=self.terms.contract, today=today)
        if span.first_day > today:
            raise Problem("not-found", "This period has not begun yet")
        if asked.version is not None:
            raise Problem("not-found", "There is no such version")
        has_data = any(each.first_day < span.first_day for each in editions)
        report = stand_in(asked.kind, span, today=today, terms=self.terms, has_data=has_data, waits=self.waits())
        return ReportResult(report, None, editions)


def _span(kind: ReportKind, period: str | None, *, contract: Contract, today: date) -> Span:
    """The period that is asked for; without one that which goes on today."""
    if period is None:
        return _around(today, kind, contract)
    name, form = ("month", "2026-06") if kind is ReportKind.CONTRACT else ("period", "2026-03--2026-08")
    try:
        span = read_period(period)
    except ValueError:
        span = None
    if span is None or (kind is ReportKind.CONTRACT and span.months > 1):
        raise Problem("invalid", errors=[FieldError(f"/query/{name}", "format", f"Write it like {form}")])
    if span != _around(span.first_day, kind, contract):
        raise Problem("not-found", "This is no period of the contract")
    return span


def next_publication(kind: ReportKind, contract: Contract, *, today: date) -> tuple[Span, date]:
    """The period of which a report comes next, and on which day; a day that is today counts."""
    days = contract.published_after_days
    span = _around(_around(today, kind, contract).first_day - date.resolution, kind, contract)
    while published_on(span, days) < today:
        span = span.next()
    return span, published_on(span, days)


def read_period(period: str) -> Span:
    """`2026-06` or `2026-03--2026-08`, as Span.code writes it. Raises ValueError."""
    first, between, last = period.partition(_BETWEEN)
    start = read_month(first)
    if not between:
        return start
    end = read_month(last)
    months = (end.first_day.year - start.first_day.year) * 12 + end.first_day.month - start.first_day.month + 1
    if months < 2:  # noqa: PLR2004  a span of one month is written as a month
        raise ValueError("the last month comes after the first")
    return Span(start.first_day, months)


def _around(day: date, kind: ReportKind, contract: Contract) -> Span:
    if kind is ReportKind.EQUALITY:
        return half_of(day, contract.starts_on)
    return year_of(day, contract.starts_on) if kind is ReportKind.NEED else month_of(day)
