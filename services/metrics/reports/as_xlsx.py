"""A report as a workbook to the good-practice layout for statistics: cover, contents, notes, a sheet for each table."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Final

from services.metrics.reports import words
from services.metrics.reports.cells import harmless
from services.metrics.reports.grids import Cell, Grid, changes_grid, grids
from services.metrics.reports.model import AnyReport, ContractReport, EqualityReport, Heading, NeedReport, Shown
from services.metrics.reports.workbook import Book, Number, Sheet

SECONDS: Final = 60
_WRITER: Final = "services.metrics.reports.workbook"
_ROOT: Final = Path(__file__).parents[3]
_ONE_AT_A_TIME: Final = Lock()


def contract_xlsx(report: ContractReport) -> bytes:
    """The monthly report; blocks for a second or two, so call it in a thread."""
    return _xlsx(report)


def equality_xlsx(report: EqualityReport) -> bytes:
    """The half-year's access, a sheet for each dimension; blocks as `contract_xlsx`."""
    return _xlsx(report)


def need_xlsx(report: NeedReport) -> bytes:
    """The year's need against seen; blocks as `contract_xlsx`."""
    return _xlsx(report)


def _xlsx(report: AnyReport) -> bytes:
    """One file at a time: each takes a core and 80 MB for a second. A published report never changes, so keep it."""
    with _ONE_AT_A_TIME:
        return _written(json.dumps(book(report)))


@lru_cache(maxsize=16)
def _written(book_json: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", _WRITER],
        input=book_json.encode(),
        capture_output=True,
        check=True,
        cwd=_ROOT,
        timeout=SECONDS,
    )
    return done.stdout


def book(report: AnyReport) -> Book:
    """What goes into the workbook, every text harmless to a spreadsheet."""
    heading = report.heading
    changed = changes_grid(report)
    tables = [*grids(report), *([changed] if changed else [])]
    return {
        "title": harmless(words.title(heading)),
        "author": harmless(heading.authority_name),
        "made_at": heading.published_at.isoformat() if heading.published_at else None,
        "intro": [harmless(text) for text in _intro(heading)],
        "about": [harmless(text) for text in (words.COUNTING, *_gaps(report), *report.quality)],
        "notes": [words.COUNTING],
        "sheets": [_sheet(grid) for grid in tables or [_status(heading)]],
    }


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
    headings = [*grid.headings, *([grid.hints_heading] if grid.hints else [])]
    hints = grid.hints or [None] * len(grid.rows)
    rows = [
        [*map(_plain, row), *([harmless(hint)] if hint else [])] for row, hint in zip(grid.rows, hints, strict=True)
    ]
    return {
        "name": grid.code,
        "title": harmless(grid.title),
        "headings": [harmless(heading) for heading in headings],
        "rows": rows,
        "notes": [harmless(note) for note in grid.notes],
        "legend": grid.meanings,
    }


def _plain(cell: Cell) -> Number:
    if isinstance(cell, Shown):
        return cell.text if cell.value is None else cell.value
    return harmless(cell) if isinstance(cell, str) else cell
