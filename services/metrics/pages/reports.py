"""All published reports with their versions and what each changed; one report as a page and as files."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from services.metrics.pages.context import PageContext
from services.metrics.pages.report_view import Reader, coming, download, found_at, version_of, waiting, whole_report
from services.metrics.reports import words
from services.metrics.reports.model import Heading, ReportKind
from services.metrics.reports.queries import ReportQuery
from services.metrics.reports.store import ReportResult


@dataclass(frozen=True, slots=True)
class Series:
    """The reports of one kind: every period with all of its versions, the latest first."""

    kind: ReportKind
    periods: list[list[Heading]]


def add(routes: APIRouter, context: PageContext) -> None:
    @routes.get("/reports")
    async def all_reports(request: Request, _: Reader) -> Response:
        editions = await context.reports.store.editions()
        headings = await context.reports.store.headings(editions)
        return context.pages.render(
            request,
            "reports.html",
            every_series=[_series(kind, headings) for kind in ReportKind],
            awaited=coming(context),
            waiting=waiting(context),
            words=words,
        )

    @routes.get("/reports/{month}.{suffix}")
    async def as_file(request: Request, month: str, suffix: str, _: Reader) -> Response:
        return await download(context, await _find(context, request, month), suffix)

    @routes.get("/reports/{month}")
    async def one_report(request: Request, month: str, _: Reader) -> Response:
        return whole_report(context.pages, request, await _find(context, request, month), is_page=True)


async def _find(context: PageContext, request: Request, month: str) -> ReportResult:
    return await found_at(
        context, ReportQuery(ReportKind.CONTRACT, month, version_of(request.query_params.get("version")))
    )


def _series(kind: ReportKind, headings: list[Heading]) -> Series:
    mine = [heading for heading in headings if heading.kind is kind]
    periods = dict.fromkeys(heading.period for heading in mine)
    return Series(kind, [[heading for heading in mine if heading.period == period] for period in periods])
