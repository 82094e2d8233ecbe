"""Every table of a report as rows of cells: what a page, a sheet and a picture show is the same grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.metrics.reports import words
from services.metrics.reports.model import (
    ABSENT,
    NOTHING,
    Access,
    AnyReport,
    ContractReport,
    Dimension,
    EqualityReport,
    Figure,
    Need,
    NeedReport,
    Shown,
    Table,
    Unit,
)
from services.metrics.reports.remarks import NO_TARGET, need_remarks, needs, remarks, result

Cell = str | int | float | Shown
Cells = tuple[Cell, ...]
"""A row of a grid."""

PERCENT: Final = 100
_FIGURES: Final = {
    Unit.COUNT: ("counts", "How many"),
    Unit.SHARE: ("shares", "Shares and targets"),
    Unit.DAYS: ("waits", "Waiting times"),
}

_ACCESS: Final = (
    "Category",
    "Received",
    "Accepted",
    "Under-twos",
    "Share of under-twos, per cent",
    "Share of referrals, per cent",
    "Access ratio",
    "Ratio at least",
    "Ratio at most",
    "Difference",
)


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the first cell of a row names it. `hints` say more about each row, under `hints_heading`."""

    code: str
    title: str
    headings: tuple[str, ...]
    rows: tuple[Cells, ...]
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    hints_heading: str = ""
    has_total: bool = False
    """The last row is the total."""

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """The rows as people read them."""
        return tuple(tuple(map(cell_text, row)) for row in self.rows)

    @property
    def meanings(self) -> list[str]:
        """What each mark in it means."""
        return words.meanings(cell for row in self.rows for cell in row)

    @property
    def numeric(self) -> tuple[bool, ...]:
        """By column: whether it holds numbers, or marks in their place."""
        return tuple(any(not isinstance(row[at], str) for row in self.rows) for at in range(len(self.headings)))


def cell_text(cell: Cell) -> str:
    """As people read it: `4,210`, a ratio as `0.39`, `[c]`."""
    if isinstance(cell, Shown):
        return cell.text if cell.value is None else f"{cell.value:,}"
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.2f}"


def grids(report: AnyReport) -> tuple[Grid, ...]:
    """All tables of the report, in reading order; none when it has no figures."""
    match report:
        case ContractReport():
            return (*figure_grids(report), *map(table_grid, report.tables), *definitions(report.figures))
        case EqualityReport():
            return tuple(map(dimension_grid, report.dimensions))
        case NeedReport():
            return need_grids(report)


def changes_grid(report: AnyReport) -> Grid | None:
    """What this version says differently from the one before."""
    rows = tuple((change.where, change.before, change.after) for change in report.heading.changes)
    return Grid("changes", "What this version changes", ("Where", "Before", "Now"), rows) if rows else None


def figure_grids(report: ContractReport) -> list[Grid]:
    """The figures by their unit; a column stands only where a figure has something in it."""
    by_unit = ((unit, [figure for figure in report.figures if figure.unit is unit]) for unit in _FIGURES)
    return [_figure_grid(unit, group, report) for unit, group in by_unit if group]


def _figure_grid(unit: Unit, group: Sequence[Figure], report: ContractReport) -> Grid:
    code, title = _FIGURES[unit]
    columns: list[tuple[str, Callable[[Figure], Cell | None], Cell]] = [
        (words.UNITS[unit], lambda figure: figure.value, NOTHING),
        ("Counted", lambda figure: figure.numerator, NOTHING),
        ("Out of", lambda figure: figure.denominator, NOTHING),
        ("At least, per cent", lambda figure: figure.low, ABSENT),
        ("At most, per cent", lambda figure: figure.high, ABSENT),
        ("Target, per cent", lambda figure: _percent(figure.target), NOTHING),
        ("Target met or missed", lambda figure: result(figure) if figure.verdict else None, NO_TARGET),
        ("Payment linked", lambda figure: "Yes" if figure.is_paid else None, "No"),
        ("To read with it", lambda figure: " ".join(remarks(figure, report)) or None, "Nothing"),
    ]
    used = [column for column in columns if any(column[1](figure) is not None for figure in group)]
    rows: tuple[Cells, ...] = tuple(
        (figure.name, *(_cell(of(figure), otherwise) for _, of, otherwise in used)) for figure in group
    )
    hints = tuple(figure.definition for figure in group)
    return Grid(code, title, ("Figure", *(column[0] for column in used)), rows, (), hints, "Definition")


