"""The pages for managers and commissioners under /staff: published reports, as charts with their tables."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request

from services.metrics.pages.about import add as add_about
from services.metrics.pages.context import PageContext
from services.metrics.pages.export import add as add_export
from services.metrics.pages.kpis import add as add_kpis
from services.metrics.pages.one_page import add as add_one_page
from services.metrics.pages.overview import add as add_overview
from services.metrics.pages.periods import add as add_periods
from services.metrics.pages.report_view import Reader
from services.metrics.pages.reports import add as add_reports
from services.metrics.reports.reading_trail import write_down
from shared.access import Permission
from shared.pages import NavigationItem

PAGES: Final = (add_about, add_export)
WITH_FIGURES: Final = (add_overview, add_kpis, add_periods, add_reports, add_one_page)
"""Who reads them is in the audit trail."""
NAVIGATION: Final = (
    NavigationItem("Overview", "/staff", Permission.READ_REPORTS),
    NavigationItem("KPIs", "/staff/kpis", Permission.READ_REPORTS),
    NavigationItem("Equality", "/staff/equality", Permission.READ_REPORTS),
    NavigationItem("Need", "/staff/need", Permission.READ_REPORTS),
    NavigationItem("Reports", "/staff/reports", Permission.READ_REPORTS),
    NavigationItem("About the figures", "/staff/about", Permission.READ_REPORTS),
    NavigationItem("Coded export", "/staff/export", Permission.EXPORT_CODED),
)


def navigation(triage_url: str) -> tuple[NavigationItem, ...]:
    """Ours, and the way to the pages of the triage team for those who may go there."""
    return (*NAVIGATION, NavigationItem("Referrals", f"{triage_url.rstrip('/')}/staff", Permission.READ_QUEUES))


def router(context: PageContext) -> APIRouter:
    """Every page; docs/pages.md lists the addresses."""

    async def written_down(request: Request, reader: Reader) -> None:
        await write_down(context.reports, request, reader.staff)

    both = APIRouter()
    for pages, checks in ((WITH_FIGURES, [Depends(written_down)]), (PAGES, [])):
        routes = APIRouter(prefix="/staff", include_in_schema=False, dependencies=checks)
        for add in pages:
            add(routes, context)
        both.include_router(routes)
    return both
