"""The coded export as a manager takes it along: the file, and in the same transaction a line in the trail."""

from __future__ import annotations

from datetime import datetime

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics.coded.writing import coded_csv, dictionary_csv
from services.metrics.spans import Span
from shared import audit
from shared.access import Staff
from shared.audit import Actor, Entry
from shared.database import one_moment
from shared.policy import WorkingTime


async def coded_export(
    engine: AsyncEngine, span: Span, working_time: WorkingTime, *, taken_by: Staff, at: datetime
) -> Response:
    """Every referral received in the span, as an attachment that nothing on the way keeps."""
    async with one_moment(engine).begin() as tx:
        content = await coded_csv(tx, span, working_time)
        await audit.write(tx, [Entry(Actor("staff", taken_by.id), "codes.exported", at, detail=span.code)])
    return _file(content, f"coded-export-{span.code}.csv")


def coded_dictionary() -> Response:
    """What each column and each code means. It tells of nobody, so that no line is written."""
    return _file(dictionary_csv(), "coded-export-dictionary.csv")


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")
