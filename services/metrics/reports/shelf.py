"""The shelf of published reports: put one there, find it again. A row is never changed."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.reports.model import MODELS, AnyReport, Heading, ReportKind
from shared.database import sql

_HEADING: Final = TypeAdapter(Heading)


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


async def version_of(tx: AsyncConnection, kind: ReportKind, period: str, version: int) -> AnyReport | None:
    """One version, as it was published."""
    document = await tx.scalar(
        sql("SELECT document FROM report WHERE kind = :kind AND period = :period AND version = :version"),
        {"kind": kind.value, "period": period, "version": version},
    )
    return MODELS[kind].model_validate_json(document) if document else None


async def headings(tx: AsyncConnection, kind: ReportKind) -> list[Heading]:
    """Of every period the last version, the newest period first."""
    documents = await tx.execute(
        sql("""
            SELECT DISTINCT ON (first_day, period) CAST(document AS jsonb) ->> 'heading' FROM report
            WHERE kind = :kind ORDER BY first_day DESC, period, version DESC
        """),
        {"kind": kind.value},
    )
    return [_HEADING.validate_json(heading) for heading in documents.scalars()]
