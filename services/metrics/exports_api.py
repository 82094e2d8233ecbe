"""The coded export for the service's own analysts: rows about persons, so for managers alone, and audited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics.coded import coded_dictionary, coded_export
from services.metrics.spans import read_month
from shared.access import Permission, Staff, may
from shared.policy import WorkingTime
from shared.problems import Problem

Manager = Annotated[Staff, Depends(may(Permission.EXPORT_CODED))]
Month = Annotated[str, Query(description="Referrals received in this month, `2026-06`")]

_CSV: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {}}, "description": "CSV, UTF-8"}}


def router(engine: AsyncEngine, working_time: WorkingTime, now: Callable[[], datetime]) -> APIRouter:
    """Two calls, both for managers; `now` is the wall clock in UTC."""
    routes = APIRouter(tags=["export"])

    @routes.get("/exports/coded", summary="Referrals in the codes of MHSDS and CSDS, one line each", responses=_CSV)
    async def rows(month: Month, staff: Manager) -> Response:
        try:
            span = read_month(month)
        except ValueError as error:
            raise Problem("invalid", f"month: {error}") from error
        return await coded_export(engine, span, working_time, taken_by=staff, at=now())

    @routes.get("/exports/coded/dictionary", summary="What each column and each code means", responses=_CSV)
    async def meanings(_: Manager) -> Response:
        return coded_dictionary()

    return routes
