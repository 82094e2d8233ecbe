"""The start page, for the contract meeting: the last month, what is paid for, who is not reached, what is not met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from services.metrics.pages.context import PageContext
from services.metrics.pages.lines import lines_of
from services.metrics.pages.report_view import Reader, nothing_yet, waiting
from services.metrics.reports import words
from services.metrics.reports.as_html import Section, trends
from services.metrics.reports.model import AnyReport, ContractReport, EqualityReport, NeedReport, ReportKind
from services.metrics.reports.remarks import need_remarks, needs
from services.metrics.reports.store import ReportVersion, latest

MONTHS: Final = 13
"""A year, and the same month of the year before."""
HEADLINES: Final = (
    "received",
    "accepted",
    "declined",
    "seen_by_a_person",
    "decided_in_time",
    "contacted_in_time",
    "aged_out_waiting",
    "parent_was_asked",
)
TRENDS: Final = ("received", "accepted", "decided_in_time", "contacted_in_time")


def add(routes: APIRouter, context: PageContext) -> None:
    store = context.reports.store

    @routes.get("")
    async def overview(request: Request, _: Reader) -> Response:
        editions = await store.editions()
        months = latest(editions, ReportKind.CONTRACT)[:MONTHS][::-1]
        if not months:
            return nothing_yet(context, request)
        asked = [*months, *_last(editions, ReportKind.EQUALITY), *_last(editions, ReportKind.NEED)]
        reports = [each.report for each in await store.documents(asked)]
        contracts = [each for each in reports if isinstance(each, ContractReport)]
        return context.pages.render(
            request,
            "overview.html",
            report=contracts[-1],
            heading=contracts[-1].heading,
            months=len(contracts),
            waiting=waiting(context),
            headlines=lines_of(HEADLINES, contracts),
            paid=lines_of([figure.code for figure in contracts[-1].figures if figure.is_paid], contracts),
            trends=_trends(contracts),
            **longer_periods(reports),
            words=words,
        )


def longer_periods(reports: Sequence[AnyReport]) -> dict[str, Any]:
    """The half-year and the year among the reports, as a page shows them; None for one that is not published yet."""
    equality = next((each for each in reports if isinstance(each, EqualityReport)), None)
    need = next((each for each in reports if isinstance(each, NeedReport)), None)
    return {
        "equality": equality,
        "is_invented": equality is not None and any(dimension.is_invented for dimension in equality.dimensions),
        "need": need,
        "needs": needs(need.tiers) if need else (),
        "need_remarks": need_remarks(need.tiers).values() if need else (),
    }


def _trends(months: list[ContractReport]) -> list[Section]:
    """Of a few figures: a picture each, with its table. One month alone makes no line."""
    seen = Counter(figure.code for each in months for figure in each.figures)
    drawn = [code for code in TRENDS if seen[code] > 1]
    slim = [
        each.model_copy(update={"figures": tuple(figure for figure in each.figures if figure.code in drawn)})
        for each in months
    ]
    return trends(slim)


def _last(editions: list[ReportVersion], kind: ReportKind) -> list[ReportVersion]:
    return latest(editions, kind)[:1]
