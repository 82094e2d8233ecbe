"""Coded rows for the national data sets, taken along by a manager: a form, a file, and a line in the trail."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from services.metrics.coded import coded_dictionary, coded_export
from services.metrics.pages.context import PageContext
from services.metrics.pages.report_view import span_in_words
from services.metrics.spans import Span, month_of, read_month
from shared.access import Permission
from shared.sign_in import Visitor, read_form, visitor
from shared.working_time import months_later

Manager = Annotated[Visitor, Depends(visitor(Permission.EXPORT_CODED))]

MONTHS: Final = 24
"""So many months that have ended can be chosen."""
MISSING: Final = "Choose a month from the list"


def add(routes: APIRouter, context: PageContext) -> None:
    working_time, now = context.reports.policy.working_time, context.reports.now

    @routes.get("/export")
    async def form(request: Request, _: Manager) -> Response:
        return context.pages.render(request, "export.html", months=_choices(context), errors=[])

    @routes.post("/export")
    async def take(request: Request, who: Manager) -> Response:
        span = _chosen(context, (await read_form(request, who)).get("month"))
        if span is None:
            errors = [{"text": MISSING, "href": "#month"}]
            return context.pages.render(request, "export.html", status=422, months=_choices(context), errors=errors)
        return await coded_export(context.engine, span, working_time, taken_by=who.staff, at=now())

    @routes.get("/export/dictionary.csv")
    async def meanings(_: Manager) -> Response:
        return coded_dictionary()


def _ended(context: PageContext) -> list[Span]:
    """The latest first."""
    first = month_of(context.reports.today).first_day
    return [Span(months_later(first, -number)) for number in range(1, MONTHS + 1)]


def _choices(context: PageContext) -> list[dict[str, str]]:
    """As the select of the design system takes them."""
    return [{"value": span.code, "text": span_in_words(span)} for span in _ended(context)]


def _chosen(context: PageContext, typed: object) -> Span | None:
    """None for what is not on the list."""
    try:
        span = read_month(typed) if isinstance(typed, str) else None
    except ValueError:
        return None
    return span if span in _ended(context) else None
