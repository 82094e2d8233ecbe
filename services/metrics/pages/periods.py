"""The two reports on longer periods: who is referred in a half-year (equality), who needs help in a year (need)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request, Response

from services.metrics.pages.context import PageContext
from services.metrics.pages.report_view import (
    Reader,
    download,
    found_at,
    nothing_yet,
    span_in_words,
    version_of,
    whole_report,
)
from services.metrics.reports.model import ReportKind
from services.metrics.reports.queries import ReportQuery, read_period
from services.metrics.reports.store import ReportResult, ReportVersion, latest

KINDS: Final = (ReportKind.EQUALITY, ReportKind.NEED)


@dataclass(frozen=True, slots=True)
class Choice:
    """A period that one may look at instead."""

    period: str
    words: str


def add(routes: APIRouter, context: PageContext) -> None:
    for kind in KINDS:
        _add(routes, context, kind)


def _add(routes: APIRouter, context: PageContext, kind: ReportKind) -> None:
    @routes.get(f"/{kind}")
    async def page(request: Request, _: Reader) -> Response:
        period = request.query_params.get("period") or None
        if period is None and not latest(await context.reports.store.editions(), kind):
            return nothing_yet(context, request, kind)
        found = await _find(context, request, kind, period)
        heading = found.report.heading
        choices = [_choice(each) for each in latest(found.editions, kind) if each.period != heading.period]
        return whole_report(context.pages, request, found, is_page=True, choices=choices)

    @routes.get(f"/{kind}/{{period}}.{{suffix}}")
    async def as_file(request: Request, period: str, suffix: str, _: Reader) -> Response:
        return await download(context, await _find(context, request, kind, period), suffix)


async def _find(context: PageContext, request: Request, kind: ReportKind, period: str | None) -> ReportResult:
    return await found_at(context, ReportQuery(kind, period, version_of(request.query_params.get("version"))))


def _choice(edition: ReportVersion) -> Choice:
    return Choice(edition.period, span_in_words(read_period(edition.period)))
