"""A contract report made of exact numbers: figures and tables after disclosure control, verdicts, quality. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.metrics.codes import FATHER_ETHNICITY, MOTHER_ETHNICITY, NOT_KNOWN, NOT_STATED, WARD
from services.metrics.counting.book import Book
from services.metrics.counting.exact import BREAKDOWNS, COLUMNS, Exact, Number
from services.metrics.counting.kpis import Kpi
from services.metrics.disclosure import (
    SMALLEST_SHOWN,
    Share,
    Sum,
    beside,
    beside_verdict,
    cell_of,
    percent,
    percent_range,
    publish,
    verdicts,
)
from services.metrics.reports.missing_facts import sentences
from services.metrics.reports.model import (
    FEW,
    NOTHING,
    ContractReport,
    Figure,
    Heading,
    Row,
    Shown,
    Table,
    Unit,
    Verdict,
)
from services.metrics.reports.terms import Terms

INCOMPLETE: Final = "incomplete_by_agency"


@dataclass(frozen=True)
class Plan:
    """Every count of a report, and which are sums of which: what an attacker would write down too.

    `cells`: exact counts by name, such as `received`, `received/ward/E05012275` and `decided_in_time/of`.
    """

    cells: Mapping[str, int]
    sums: tuple[Sum, ...]


def plan_of(exact: Exact, kpis: tuple[Kpi, ...]) -> Plan:
    """The cells of a month with all that ties them together.

    A share's `missed` part (denominator - numerator) is a cell that is never published, and so is what else was missed
    beside a count of a part of it (`missed_of`); they are named so that the attack looks at them as well.
    """
    cells: dict[str, int] = {}
    sums: list[Sum] = []
    for kpi in kpis:
        number = exact.numbers[kpi.code]
        if kpi.unit is Unit.DAYS:
            continue
        cells[numerator_of(kpi)] = number.numerator
        if number.denominator is not None:
            cells[denominator_of(kpi)] = number.denominator
            sums.append(Sum(denominator_of(kpi), (numerator_of(kpi), f"{kpi.code}/missed")))
        if kpi.missed_of:
            share = next(each for each in kpis if each.code == kpi.missed_of)
            missed = (numerator_of(kpi), f"{kpi.code}/other_missed")
            sums.append(Sum(denominator_of(share), (numerator_of(share), *missed)))
    for dimension in BREAKDOWNS:
        for column in COLUMNS:
            parts = {
                cell_of(column, dimension, row): counts[column]
                for row, counts in exact.tables[f"by_{dimension}"].items()
            }
            cells |= parts
            sums.append(Sum(column, tuple(parts)))
    for column in ("received", "incomplete"):
        parts = {cell_of(column, "agency", slug): counts[column] for slug, counts in exact.tables[INCOMPLETE].items()}
        cells |= parts
        sums.append(Sum(column, tuple(parts)))
    for slug in exact.tables[INCOMPLETE]:
        within = (cell_of("incomplete", "agency", slug), f"whole/agency/{slug}")
        sums.append(Sum(cell_of("received", "agency", slug), within))
    return Plan(cells, tuple(sums))


def numerator_of(kpi: Kpi) -> str:
    return kpi.numerator_cell or kpi.code


def denominator_of(kpi: Kpi) -> str:
    return kpi.denominator_cell or f"{kpi.code}/of"


MISSING: Final = {
    "Ward": (WARD, NOT_KNOWN),
    "Ethnic category of the mother, not known": (MOTHER_ETHNICITY, NOT_KNOWN),
    "Ethnic category of the mother, not stated": (MOTHER_ETHNICITY, NOT_STATED),
    "Ethnic category of the father, not known": (FATHER_ETHNICITY, NOT_KNOWN),
}
"""What a report says is missing: the dimension and the category that counts those without it."""


def make_contract(
    heading: Heading, book: Book, exact: Exact, terms: Terms, *, earlier: ContractReport | None = None
) -> ContractReport:
    """The report of a month: everything in it has been through disclosure control.

    `earlier` is the version before this one: both together must give nothing away either.
    """
    plan = plan_of(exact, terms.kpis)
    before, sums = beside(published_cells(earlier, terms.kpis), plan.cells, plan.sums) if earlier else ({}, plan.sums)
    shown = publish(plan.cells, sums, before=before)
    answers = verdicts(plan.cells, plan.sums, _shares(exact, terms), shown=shown)
    return ContractReport(
        heading=heading,
        figures=tuple(
            _figure(kpi, exact.numbers[kpi.code], shown, terms, heading, answers.get(kpi.code)) for kpi in terms.kpis
        ),
        tables=(*(_breakdown(code, exact, shown, terms) for code in BREAKDOWNS), _agencies(book, exact, shown)),
        quality=sentences(
            shown["received"],
            {what: shown[cell_of("received", *where)] for what, where in MISSING.items()},
            heading.published_at,
        ),
    )


def published_cells(report: ContractReport, kpis: Sequence[Kpi]) -> dict[str, Shown]:
    """What a report has published, by the names that `plan_of` gives the cells."""
    names = {kpi.code: kpi for kpi in kpis}
    found: dict[str, Shown] = {}
    for figure in report.figures:
        if figure.unit is Unit.DAYS or figure.code not in names:
            continue
        found[numerator_of(names[figure.code])] = figure.numerator or figure.value
        if figure.denominator is not None:
            found[denominator_of(names[figure.code])] = figure.denominator
    for table in report.tables:
        dimension = "agency" if table.code == INCOMPLETE else table.code.removeprefix("by_")
        for row in table.rows:
            found |= {cell_of(column, dimension, row.code): shown for column, shown in row.counts.items()}
        found |= dict(table.total.counts)
    return found


def _shares(exact: Exact, terms: Terms) -> dict[str, Share]:
    """The shares that have a target, and something to be a share of."""
    return {
        kpi.code: Share(numerator_of(kpi), denominator_of(kpi), terms.contract.targets[kpi.code])
        for kpi in terms.kpis
        if kpi.code in terms.contract.targets and exact.numbers[kpi.code].denominator
    }


def _figure(
    kpi: Kpi,
    number: Number,
    shown: Mapping[str, Shown],
    terms: Terms,
    heading: Heading,
    answer: Verdict | None,
) -> Figure:
    target = terms.contract.targets.get(kpi.code)
    numerator, denominator = shown.get(numerator_of(kpi)), shown.get(denominator_of(kpi))
    told: Figure = Figure(
        code=kpi.code,
        name=kpi.name,
        definition=kpi.definition,
        numerator_means=kpi.numerator_means,
        denominator_means=kpi.denominator_means,
        counted_by=kpi.counted_by,
        source=kpi.source,
        quality=kpi.quality,
        unit=kpi.unit,
        value=_days(number) if kpi.unit is Unit.DAYS else numerator or NOTHING,
        is_paid=kpi.code in terms.contract.paid and heading.is_payment_year,
    )
    if kpi.unit is not Unit.SHARE or numerator is None or denominator is None or number.denominator is None:
        return told
    low, high = percent_range(numerator, denominator) or (None, None)
    return told.model_copy(
        update={
            "value": beside_verdict(percent(numerator, denominator), answer, target),
            "numerator": numerator,
            "denominator": denominator,
            "low": low,
            "high": high,
            "target": target,
            "verdict": None if target is None else answer or Verdict.UNSAID,
        }
    )


def _days(number: Number) -> Shown:
    """A median of so few that their count would be held back is not said: it could be one family's own wait."""
    if not number.numerator or number.days is None:
        return NOTHING
    return Shown(value=number.days) if number.numerator >= SMALLEST_SHOWN else FEW


