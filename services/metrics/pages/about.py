"""How the figures are made: what is published when, what is held back, and what each KPI counts by which date."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from services.metrics.counting.kpis import kpis
from services.metrics.pages.context import PageContext
from services.metrics.pages.report_view import Reader, coming
from services.metrics.reports import words
from services.metrics.reports.model import MARKS


def add(routes: APIRouter, context: PageContext) -> None:
    policy = context.reports.policy

    @routes.get("/about")
    async def about(request: Request, _: Reader) -> Response:
        return context.pages.render(
            request,
            "about.html",
            contract=policy.contract,
            authority=policy.authority_name,
            kpis=kpis(policy),
            marks=[(f"[{mark}]", meaning) for mark, meaning in MARKS.items()],
            awaited=coming(context),
            words=words,
        )
