"""Writes a workbook with gptables, in a process of its own: its content as JSON on the input, the file on the output.

gptables brings pandas: 65 MB that the service would never give back, and half a second (two without compiled bytecode)
in which its event loop would stutter. So the service starts `python -m services.metrics.reports.workbook` for each file
and is rid of both.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, BinaryIO, Final, TypedDict

CellValue = int | float | str


class Sheet(TypedDict):
    """One table on one sheet. Marks stand in the cells as text; `legend` says what they mean."""

    name: str
    title: str
    headings: list[str]
    rows: list[list[CellValue]]
    notes: list[str]
    legend: list[str]


class Workbook(TypedDict):
    """All that is written. `made_at` in ISO 8601, so that the same report gives the same file."""

    title: str
    author: str
    made_at: str | None
    intro: list[str]
    about: list[str]
    notes: list[str]
    """On the notes sheet, for all tables; the notes of each sheet follow them."""
    sheets: list[Sheet]


_NAME_LENGTH: Final = 31
_WIDTH: Final = 50
"""Characters."""
_A4: Final = 9
"""Excel's number for this size of paper."""
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_]")
_HAS_WORDS: Final = re.compile(r"[A-Za-z0-9]")
_LINK: Final = re.compile(r"\](?=\()")


def write(workbook: Workbook) -> bytes:
    """Cover, contents, notes and a sheet for each table, laid out as the Government Analysis Function asks.

    Headings stay in sight, and stand on every page that is printed; a table is as wide as the sheet of paper.
    """
    import gptables  # noqa: PLC0415  pandas comes with it
    import pandas as pd  # noqa: PLC0415  as the module says

    notes = _Notes(workbook["notes"])
    sheets = {
        _name(number, sheet["name"]): gptables.GPTable(
            table=pd.DataFrame([list(map(_cell, row)) for row in sheet["rows"]], columns=_unique(sheet["headings"])),
            table_name=_NOT_IN_NAMES.sub("_", f"table_{number}_{sheet['name']}"),
            title=f"Table {number}: {_text(sheet['title'])} {notes.references(sheet['notes'])}",
            instructions="This worksheet contains one table. The notes worksheet explains the notes.",
            legend=_legend(sheet),
            index_columns={2: 0},
            additional_formatting=[
                {"column": {"columns": _wordy(sheet), "format": {"text_wrap": True, "valign": "top"}}}
            ],
        )
        for number, sheet in enumerate(workbook["sheets"], 1)
    }
    file = BytesIO()
    written = gptables.produce_workbook(
        file,
        sheets,
        cover=gptables.Cover(
            title=_text(workbook["title"]),
            intro=list(map(_text, workbook["intro"])),
            about=list(map(_text, workbook["about"])),
        ),
        notes_table=pd.DataFrame(notes.rows, columns=["Note", "Note text"]),
    )
    for worksheet in written.worksheets():
        worksheet.set_paper(_A4)
        worksheet.set_landscape()
        worksheet.fit_to_pages(1, 0)
    for worksheet, sheet in zip(written.worksheets()[-len(sheets) :], workbook["sheets"], strict=True):
        for column in _wordy(sheet):
            worksheet.set_column(column, column, _WIDTH)
        headings = _heading_row(sheet)
        worksheet.freeze_panes(headings + 1, 0)
        worksheet.repeat_rows(headings)
    written.set_properties(_properties(workbook))
    written.in_memory = True  # a container may have no place for the files that it would make otherwise
    written.close()
    return file.getvalue()


class _Notes:
    """The notes in the order in which the sheets refer to them; those of the workbook stand on every sheet."""

    def __init__(self, general: list[str]) -> None:
        self._general = general
        self._known: dict[str, str] = {}

    @property
    def rows(self) -> list[tuple[str, str]]:
        return [(reference, _cell(text)) for text, reference in self._known.items()]

    def references(self, notes: list[str]) -> str:
        every = [*self._general, *notes]
        return "".join(f"$${self._known.setdefault(text, f'n{len(self._known) + 1}')}$$" for text in every)


def _heading_row(sheet: Sheet) -> int:
    """The row of the headings, from 0: title and instructions stand above, and the shorthand if there is any."""
    return 2 + len(_legend(sheet))


def _wordy(sheet: Sheet) -> list[int]:
    """The columns of sentences: they wrap, where they would be metres wide otherwise."""
    longest = [max(len(str(row[at])) for row in sheet["rows"]) for at in range(len(sheet["headings"]))]
    return [at for at, length in enumerate(longest) if length > _WIDTH]


def _legend(sheet: Sheet) -> list[str]:
    return [f"Shorthand: {'; '.join(map(_text, sheet['legend']))}."] if sheet["legend"] else []


def _name(number: int, name: str) -> str:
    """`1_by_source`: unique, and short enough for Excel."""
    return f"{number}_{_NOT_IN_NAMES.sub('_', name)}"[:_NAME_LENGTH]


def _unique(headings: list[str]) -> list[str]:
    """A heading that comes again gets a number."""
    return [
        _cell(text) if headings.index(text) == at else f"{_cell(text)} ({headings[: at + 1].count(text)})"
        for at, text in enumerate(headings)
    ]


def _cell(value: Any) -> Any:
    """What gptables takes: it refuses cells that are empty or have neither letter nor digit of ASCII."""
    if not isinstance(value, str) or _HAS_WORDS.search(value):
        return _text(value) if isinstance(value, str) else value
    return f"Name: {_text(value)}" if value.strip() else "[z]"


def _text(value: str) -> str:
    """Nothing here is a note or a link, as which gptables reads $$ and [words](address)."""
    return _LINK.sub("] ", value.replace("$$", "$ $"))


def _properties(workbook: Workbook) -> dict[str, Any]:
    made_at = datetime.fromisoformat(workbook["made_at"]) if workbook["made_at"] else datetime(2000, 1, 1, tzinfo=UTC)
    return {"title": workbook["title"], "author": workbook["author"], "created": made_at}


def main(asked: BinaryIO, answer: BinaryIO) -> None:
    """One workbook in, one file out."""
    warnings.simplefilter("ignore")  # pandas warns of what gptables does
    answer.write(write(json.load(asked)))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
