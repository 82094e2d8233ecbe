"""The KPIs of the last published month with what each means, and one of them over thirteen months."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from services.metrics.pages.context import PageContext
from services.metrics.pages.lines import groups_of, line_of
from services.metrics.pages.overview import MONTHS
from services.metrics.pages.report_view import Reader, nothing_yet
from services.metrics.reports import charts, words
from services.metrics.reports.model import ContractReport, Figure, Heading, ReportKind, Shown, figure_of
from services.metrics.reports.remarks import reason, remarks
from services.metrics.reports.store import latest
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class MonthOfFigure:
    """What a KPI was in one month; `figure` is None where that month's report did not have it."""

    heading: Heading
    figure: Figure | None
    reason: str = ""
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: ContractReport, code: str) -> MonthOfFigure:
        figure = figure_of(report.figures, code)
        if figure is None:
            return cls(report.heading, None)
        return cls(report.heading, figure, reason(figure), remarks(figure, report))


def add(routes: APIRouter, context: PageContext) -> None:
    @routes.get("/kpis")
    async def all_kpis(request: Request, _: Reader) -> Response:
        months = await _months(context)
        if not months:
            return nothing_yet(context, request)
        heading = months[-1].heading
        meanings = words.meanings(figure.value for figure in months[-1].figures)
        groups = groups_of(months)
        return context.pages.render(
            request, "kpis.html", groups=groups, heading=heading, meanings=meanings, words=words
        )

    @routes.get("/kpis/{code}")
    async def one_kpi(request: Request, code: str, _: Reader) -> Response:
        months = await _months(context)
        if not months:
            return nothing_yet(context, request)
        figure = figure_of(months[-1].figures, code)
        if figure is None:
            raise Problem("not-found", "There is no such figure in the last report.")
        return context.pages.render(
            request,
            "kpi.html",
            figure=figure,
            line=line_of(figure, months),
            heading=months[-1].heading,
            months=[MonthOfFigure.of(each, code) for each in reversed(months)],
            words=words,
            picture=charts.trend(f"chart-{code}", figure, charts.points(months, code)),
            meanings=words.meanings(shown for shown in _shown(months, code)),
        )


def _shown(months: Sequence[ContractReport], code: str) -> Iterator[Shown | None]:
    """Every number of the table."""
    for report in months:
        if figure := figure_of(report.figures, code):
            yield from (figure.value, figure.numerator, figure.denominator)


async def _months(context: PageContext) -> list[ContractReport]:
    """The last ones, oldest first."""
    editions = latest(await context.reports.store.editions(), ReportKind.CONTRACT)[:MONTHS][::-1]
    return await context.reports.store.read(ContractReport, editions)
