"""The equality report made of exact numbers: a half-year of the contract by category, after disclosure control. Pure.

Cases of the half-year itself are counted, so that nothing depends on how months were rounded; what its months have
published is taken into the attack, so that the sums of both together pin no cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from services.metrics.codes import WARD, WITH_UNDER_TWOS
from services.metrics.counting.book import Book
from services.metrics.counting.cases import Case
from services.metrics.counting.categories import CountedDimension
from services.metrics.disclosure import Sum, beside, cell_of, publish
from services.metrics.equality.comparison import TOTAL, Pair
from services.metrics.equality.report import equality_report
from services.metrics.reports.model import WITHHELD, ContractReport, EqualityReport, Heading, Shown
from services.metrics.reports.terms import Terms
from services.metrics.spans import Span, month_of

COLUMNS: Final = ("received", "accepted")
ERASED: Final = (
    "A family of this half-year has been erased since its month was published. The numbers by category are held back: "
    "beside those of the months they would tell which family it was."
)


def make_equality(
    heading: Heading,
    book: Book,
    terms: Terms,
    months: Sequence[ContractReport],
    *,
    earlier: EqualityReport | None = None,
    has_erased: bool = False,
) -> EqualityReport:
    """Referrals and acceptances of a half-year by category; `months` are its contract reports as published.

    `earlier` is the version before this one. `has_erased`: a family that one of the months counts was erased since. Its
    category lacks one against the months, so that no category is published.
    """
    dimensions = {code: terms.dimensions[code] for code in WITH_UNDER_TWOS}
    counts = {
        (column, code): _counted(book, column, each, terms) for column in COLUMNS for code, each in dimensions.items()
    }
    cells = {column: sum(counts[column, WARD].values()) for column in COLUMNS}
    sums: list[Sum] = []
    for (column, code), counter in counts.items():
        parts = {cell_of(column, code, category): number for category, number in counter.items()}
        cells |= parts
        sums.append(Sum(column, tuple(parts)))
    of_months_before = _published_months(months)
    sums += _sums_of_months(of_months_before)
    sums += [
        Sum(name, of_months) for name in cells if (of_months := _cells_of_months(name, book.span, of_months_before))
    ]
    before, all_sums = beside(_published_cells(earlier), cells, sums)
    known = {name: number for name, number in _counts_of_months(book, terms).items() if name in of_months_before}
    shown = publish({**known, **cells}, all_sums, before={**before, **of_months_before})
    told: dict[str, dict[str, Pair]] = {
        code: dict.fromkeys(_categories(each, terms), (WITHHELD, WITHHELD))
        if has_erased
        else {
            category: (shown[cell_of("received", code, category)], shown[cell_of("accepted", code, category)])
            for category in counts["received", code]
        }
        for code, each in dimensions.items()
    }
    report = equality_report(
        heading,
        {code: {TOTAL: (shown["received"], shown["accepted"]), **pairs} for code, pairs in told.items()},
        population=terms.population,
        names={code: each.words for code, each in dimensions.items()},
        open_wards={ward.code for ward in terms.policy.wards if ward.opens_on and ward.opens_on <= book.span.first_day},
    )
    return report.model_copy(update={"quality": (ERASED, *report.quality)}) if has_erased else report


def _published_cells(report: EqualityReport | None) -> dict[str, Shown]:
    """By the names of the cells of a half-year."""
    found: dict[str, Shown] = {}
    for dimension in report.dimensions if report else ():
        found |= {"received": dimension.total_received, "accepted": dimension.total_accepted}
        for row in dimension.rows:
            found[cell_of("received", dimension.code, row.code)] = row.received
            found[cell_of("accepted", dimension.code, row.code)] = row.accepted
    return found


def _counts_of_months(book: Book, terms: Terms) -> Counter[str]:
    """`2026-06/received/ward/E05012275` → how many, exactly: what is published of a month may be corrected since."""
    counter: Counter[str] = Counter()
    for case in book.cases:
        for column in COLUMNS:
            day = _day(case, column)
            if day is None or day not in book.span:
                continue
            month = month_of(day).code
            counter[f"{month}/{column}"] += 1
            for code in WITH_UNDER_TWOS:
                counter[f"{month}/{cell_of(column, code, terms.dimensions[code].category(case))}"] += 1
    return counter


def _counted(book: Book, column: str, dimension: CountedDimension, terms: Terms) -> Counter[str]:
    """Category → count; every category of both columns is there, so that the two can be read side by side."""
    counter = Counter(
        {
            _category(case, dimension, terms): 0
            for case in book.cases
            if case.received_on in book.span or case.accepted_on in book.span
        }
    )
    counter.update(_category(case, dimension, terms) for case in book.cases if _day(case, column) in book.span)
    return counter


def _day(case: Case, column: str) -> date | None:
    return case.received_on if column == "received" else case.accepted_on


def _categories(dimension: CountedDimension, terms: Terms) -> list[str]:
    """Those that there can be, whichever occurred."""
    denominator = terms.population.dimensions.get(dimension.code) if terms.population else None
    return list(denominator.under_twos if denominator else dimension.words)


def _category(case: Case, dimension: CountedDimension, terms: Terms) -> str:
    """As in the population file where it has one: rare languages are counted together."""
    category = dimension.category(case)
    return terms.population.category_of(dimension.code, category) if terms.population else category


def _published_months(months: Sequence[ContractReport]) -> dict[str, Shown]:
    """`2026-06/received/ward/E05012275` → what was published; categories that a table left out were zero."""
    found: dict[str, Shown] = {}
    for month in months:
        for table in month.tables:
            dimension = table.code.removeprefix("by_")
            if dimension not in WITH_UNDER_TWOS:
                continue
            for column in COLUMNS:
                found[f"{month.heading.period}/{column}"] = table.total.counts[column]
                for row in table.rows:
                    found[f"{month.heading.period}/{cell_of(column, dimension, row.code)}"] = row.counts[column]
    return found


def _sums_of_months(before: Mapping[str, Shown]) -> list[Sum]:
    """Within each month the rows of a table and its total."""
    parts: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name in before:
        period, column, *rest = name.split("/")
        if rest:
            parts.setdefault((period, column), {}).setdefault(rest[0], []).append(name)
    return [
        Sum(f"{period}/{column}", tuple(names))
        for (period, column), tables in parts.items()
        for names in tables.values()
    ]


def _cells_of_months(name: str, span: Span, before: Mapping[str, Shown]) -> tuple[str, ...]:
    """The cells of the months that add up to a cell of the half-year; none unless every month was published."""
    months = [month.code for month in span.each_month()]
    if any(f"{month}/received" not in before for month in months):
        return ()
    dimension = name.split("/")[1] if "/" in name else ""
    if dimension and not any(f"/{dimension}/" in each for each in before):
        return ()
    return tuple(cell for month in months if (cell := f"{month}/{name}") in before)
