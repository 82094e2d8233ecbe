"""A report as a workbook to the good-practice layout for statistics: cover, contents, notes, a sheet for each table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from services.metrics.reports import words
from services.metrics.reports.cells import harmless
from services.metrics.reports.grids import Cell, Grid, changes_grid, grids
from services.metrics.reports.model import AnyReport, EqualityReport, Heading, Shown
from services.metrics.reports.workbook import CellValue, Sheet, Workbook

SECONDS: Final = 60
LAST_LINES: Final = 10
"""So many of what the writer says when it fails: the error, and where it arose."""
_WRITER: Final = "services.metrics.reports.workbook"
_ROOT: Final = Path(__file__).parents[3]


class UnwrittenError(Exception):
    """The process that writes workbooks ended without one; the message has the last that it said."""


def report_xlsx(report: AnyReport) -> bytes:
    """A sheet for each table. Blocks for a second or two, on a core and 80 MB: call it in a thread, one at a time.

    Raises UnwrittenError.
    """
    command = [sys.executable, "-m", _WRITER]
    given = json.dumps(workbook(report)).encode()
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=True, cwd=_ROOT, timeout=SECONDS)
    except subprocess.CalledProcessError as error:
        raise UnwrittenError(f"It ended with status {error.returncode}.{_last_said(error.stderr)}") from error
    except subprocess.TimeoutExpired as error:
        raise UnwrittenError(f"It took longer than {SECONDS} s.{_last_said(error.stderr)}") from error
    return done.stdout


def _last_said(stderr: bytes | None) -> str:
    lines = (stderr or b"").decode(errors="replace").splitlines()
    return "".join(f"\n{line}" for line in lines[-LAST_LINES:])


def workbook(report: AnyReport) -> Workbook:
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


def _plain(cell: Cell) -> CellValue:
    if isinstance(cell, Shown):
        return cell.text if cell.value is None else cell.value
    return harmless(cell) if isinstance(cell, str) else cell
