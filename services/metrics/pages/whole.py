"""A whole report as one page, the same for a person at the pages and for a program that asks for HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.metrics.reports import words
from services.metrics.reports.as_html import View, contract_view, equality_view, need_view
from services.metrics.reports.model import ReportKind
from services.metrics.reports.store import ReportResult
from shared.pages import Pages

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