def _breakdown(dimension: str, exact: Exact, shown: Mapping[str, Shown], terms: Terms) -> Table:
    """Categories that never occur are left out where there are many; wards are always all there."""
    words = terms.dimensions[dimension].words
    counts = exact.tables[f"by_{dimension}"]
    kept = [category for category in counts if dimension == WARD or any(counts[category].values())]
    rows = [
        Row(
            code=category,
            name=words.get(category, category),
            counts={column: shown[cell_of(column, dimension, category)] for column in COLUMNS},
        )
        for category in kept
    ]
    return Table(
        code=f"by_{dimension}",
        title=f"Referrals by {_lower(terms.dimensions[dimension].title)}",
        dimension=terms.dimensions[dimension].title,
        columns=dict(COLUMNS),
        rows=tuple(rows),
        total=Row(code="total", name="All", counts={column: shown[column] for column in COLUMNS}),
        note="Each column is counted by a date of its own: a family received in one month may be accepted in the next.",
    )


def _agencies(book: Book, exact: Exact, shown: Mapping[str, Shown]) -> Table:
    names = dict(book.agencies.values())
    columns = {"received": "Received", "incomplete": "Incomplete"}
    rows = [
        Row(
            code=slug,
            name=names.get(slug, "Agency not known"),
            counts={column: shown[cell_of(column, "agency", slug)] for column in columns},
        )
        for slug in exact.tables[INCOMPLETE]
    ]
    return Table(
        code=INCOMPLETE,
        title="Incomplete referrals by agency",
        dimension="Agency",
        columns=columns,
        rows=tuple(rows),
        total=Row(code="total", name="All", counts={column: shown[column] for column in columns}),
    )


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
