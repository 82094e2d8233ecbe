"""The coded export for the service's own analysts: rows about persons, so for managers alone, and audited."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics.coded import coded_csv, dictionary_csv
from services.metrics.spans import read_month
from shared import audit
from shared.access import Permission, Staff, may
from shared.audit import Actor, Entry
from shared.policy import WorkingTime
from shared.problems import Problem

Manager = Annotated[Staff, Depends(may(Permission.EXPORT_CODED))]
Month = Annotated[str, Query(description="Referrals received in this month, `2026-06`")]

_CSV: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {}}, "description": "CSV, UTF-8"}}


def router(engine: AsyncEngine, working_time: WorkingTime) -> APIRouter:
    """Two calls, both for managers."""
    routes = APIRouter(tags=["export"])

    @routes.get("/exports/coded", summary="Referrals in the codes of MHSDS and CSDS, one line each", responses=_CSV)
    async def rows(month: Month, staff: Manager) -> Response:
        try:
            span = read_month(month)
        except ValueError as error:
            raise Problem("invalid", f"month: {error}") from error
        async with engine.begin() as tx:
            content = await coded_csv(tx, span, working_time)
            entry = Entry(Actor("staff", staff.id), "codes.exported", datetime.now(UTC), detail=span.code)
            await audit.write(tx, [entry])
        return _file(content, f"coded-export-{span.code}.csv")

    @routes.get("/exports/coded/dictionary", summary="What each column and each code means", responses=_CSV)
    async def meanings(_: Manager) -> Response:
        return _file(dictionary_csv(), "coded-export-dictionary.csv")

    return routes


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")
