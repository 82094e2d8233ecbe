"""Exact numbers of a span, by KPI and by category: the step before disclosure control. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_high
from typing import Final

from services.metrics import codes
from services.metrics.counting.book import Book
from services.metrics.counting.categories import CountedDimension
from services.metrics.counting.kpis import Kpi

COLUMNS: Final[Mapping[str, str]] = {
    "received": "Received",
    "accepted": "Accepted",
    "declined": "Declined",
    "withdrawn": "Withdrawn",
}
"""What a breakdown counts, each by the date of its own: the codes are those of the KPIs."""
BREAKDOWNS: Final = (
    *(codes.SOURCE, codes.WARD, codes.TIER, codes.CARER),
    *(codes.MOTHER_ETHNICITY, codes.FATHER_ETHNICITY, codes.BABY_ETHNICITY),
)
UNKNOWN_AGENCY: Final = "unknown"


@dataclass(frozen=True)
class Number:
    """One KPI: a count has no denominator; a wait has the median in `days` and its count in `numerator`."""

    numerator: int
    denominator: int | None = None
    days: int | None = None


@dataclass(frozen=True)
class Exact:
    """`numbers` by KPI; `tables`: breakdown → category → column → count, all categories that are listed or occurred."""

    numbers: Mapping[str, Number]
    tables: Mapping[str, Mapping[str, Mapping[str, int]]]


def count(book: Book, kpis: Sequence[Kpi], dimensions: Mapping[str, CountedDimension]) -> Exact:
    """Count the span of the book: every KPI, and the breakdowns of what was received, accepted, declined, withdrawn."""
    counted = {kpi.code: kpi for kpi in kpis}
    tables = {f"by_{code}": by(book, dimensions[code], counted) for code in BREAKDOWNS}
    return Exact(
        numbers={kpi.code: _number(book, kpi) for kpi in kpis},
        tables={**tables, "incomplete_by_agency": _by_agency(book, counted)},
    )


def _number(book: Book, kpi: Kpi) -> Number:
    found = [each for each in kpi.over(book) if kpi.day(each) in book.span]
    if kpi.wait is not None:
        days = [waited for each in found if (waited := kpi.wait(each)) is not None]
        return Number(len(days), days=median_high(days) if days else None)
    numerator = sum(map(kpi.numerator, found))
    return Number(numerator, sum(map(kpi.denominator, found)) if kpi.denominator else None)


def by(book: Book, dimension: CountedDimension, kpis: Mapping[str, Kpi]) -> dict[str, dict[str, int]]:
    """Category → column → count; listed categories first and in their order, then others that occurred."""
    counts = {
        column: Counter(dimension.category(case) for case in book.cases if kpis[column].day(case) in book.span)
        for column in COLUMNS
    }
    others = sorted({category for counter in counts.values() for category in counter} - set(dimension.words))
    return {
        category: {column: counts[column][category] for column in COLUMNS} for category in (*dimension.words, *others)
    }


def _by_agency(book: Book, kpis: Mapping[str, Kpi]) -> dict[str, dict[str, int]]:
    """Agency (its slug) → referrals received, and those of them with something missing."""
    received: Counter[str] = Counter()
    incomplete: Counter[str] = Counter()
    for case in book.cases:
        if kpis["received"].day(case) in book.span:
            known = book.agencies.get(case.agency_id) if case.agency_id else None
            slug = known[0] if known else UNKNOWN_AGENCY
            received[slug] += 1
            incomplete[slug] += case.is_incomplete
    slugs = [*sorted(slug for slug, _ in book.agencies.values()), *({UNKNOWN_AGENCY} & set(received))]
    return {slug: {"received": received[slug], "incomplete": incomplete[slug]} for slug in slugs}
