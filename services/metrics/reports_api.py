"""HTTP in: the published reports as JSON, HTML, CSV and XLSX, chosen by `Accept` or by the suffix of the address."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.metrics.pages.report_view import whole_report
from services.metrics.reports.formats import MEDIA_TYPES, Format, file_name, media_type, wanted
from services.metrics.reports.model import MODELS, ReportKind
from services.metrics.reports.queries import PublishedReports, ReportQuery
from services.metrics.reports.reading_trail import write_down
from services.metrics.reports.store import ReportResult, ReportVersion
from services.metrics.reports_docs import LISTED, answers
from shared.access import Permission, Staff, may
from shared.pages import Pages
from shared.problems import Problem
from shared.web import answer

Month = Annotated[str, Query(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$", description="The month", examples=["2026-06"])]
_SPAN: Final = "^[0-9]{4}-(0[1-9]|1[0-2])--[0-9]{4}-(0[1-9]|1[0-2])$"
HalfYear = Annotated[
    str | None,
    Query(pattern=_SPAN, description="A half-year of the contract; the latest without", examples=["2026-03--2026-08"]),
]
Year = Annotated[
    str | None,
    Query(pattern=_SPAN, description="A contract year; the latest without", examples=["2025-09--2026-08"]),
]
Version = Annotated[int | None, Query(ge=1, le=9999, description="An older version; the latest without")]
Suffix = Annotated[str, Path(json_schema_extra={"enum": list(Format)}, description="In place of `Accept`")]

Endpoint = Callable[..., Awaitable[Response]]

SUMMARIES: Final = {
    ReportKind.CONTRACT: "The contract report of a month",
    ReportKind.EQUALITY: "Who is referred, against the under-twos, in a half-year of the contract",
    ReportKind.NEED: "Families expected against families seen, in a contract year",
}


@dataclass(frozen=True, slots=True)
class ReportAnswers:
    """Where reports are given out; `pages` shows them as HTML."""

    reports: PublishedReports
    pages: Pages

    async def give(self, request: Request, asked: ReportQuery, suffix: str | None = None) -> Response:
        """Raises Problem: 404, 406 when `Accept` takes none of our forms, 422."""
        form = _form(request, suffix)
        found = await self.reports.find(asked)
        content = await self._content(request, found, form)
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
        if _is_known(etag, request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        if form in (Format.CSV, Format.XLSX):
            headers["Content-Disposition"] = f'attachment; filename="{file_name(found.report.heading, form)}"'
        return Response(content, headers=headers, media_type=media_type(form))

    async def _content(self, request: Request, found: ReportResult, form: Format) -> bytes:
        if form is Format.HTML:
            return bytes(whole_report(self.pages, request, found).body)
        return await self.reports.files.content(found, form)


def router(reports: PublishedReports, pages: Pages) -> APIRouter:
    """Every call needs READ_REPORTS and is in the audit trail; nobody's answer differs from another's."""

    async def written_down(request: Request, staff: Annotated[Staff, Depends(may(Permission.READ_REPORTS))]) -> None:
        await write_down(reports, request, staff)

    routes = APIRouter(tags=["reports"], dependencies=[Depends(written_down)])
    desk = ReportAnswers(reports, pages)

    @routes.get("/reports", summary="All that is published, the latest first", responses=LISTED)
    async def published() -> Response:
        return answer({"items": [_listed(edition) for edition in await reports.store.editions()]})

    async def contract(request: Request, month: Month, version: Version = None) -> Response:
        return await desk.give(request, ReportQuery(ReportKind.CONTRACT, month, version))

    async def contract_as(request: Request, suffix: Suffix, month: Month, version: Version = None) -> Response:
        return await desk.give(request, ReportQuery(ReportKind.CONTRACT, month, version), suffix)

    async def equality(request: Request, period: HalfYear = None, version: Version = None) -> Response:
        return await desk.give(request, ReportQuery(ReportKind.EQUALITY, period, version))

    async def equality_as(
        request: Request, suffix: Suffix, period: HalfYear = None, version: Version = None
    ) -> Response:
        return await desk.give(request, ReportQuery(ReportKind.EQUALITY, period, version), suffix)

    async def need(request: Request, period: Year = None, version: Version = None) -> Response:
        return await desk.give(request, ReportQuery(ReportKind.NEED, period, version))

    async def need_as(request: Request, suffix: Suffix, period: Year = None, version: Version = None) -> Response:
        return await desk.give(request, ReportQuery(ReportKind.NEED, period, version), suffix)

    calls: dict[ReportKind, tuple[Endpoint, Endpoint]] = {
        ReportKind.CONTRACT: (contract, contract_as),
        ReportKind.EQUALITY: (equality, equality_as),
        ReportKind.NEED: (need, need_as),
    }
    for kind, (by_accept, by_suffix) in calls.items():
        shared: dict[str, Any] = {"response_model": MODELS[kind], "methods": ["GET"]}
        path, words = f"/reports/{kind}", SUMMARIES[kind]
        routes.add_api_route(path, by_accept, summary=f"{words}; `Accept` says how", responses=answers(kind), **shared)
        by_address = answers(kind, is_by_accept=False)
        routes.add_api_route(
            path + ".{suffix}", by_suffix, summary=f"{words}, as a file", responses=by_address, **shared
        )
    return routes


def _form(request: Request, suffix: str | None) -> Format:
    if suffix is not None:
        if suffix not in set(Format):
            raise Problem("not-found")
        return Format(suffix)
    form = wanted(", ".join(request.headers.getlist("accept")))
    if form is None:
        raise Problem("not-acceptable", f"This comes as {', '.join(MEDIA_TYPES.values())}")
    return form


def _is_known(etag: str, if_none_match: str) -> bool:
    known = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return etag in known or "*" in known


def _listed(edition: ReportVersion) -> dict[str, Any]:
    parameter = "month" if edition.kind is ReportKind.CONTRACT else "period"
    return {
        "kind": edition.kind,
        "period": edition.period,
        "version": edition.version,
        "published_at": edition.published_at.isoformat(),
        "is_practice": edition.is_practice,
        "href": f"/reports/{edition.kind}?{parameter}={edition.period}&version={edition.version}",
    }
