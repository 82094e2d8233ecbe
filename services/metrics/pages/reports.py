"""All published reports with their versions and what each changed; one report as a page and as files."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from services.metrics.pages.context import PageContext
from services.metrics.pages.reading import Reader, coming, download, found_at, version_of, waiting, whole_report
from services.metrics.reports import words
from services.metrics.reports.model import Heading, ReportKind
from services.metrics.reports.queries import ReportQuery
from services.metrics.reports.store import ReportResult


@dataclass(frozen=True, slots=True)
class Series:
    """The reports of one kind: every period with all of its versions, the latest first."""

    kind: ReportKind
    periods: list[list[Heading]]


def add(routes: APIRouter, room: PageContext) -> None:
    @routes.get("/reports")
    async def all_reports(request: Request, _: Reader) -> Response:
        editions = await room.reports.store.editions()
        headings = await room.reports.store.headings(editions)
        return room.pages.render(
            request,
            "reports.html",
            every_series=[_series(kind, headings) for kind in ReportKind],
            awaited=coming(room),
            waiting=waiting(room),
            words=words,
        )

    @routes.get("/reports/{month}.{suffix}")
    async def as_file(request: Request, month: str, suffix: str, _: Reader) -> Response:
        return await download(room, await _find(room, request, month), suffix)

    @routes.get("/reports/{month}")
    async def one_report(request: Request, month: str, _: Reader) -> Response:
        return whole_report(room.pages, request, await _find(room, request, month), is_page=True)


async def _find(room: PageContext, request: Request, month: str) -> ReportResult:
    return await found_at(
        room, ReportQuery(ReportKind.CONTRACT, month, version_of(request.query_params.get("version")))
    )


def _series(kind: ReportKind, headings: list[Heading]) -> Series:
    mine = [heading for heading in headings if heading.kind is kind]
    periods = dict.fromkeys(heading.period for heading in mine)
    return Series(kind, [[heading for heading in mine if heading.period == period] for period in periods])