def definitions(figures: Sequence[Figure]) -> list[Grid]:
    """What each figure counts, from where, and how good it is."""
    if not figures:
        return []
    headings = ("Figure", "Definition", "Counted", "Out of", "Counted in the month of", "Source", "Data quality")
    rows = tuple((each.name, each.definition, *_told(each)) for each in figures)
    return [Grid("definitions", "Definitions and data quality", headings, rows)]


def _told(figure: Figure) -> tuple[str, ...]:
    below = figure.denominator_means or "Not a share"
    return figure.numerator_means, below, figure.counted_by, figure.source, figure.quality


def table_grid(table: Table) -> Grid:
    """A breakdown, its total last."""
    every = (*table.rows, table.total)
    rows: tuple[Cells, ...] = tuple((row.name, *(row.counts[code] for code in table.columns)) for row in every)
    heading = table.dimension.replace("_", " ").capitalize()
    notes = (table.note,) if table.note else ()
    return Grid(table.code, table.title, (heading, *table.columns.values()), rows, notes, has_total=True)


def dimension_grid(dimension: Dimension) -> Grid:
    """Access by category, the total last; `In words` says what the ratio means."""
    total: Cells = ("All", dimension.total_received, dimension.total_accepted, *[NOTHING] * 6, "Not compared")
    notes = (f"Under-twos: {dimension.source}", words.INVENTED if dimension.is_invented else "", dimension.note)
    hints = (*(each.words for each in dimension.rows), "The total is not compared.")
    kept = tuple(note for note in notes if note)
    rows = (*map(_access_row, dimension.rows), total)
    return Grid(dimension.code, dimension.title, _ACCESS, rows, kept, hints, "In words", has_total=True)


def _access_row(row: Access) -> Cells:
    shares = (_whole(row.population_share), _whole(row.referred_share))
    known = (row.population, *shares, row.ratio, row.low, row.high)
    return row.name, row.received, row.accepted, *map(_cell, known), words.GAPS[row.gap]


def need_grids(report: NeedReport) -> tuple[Grid, ...]:
    """Tiers, wards and outreach against those seen, and what is expected in each ward by tier."""
    elsewhere = f"Another service sees about {report.seen_elsewhere:,} of these families a year."
    told = (*([elsewhere] if report.seen_elsewhere else []), *need_remarks(report.tiers).values())
    source = (f"Under-twos: {report.source}", *([words.INVENTED] if report.is_invented else []))
    made = (
        _need_grid("tiers", "By level of need", needs(report.tiers), (*source, *told)),
        _need_grid("wards", "By ward", report.wards, source),
        _need_grid("outreach", "In need, but not expected to come", report.outreach, source),
        _expected_grid(report, source),
    )
    return tuple(grid for grid in made if grid.rows)


def _need_grid(code: str, title: str, rows: Sequence[Need], notes: tuple[str, ...]) -> Grid:
    columns: list[tuple[str, Callable[[Need], Cell | None]]] = [
        ("Under-twos", lambda need: need.under_twos),
        ("Share of under-twos, per cent", lambda need: _percent(need.share)),
        ("Families expected", lambda need: need.expected),
        ("Families seen", lambda need: need.seen),
        ("Unmet need", lambda need: ABSENT if need.unmet is None else need.unmet),
    ]
    used = [(heading, of) for heading, of in columns if any(of(need) is not None for need in rows)]
    cells: tuple[Cells, ...] = tuple((need.name, *(_cell(of(need)) for _, of in used)) for need in rows)
    return Grid(code, title, ("Group", *(heading for heading, _ in used)), cells, notes)


def _expected_grid(report: NeedReport, notes: tuple[str, ...]) -> Grid:
    wards = {ward.code: ward.name for ward in report.wards}
    names = {each.code: each.name for each in (*report.tiers, *report.outreach)}
    tiers = list(dict.fromkeys(tier for by_tier in report.expected.values() for tier in by_tier))
    headings = ("Ward", *(names.get(tier, tier.replace("_", " ")) for tier in tiers))
    rows = tuple(
        (wards.get(ward, ward), *(_cell(by_tier.get(tier)) for tier in tiers))
        for ward, by_tier in report.expected.items()
    )
    return Grid("expected", "Families expected in a year, by ward and level of need", headings, rows, notes)


def _cell(cell: Cell | None, otherwise: Cell = ABSENT) -> Cell:
    return otherwise if cell is None else cell


def _percent(share: float | None) -> int | float | None:
    """A share from 0 to 1 in per cent."""
    return _whole(None if share is None else round(share * PERCENT, 2))


def _whole(number: float | None) -> int | float | None:
    """Whole numbers without their decimals."""
    return int(number) if number is not None and float(number).is_integer() else number
