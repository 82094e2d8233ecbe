"""What is published, as tests ask for it: one version, and the heading of the latest of every period."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.reports.model import MODELS, AnyReport, Heading, ReportKind
from shared.database import sql

_HEADING: Final = TypeAdapter(Heading)


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
