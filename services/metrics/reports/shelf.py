"""The shelf of published reports: put one there, find it again. A row is never changed."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.reports.model import MODELS, AnyReport, ReportKind
from shared.database import sql


async def put(tx: AsyncConnection, report: AnyReport) -> None:
    """Store a report as it is published; the same kind, period and version can't be put twice (IntegrityError)."""
    heading = report.heading
    await tx.execute(
        sql("""
            INSERT INTO report (kind, period, version, first_day, published_at, document, is_practice)
            VALUES (:kind, :period, :version, :first_day, :published_at, :document, :is_practice)
        """),
        {
            "kind": heading.kind.value,
            "period": heading.period,
            "version": heading.version,
            "first_day": heading.first_day,
            "published_at": heading.published_at,
            "document": report.model_dump_json(),
            "is_practice": heading.is_practice,
        },
    )


async def latest(tx: AsyncConnection, kind: ReportKind, period: str) -> AnyReport | None:
    """The last version of a report; None when nothing was published for the period."""
    document = await tx.scalar(
        sql("SELECT document FROM report WHERE kind = :kind AND period = :period ORDER BY version DESC LIMIT 1"),
        {"kind": kind.value, "period": period},
    )
    return MODELS[kind].model_validate_json(document) if document else None
