"""Writes a workbook to the good-practice layout of the Government Analysis Function for published statistics:
cover, contents and notes, then one table a sheet, without merged or empty cells.

https://analysisfunction.civilservice.gov.uk/policy-store/releasing-statistics-in-spreadsheets/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

CellValue = int | float | str
EMPTY: Final = "[z]"
"""In place of a cell with nothing in it: the layout allows no empty ones."""

_NAME_LENGTH: Final = 31
"""Characters; Excel takes no longer name of a sheet."""
_WIDEST: Final = 50
"""Characters of a column; longer texts wrap."""
_TEXT_WIDTH: Final = 85
_A4: Final = 9
"""Excel's number for this size of paper."""
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_]")
_ONE_TABLE: Final = "This worksheet contains one table."
_FONT: Final[dict[str, Any]] = {"font_name": "Arial", "font_size": 12}
_CELL: Final[dict[str, Any]] = {"text_wrap": True, "valign": "top"}
_HEADING: Final[dict[str, Any]] = {**_CELL, "bold": True, "bottom": 1}
_STYLES: Final[dict[str, dict[str, Any]]] = {
    "title": {"bold": True, "font_size": 16},
    "part": {"bold": True, "font_size": 14},
    "line": {},
    "text": {**_CELL, "align": "left"},
    "number": {**_CELL, "align": "right"},
    "text heading": {**_HEADING, "align": "left"},
    "number heading": {**_HEADING, "align": "right"},
    "link": {"font_color": "#0000FF", "underline": 1, "align": "left", "valign": "top"},
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. Marks stand in the cells as text; `legend` says what they mean; `numeric` by column."""

    name: str
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[CellValue]]
    numeric: Sequence[bool]
    notes: Sequence[str] = ()
    legend: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Workbook:
    """All that is written. `notes` stand on every sheet, before its own. The same content gives the same file."""

    title: str
    author: str
    made_at: datetime | None
    intro: Sequence[str]
    about: Sequence[str]
    notes: Sequence[str]
    sheets: Sequence[Sheet]


def write(workbook: Workbook) -> bytes:
    """The file (XLSX), in some tens of milliseconds. No text in it becomes a formula or a link."""
    file = BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})  # a container may have no place for files
    _Writer(book).write(workbook)
    made_at = workbook.made_at or datetime(2000, 1, 1, tzinfo=UTC)
    book.set_properties({"title": workbook.title, "author": workbook.author, "created": made_at})
    book.close()
    return file.getvalue()


class _Writer:
    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        self._formats: dict[str, Format] = {name: book.add_format(_FONT | more) for name, more in _STYLES.items()}
        self._notes: dict[str, int] = {}
        """Text → number, in the order in which sheets refer to them."""

    def write(self, workbook: Workbook) -> None:
        cover, contents, notes = map(self._sheet, ("Cover", "Contents", "Notes"))
        named = [(f"{at}_{_NOT_IN_NAMES.sub('_', each.name)}", each) for at, each in enumerate(workbook.sheets, 1)]
        titles = []
        for number, (name, sheet) in enumerate(named, 1):
            title = f"Table {number}: {sheet.title}"
            titles.append((name[:_NAME_LENGTH], title))
            self._write_table(name, f"{title} {self._references([*workbook.notes, *sheet.notes])}", sheet)
        self._write_cover(cover, workbook)
        self._write_list(contents, "Table of contents", ("Sheet name", "Table description"), titles, links=True)
        known = [(number, text) for text, number in self._notes.items()]
        self._write_list(notes, "Notes", ("Note number", "Note text"), known)

    def _sheet(self, name: str) -> Worksheet:
        """It is printed on paper that lies across, as wide as that."""
        sheet = self._book.add_worksheet(name[:_NAME_LENGTH])
        sheet.hide_gridlines(2)
        sheet.set_paper(_A4)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def _references(self, notes: Iterable[str]) -> str:
        return "".join(f"[note {self._notes.setdefault(text, len(self._notes) + 1)}]" for text in notes)

    def _write_cover(self, sheet: Worksheet, workbook: Workbook) -> None:
        lines = [("title", workbook.title), ("part", "Introductory information")]
        lines += [("text", text) for text in workbook.intro]
        lines += [("part", "About these data"), *(("text", text) for text in workbook.about)]
        for row, (style, text) in enumerate(lines):
            self._put(sheet, row, 0, text, style)
        sheet.set_column(0, 0, _TEXT_WIDTH)

    def _write_list(
        self,
        sheet: Worksheet,
        title: str,
        headings: tuple[str, str],
        rows: Sequence[tuple[CellValue, str]],
        *,
        links: bool = False,
    ) -> None:
        self._above(sheet, (title, _ONE_TABLE))
        self._table(sheet, 2, f"{sheet.name}_table".lower(), headings, rows, (False, False))
        for row, (name, _) in enumerate(rows if links else (), 3):
            sheet.write_url(row, 0, f"internal:'{name}'!A1", self._formats["link"], string=str(name))
        sheet.set_column(0, 0, max(len(str(cell)) for cell in (headings[0], *(row[0] for row in rows))) + 2)
        sheet.set_column(1, 1, _TEXT_WIDTH)

    def _write_table(self, name: str, title: str, sheet: Sheet) -> None:
        """Headings stay in sight, and come again on every page that is printed."""
        page = self._sheet(name)
        legend = [f"Shorthand: {'; '.join(sheet.legend)}."] if sheet.legend else []
        above = (title, f"{_ONE_TABLE} The notes worksheet explains the notes.", *legend)
        self._above(page, above)
        headings = _unique(sheet.headings)
        table = _NOT_IN_NAMES.sub("_", f"table_{name.partition('_')[0]}_{sheet.name}")
        self._table(page, len(above), table, headings, sheet.rows, sheet.numeric)
        for column, heading in enumerate(headings):
            longest = max(len(str(cell)) for cell in (heading, *(row[column] for row in sheet.rows)))
            page.set_column(column, column, min(longest + 2, _WIDEST))
        page.freeze_panes(len(above) + 1, 0)
        page.repeat_rows(len(above))

    def _above(self, sheet: Worksheet, lines: Sequence[str]) -> None:
        for row, text in enumerate(lines):
            self._put(sheet, row, 0, text, "line" if row else "title")

    def _table(
        self,
        sheet: Worksheet,
        row: int,
        name: str,
        headings: Sequence[str],
        rows: Sequence[Sequence[CellValue]],
        numeric: Sequence[bool],
    ) -> None:
        styles = ["number" if each else "text" for each in numeric]
        columns = [
            {"header": heading, "header_format": self._formats[f"{style} heading"]}
            for heading, style in zip(headings, styles, strict=True)
        ]
        options: dict[str, Any] = {"name": name, "columns": columns, "style": None, "autofilter": False}
        sheet.add_table(row, 0, row + len(rows), len(headings) - 1, options)
        for place, cells in enumerate(rows, row + 1):
            for column, (cell, style) in enumerate(zip(cells, styles, strict=True)):
                self._put(sheet, place, column, cell, style)

    def _put(self, sheet: Worksheet, row: int, column: int, value: CellValue, style: str) -> None:
        if isinstance(value, str):
            sheet.write_string(row, column, value if value.strip() else EMPTY, self._formats[style])
        else:
            sheet.write_number(row, column, value, self._formats[style])


def _unique(headings: Sequence[str]) -> list[str]:
    """A heading that comes again gets a number; Excel does not tell capitals from small letters."""
    found: list[str] = []
    small = [text.lower() for text in headings]
    for at, text in enumerate(headings):
        found.append(text if small.index(text.lower()) == at else f"{text} ({small[: at + 1].count(text.lower())})")
    return found
