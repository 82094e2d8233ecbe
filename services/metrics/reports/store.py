"""Where published reports are stored: written once, found again, each parsed once because it never changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.metrics.reports.model import MODELS, AnyReport, Heading, Part, ReportKind
from shared.database import read_only, sql

KEPT: Final = 100
"""Documents in memory: three years of months, and what goes with them."""

_EDITIONS: Final = sql("""
    SELECT kind, period, version, first_day, published_at, is_practice FROM report
    ORDER BY first_day DESC, period DESC, version DESC
""")
_OF_EDITIONS: Final = """
    SELECT kind, period, version, {text} AS text FROM report JOIN unnest(
        CAST(:kinds AS text[]), CAST(:periods AS text[]), CAST(:versions AS int[])
    ) AS asked(kind, period, version) USING (kind, period, version)
"""
_DOCUMENTS: Final = sql(_OF_EDITIONS.format(text="document"))
_HEADINGS: Final = sql(_OF_EDITIONS.format(text="CAST(document AS jsonb) ->> 'heading'"))

Report = TypeVar("Report", bound=Part)


@dataclass(frozen=True, slots=True)
class ReportVersion:
    """One version of the report on one period, by which it is found."""

    kind: ReportKind
    period: str
    version: int
    first_day: date
    published_at: datetime
    is_practice: bool


@dataclass(frozen=True, slots=True)
class ReportResult:
    """`edition` is None for a document that was never published: it holds no figure."""

    report: AnyReport
    edition: ReportVersion | None = None
    editions: tuple[ReportVersion, ...] = ()
    """All of this kind: the latest period first, of each period the latest version first."""

    @property
    def versions(self) -> list[ReportVersion]:
        """Those of this very period."""
        return [each for each in self.editions if each.period == self.report.heading.period]


class Document(NamedTuple):
    """`text` is the JSON exactly as it was published."""

    report: AnyReport
    text: str


class ReportStore:
    """Asks for the list of editions every time, and for a document once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = read_only(engine)
        self._documents: dict[ReportVersion, Document] = {}
        self._headings: dict[ReportVersion, Heading] = {}

    async def editions(self) -> list[ReportVersion]:
        """All of them: the latest period first, of each period the latest version first."""
        async with self._engine.connect() as tx:
            rows = await tx.execute(_EDITIONS)
            return [ReportVersion(ReportKind(row.kind), *row[1:]) for row in rows]

    async def documents(self, editions: Sequence[ReportVersion]) -> list[Document]:
        """In the order asked for, in one statement at most."""
        missing = [edition for edition in editions if edition not in self._documents]
        found = {edition: self._documents[edition] for edition in editions if edition not in missing}
        if missing:
            texts = await self._texts(_DOCUMENTS, missing)
            found |= {
                each: Document(MODELS[each.kind].model_validate_json(texts[each]), texts[each]) for each in missing
            }
        self._keep(found)
        return [found[edition] for edition in editions]

    async def read(self, kind: type[Report], editions: Sequence[ReportVersion]) -> list[Report]:
        """The reports of these editions that are of this kind, in the order asked for."""
        return [each.report for each in await self.documents(editions) if isinstance(each.report, kind)]

    async def headings(self, editions: Sequence[ReportVersion]) -> list[Heading]:
        """What each says of itself, in the order asked for, without the rest of the documents."""
        if missing := [edition for edition in editions if edition not in self._headings]:
            texts = await self._texts(_HEADINGS, missing)
            self._headings |= {each: Heading.model_validate_json(texts[each]) for each in missing}
        return [self._headings[edition] for edition in editions]

    async def _texts(self, statement: sa.TextClause, editions: Sequence[ReportVersion]) -> dict[ReportVersion, str]:
        async with self._engine.connect() as tx:
            rows = await tx.execute(
                statement,
                {
                    "kinds": [edition.kind.value for edition in editions],
                    "periods": [edition.period for edition in editions],
                    "versions": [edition.version for edition in editions],
                },
            )
            texts = {(row.kind, row.period, row.version): row.text for row in rows}
        return {edition: texts[edition.kind.value, edition.period, edition.version] for edition in editions}

    def _keep(self, found: dict[ReportVersion, Document]) -> None:
        """Those that were asked for last stay longest."""
        for edition, document in found.items():
            self._documents.pop(edition, None)
            self._documents[edition] = document
        for edition in list(self._documents)[:-KEPT]:
            del self._documents[edition]


def latest(editions: Sequence[ReportVersion], kind: ReportKind) -> list[ReportVersion]:
    """The latest version of every period of one kind, the latest period first."""
    found: dict[str, ReportVersion] = {}
    for edition in editions:
        if edition.kind is kind:
            found.setdefault(edition.period, edition)
    return list(found.values())


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


async def last_version(tx: AsyncConnection, kind: ReportKind, period: str) -> AnyReport | None:
    """The last version of a report; None when nothing was published for the period."""
    document = await tx.scalar(
        sql("SELECT document FROM report WHERE kind = :kind AND period = :period ORDER BY version DESC LIMIT 1"),
        {"kind": kind.value, "period": period},
    )
    return MODELS[kind].model_validate_json(document) if document else None
