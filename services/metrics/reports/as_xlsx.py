"""A report as a workbook: what stands on its cover, on its notes sheet, and in a sheet for each table."""

from __future__ import annotations

from services.metrics.reports import words
from services.metrics.reports.grids import Cell, Grid, changes_grid, grids
from services.metrics.reports.harmless_text import harmless
from services.metrics.reports.model import AnyReport, EqualityReport, Heading, Shown
from services.metrics.reports.workbook import CellValue, Sheet, Workbook, write


def report_xlsx(report: AnyReport) -> bytes:
    """The file."""
    return write(workbook(report))


def workbook(report: AnyReport) -> Workbook:
    """What goes into the workbook, every text harmless to a spreadsheet."""
    heading = report.heading
    changed = changes_grid(report)
    tables = [*grids(report), *([changed] if changed else [])]
    return Workbook(
        title=harmless(words.title(heading)),
        author=harmless(heading.authority_name),
        made_at=heading.published_at,
        intro=[harmless(text) for text in _intro(heading)],
        about=[harmless(text) for text in (words.COUNTING, *_gaps(report), *report.quality)],
        notes=[words.COUNTING],
        sheets=[_sheet(grid) for grid in tables or [_status(heading)]],
    )


def _intro(heading: Heading) -> list[str]:
    year = words.contract_year(heading)
    return [
        *([words.PRACTICE] if heading.is_practice else []),
        f"Period: {words.period(heading)} ({heading.first_day.isoformat()} to {heading.last_day.isoformat()}).",
        f"Version {heading.version}. {words.status(heading)}",
        *([f"Contract: {year}."] if year else []),
        f"Counted for {heading.authority_name} under policy {heading.policy}, version {heading.policy_version}.",
    ]


def _gaps(report: AnyReport) -> tuple[str, ...]:
    return report.gaps if isinstance(report, EqualityReport) else ()


def _status(heading: Heading) -> Grid:
    """In place of tables, where a report has none."""
    return Grid(
        "status", "Status of this report", ("Period", "Status"), ((words.period(heading), words.status(heading)),)
    )


def _sheet(grid: Grid) -> Sheet:
    hints = [[harmless(hint)] for hint in grid.hints] or [[]] * len(grid.rows)
    return Sheet(
        name=grid.code,
        title=harmless(grid.title),
        headings=[harmless(each) for each in (*grid.headings, *([grid.hints_heading] if grid.hints else []))],
        rows=[[*map(_plain, row), *hint] for row, hint in zip(grid.rows, hints, strict=True)],
        numeric=[*grid.numeric, *([False] if grid.hints else [])],
        notes=[harmless(note) for note in grid.notes],
        legend=grid.meanings,
    )


def _plain(cell: Cell) -> CellValue:
    if isinstance(cell, Shown):
        return cell.text if cell.value is None else cell.value
    return harmless(cell) if isinstance(cell, str) else cell
