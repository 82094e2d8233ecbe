"""What pages ask of an address and who may look; a whole report as a page; what is said while nothing is published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.metrics.pages.context import PageContext
from services.metrics.reports import queries, words
from services.metrics.reports.as_html import View, contract_view, equality_view, need_view
from services.metrics.reports.formats import Format, file_name, media_type
from services.metrics.reports.model import ReportKind
from services.metrics.reports.queries import ReportQuery
from services.metrics.reports.store import ReportResult
from services.metrics.spans import Span
from shared.access import Permission
from shared.pages import Pages
from shared.problems import Problem
from shared.sign_in import Visitor, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_REPORTS))]
Coming = tuple[Span, date]
"""A period, and the day on which its report comes."""

FILES: Final = (Format.CSV, Format.XLSX, Format.JSON)
_DIGITS: Final = 4


def version_of(text: str | None) -> int | None:
    """None for the latest; raises Problem 404 for what is no number of a version."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise Problem("not-found", "There is no such version.")
    return int(text)


async def found_at(context: PageContext, asked: ReportQuery) -> ReportResult:
    """Raises Problem 404, for what is no period as well: it is part of the address of a page."""
    try:
        return await context.reports.find(asked)
    except Problem as problem:
        if problem.name != "invalid":
            raise
        raise Problem("not-found", "There is no report at this address.") from None


async def download(context: PageContext, found: ReportResult, suffix: str) -> Response:
    """The report as a file to keep; raises Problem 404 for another form and where nothing is published."""
    if suffix not in set(FILES) or found.edition is None:
        raise Problem("not-found", "There is no such file.")
    form = Format(suffix)
    content = await context.reports.files.content(found, form)
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(found.report.heading, form)}"',
        "Cache-Control": "no-store",
    }
    return Response(content, headers=headers, media_type=media_type(form))


def coming(context: PageContext, kind: ReportKind = ReportKind.CONTRACT) -> Coming | None:
    """The report that comes next; None when the policy has no contract."""
    contract = context.reports.policy.contract
    return queries.next_publication(kind, contract, today=context.reports.today) if contract else None


def waiting(context: PageContext, kind: ReportKind = ReportKind.CONTRACT) -> str:
    """Why the first of the reports of a kind that are due is not published, in a sentence; empty when none waits."""
    waits = context.reports.waits()
    first = next((span for each, span in waits.reports if each is kind), None) if waits else None
    return words.waiting(first.first_day, first.last_day, waits.reason) if waits and first else ""


def nothing_yet(context: PageContext, request: Request, kind: ReportKind = ReportKind.CONTRACT) -> Response:
    """For a first day: says when a report of this kind comes, and about which period."""
    awaited = coming(context, kind)
    return context.pages.render(
        request,
        "nothing_yet.html",
        awaited=awaited,
        awaited_words=span_in_words(awaited[0]) if awaited else "",
        kind=kind,
        waiting=waiting(context, kind),
    )


def span_in_words(span: Span) -> str:
    """`June 2026`; `March 2026 to August 2026`."""
    return words.span(span.first_day, span.last_day)


VIEWS: Final[dict[ReportKind, Callable[[Any], View]]] = {
    ReportKind.CONTRACT: contract_view,
    ReportKind.EQUALITY: equality_view,
    ReportKind.NEED: need_view,
}


def whole_report(pages: Pages, request: Request, found: ReportResult, **context: Any) -> HTMLResponse:
    """`context` is what a page has beyond the report itself: without `is_page` it leads to no other page."""
    heading = found.report.heading
    return pages.render(
        request,
        "report.html",
        view=VIEWS[heading.kind](found.report),
        heading=heading,
        versions=found.versions,
        is_latest=found.edition is None or found.edition == found.versions[0],
        words=words,
        **context,
    )
