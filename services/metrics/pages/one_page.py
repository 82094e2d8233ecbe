"""A month of the contract on one sheet of paper: figures with their targets, who is not reached, need that is not met.

Figures, page and print say the same: the rows are those of the KPI page, in fewer columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Request, Response

from services.metrics.pages.context import PageContext
from services.metrics.pages.lines import lines_of
from services.metrics.pages.overview import longer_periods
from services.metrics.pages.report_view import Reader, version_of
from services.metrics.reports import words
from services.metrics.reports.model import ContractReport, ReportKind
from services.metrics.reports.store import ReportVersion, latest
from shared.problems import Problem

CODES: Final = (
    *("received", "accepted", "declined", "withdrawn"),
    *("acknowledged_at_once", "seen_by_a_person", "decided_in_time", "contacted_in_time", "contacted_in_time_priority"),
    *("safeguarding_acknowledged", "aged_out_waiting", "bounced", "fathers", "parent_was_asked"),
    *("places_individual", "places_group"),
)
"""So many figures fit on a sheet; the rest is in the whole report."""


def add(routes: APIRouter, context: PageContext) -> None:
    store = context.reports.store

    @routes.get("/reports/{month}/one-page")
    async def one_page(request: Request, month: str, _: Reader) -> Response:
        editions = await store.editions()
        chosen = _chosen(editions, month, version_of(request.query_params.get("version")))
        wider = [_of_then(editions, kind, chosen) for kind in (ReportKind.EQUALITY, ReportKind.NEED)]
        earlier = [each for each in latest(editions, ReportKind.CONTRACT) if each.first_day < chosen.first_day][:1]
        asked = [*earlier, chosen, *(each for each in wider if each)]
        reports = [each.report for each in await store.documents(asked)]
        months = [each for each in reports if isinstance(each, ContractReport)]
        lines = lines_of(CODES, months)
        return context.pages.render(
            request,
            "one_page.html",
            heading=months[-1].heading,
            lines=lines,
            meanings=words.meanings(line.figure.value for line in lines),
            **longer_periods(reports),
            words=words,
        )


def _chosen(editions: Sequence[ReportVersion], month: str, version: int | None) -> ReportVersion:
    """Raises Problem 404 where no such version is published."""
    of_month = [each for each in editions if each.kind is ReportKind.CONTRACT and each.period == month]
    found = next((each for each in of_month if version in (None, each.version)), None)
    if found is None:
        raise Problem("not-found", "There is no report at this address.")
    return found


def _of_then(editions: Sequence[ReportVersion], kind: ReportKind, month: ReportVersion) -> ReportVersion | None:
    """The wider report that the month is in, or the last before it."""
    return next((each for each in latest(editions, kind) if each.first_day <= month.first_day), None)
