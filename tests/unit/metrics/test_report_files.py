"""Reports to take away: every number of a report is in its CSV and its workbook, and nothing in them comes alive."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.workbook import Workbook

from services.metrics.reports import as_xlsx
from services.metrics.reports.as_csv import COLUMNS, contract_csv, equality_csv, need_csv
from services.metrics.reports.as_xlsx import report_xlsx
from services.metrics.reports.grids import grids
from services.metrics.reports.harmless_text import harmless
from services.metrics.reports.model import Mark, ReportStatus, Shown
from services.metrics.reports.workbook import EMPTY
from tests.unit.metrics.report_examples import (
    a_contract_report,
    a_heading,
    a_need,
    a_need_report,
    a_row,
    a_table,
    an_access,
    an_equality_report,
)

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "|calc", "{=1}")
NOTHING_AT_ALL = (" ", "—", "***", "Ясли", "a\x00\x08b", "\ud800x")
LIVELY = (
    *FORMULAS,
    "http://evil.example",
    "mailto:a@b.example",
    "[x](http://evil.example)",
    "$$n9$$",
    "internal:'Notes'!A1",
)

Lines = list[dict[str, str]]
NOT_ADDING_UP = a_need_report(
    tiers=(
        a_need("specialist_short", "Shorter-term specialist work", 113, 170),
        a_need("specialist_long", "Longer-term specialist work", 498, 0),
        a_need("specialist", "Specialist work, both", 611, 170),
    )
)


def read(file: bytes) -> Lines:
    return list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"), newline="")))


def number_of(line: dict[str, str]) -> str:
    """As the report shows it."""
    return line["value"] or line["mark"]


def opened(file: bytes) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(file))


def rows_of(book: Workbook, name: str) -> list[tuple[Any, ...]]:
    return list(book[name].iter_rows(values_only=True))


def table_of(book: Workbook, code: str) -> dict[Any, tuple[Any, ...]]:
    """First cell of a row → the others, of the sheet whose name ends with `code`."""
    (name,) = (each for each in book.sheetnames if each.partition("_")[2] == code)
    return {row[0]: row[1:] for row in rows_of(book, name)}


def plain(shown: Shown) -> Any:
    return shown.text if shown.value is None else shown.value


def lively_report() -> Any:
    names = (*LIVELY, *NOTHING_AT_ALL)
    rows = [a_row(f"r{at}", name, 10, 5, "c", 0) for at, name in enumerate(names)]
    table = a_table("by_agency", *rows, title="=1+1", note="@SUM(A1)")
    return a_contract_report(tables=(table,), quality=LIVELY, heading=a_heading(authority_name="=cmd|' /C calc'!A0"))


@pytest.fixture(scope="module")
def contract() -> Workbook:
    return opened(report_xlsx(a_contract_report()))


@pytest.fixture(scope="module")
def lively() -> Workbook:
    return opened(report_xlsx(lively_report()))


def test_the_headings_of_a_sheet_stay_in_sight_and_come_again_on_each_page_of_paper(contract: Workbook) -> None:
    tables = [sheet for sheet in contract.worksheets if sheet.title[0].isdigit()]
    assert len(tables) == len(grids(a_contract_report())) + 1
    for sheet, grid in zip(tables, [*grids(a_contract_report())], strict=False):
        headings = next(
            row for row, cells in enumerate(sheet.iter_rows(values_only=True), 1) if cells[0] == grid.headings[0]
        )
        assert sheet.freeze_panes == f"A{headings + 1}"
        assert sheet.print_title_rows == f"${headings}:${headings}"


def test_a_sheet_is_printed_as_wide_as_the_paper(contract: Workbook) -> None:
    for sheet in contract.worksheets:
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage


def test_need_that_does_not_add_up_says_why_beside_the_level() -> None:
    lines = read(need_csv(NOT_ADDING_UP))
    [note] = {line["note"] for line in lines if line["category_code"] == "specialist_short"}
    assert note.startswith("Shorter-term specialist work: 170 families seen, more than the 113 expected.")
    assert not any(line["note"] for line in lines if line["category_code"] == "specialist_long")


def test_a_csv_opens_in_excel_with_its_letters_right() -> None:
    assert contract_csv(a_contract_report()).startswith(b"\xef\xbb\xbfreport,")


def test_a_csv_has_the_same_columns_for_every_report() -> None:
    files = (contract_csv(a_contract_report()), equality_csv(an_equality_report()), need_csv(a_need_report()))
    assert all(list(read(file)[0]) == list(COLUMNS) for file in files)


def test_each_figure_comes_back_from_the_csv_as_it_was() -> None:
    report = a_contract_report()
    read_back = {
        (line["code"], line["column"]): line for line in read(contract_csv(report)) if line["section"] == "figure"
    }
    for figure in report.figures:
        line = read_back.pop((figure.code, "value"))
        assert number_of(line) == figure.value.text
        assert (line["name"], line["definition"]) == (figure.name, figure.definition)
        assert line["verdict"] == (figure.verdict or "")
        assert line["target"] == ("" if figure.target is None else str(round(figure.target * 100, 2)))
        for part, shown in (("numerator", figure.numerator), ("denominator", figure.denominator)):
            assert shown is None or number_of(read_back.pop((figure.code, part))) == shown.text
        for part, number in (("low", figure.low), ("high", figure.high)):
            assert number is None or number_of(read_back.pop((figure.code, part))) == str(number)
    assert not read_back


def test_each_cell_of_a_table_comes_back_from_the_csv_as_it_was() -> None:
    report = a_contract_report()
    lines = [line for line in read(contract_csv(report)) if line["section"] == "table"]
    read_back = {(line["code"], line["category_code"], line["column"]): number_of(line) for line in lines}
    expected = {
        (table.code, row.code, column): shown.text
        for table in report.tables
        for row in (*table.rows, table.total)
        for column, shown in row.counts.items()
    }
    assert read_back == expected
    assert len(lines) == len(expected)


def test_access_comes_back_from_the_csv_with_the_words_that_explain_it() -> None:
    lines = read(equality_csv(an_equality_report()))
    asian = {line["column"]: line for line in lines if line["category_code"] == "asian"}
    assert {column: number_of(line) for column, line in asian.items()} == {
        "received": "50", "accepted": "35", "population": "1500", "population_share": "18.0", "referred_share": "7.0",
        "ratio": "0.39", "ratio_low": "0.24", "ratio_high": "0.6",
    }  # fmt: skip
    assert asian["ratio"]["definition"].startswith("Asian mothers are referred less than half as often")
    assert "invented" in asian["population"]["quality"]


def test_a_ratio_that_cannot_be_said_is_not_available() -> None:
    lines = read(equality_csv(an_equality_report()))
    other = {line["column"]: number_of(line) for line in lines if line["category_code"] == "other"}
    assert other["received"] == "[c]"
    assert {other[column] for column in ("ratio", "ratio_low", "ratio_high", "referred_share")} == {"[x]"}


def test_need_comes_back_from_the_csv_by_tier_ward_and_outreach() -> None:
    report = a_need_report()
    lines = read(need_csv(report))
    found = {(line["section"], line["category_code"], line["column"]): number_of(line) for line in lines}
    for section, part in (("tier", report.tiers), ("ward", report.wards), ("outreach", report.outreach)):
        for need in part:
            assert found[section, need.code, "expected"] == str(need.expected)
            assert found[section, need.code, "seen"] == need.seen.text
            assert found[section, need.code, "unmet"] == ("[x]" if need.unmet is None else str(need.unmet))
    assert found["expected", "E05012275", "specialist_long"] == "45"
    assert found["elsewhere", "", "families"] == "340"


def test_a_value_in_the_csv_is_a_number_or_empty_with_a_mark() -> None:
    for file in (contract_csv(a_contract_report()), equality_csv(an_equality_report()), need_csv(a_need_report())):
        for line in read(file):
            assert not (line["value"] and line["mark"])
            assert not line["value"] or float(line["value"]) >= 0
            assert line["mark"] in {"", *(f"[{mark}]" for mark in Mark if mark)}


def test_a_csv_says_what_changed_and_how_good_the_data_are() -> None:
    notes = {(line["section"], line["note"]) for line in read(contract_csv(a_contract_report()))}
    assert ("change", "Referrals received: 135 before, 140 now") in notes
    assert ("quality", "Ethnic category is known for 4 in 5 mothers.") in notes


@pytest.mark.parametrize("status", [ReportStatus.NOT_YET, ReportStatus.NO_DATA])
def test_a_report_without_figures_says_why(status: ReportStatus) -> None:
    heading = a_heading(status=status, available_on="2026-07-07", published_at=None, changes=())
    report = a_contract_report(heading=heading, figures=(), tables=(), quality=())
    assert [line["section"] for line in read(contract_csv(report))] == ["about", "about"]
    book = opened(report_xlsx(report))
    assert book.sheetnames == ["Cover", "Contents", "Notes", "1_status"]


def test_practice_figures_say_so_in_every_file() -> None:
    report = a_contract_report(heading=a_heading(is_practice=True))
    assert {line["is_practice"] for line in read(contract_csv(report))} == {"yes"}
    assert any("invented families" in text for text in as_xlsx.workbook(report).intro)


@pytest.mark.parametrize("name", LIVELY[: len(FORMULAS)])
def test_no_cell_of_a_csv_starts_a_formula(name: str) -> None:
    table = a_table("t", a_row("r", name, 10, 5, 0, 0), title=name, note=name)
    report = a_contract_report(tables=(table,), quality=(name,), heading=a_heading(authority_name=name))
    cells = [cell for line in read(contract_csv(report)) for cell in line.values()]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", "|", "＝", "{="))]
    assert sum(cell.endswith(name.strip()) for cell in cells) >= 4


@given(text=st.text())
def test_what_is_made_harmless_stays_readable_and_starts_nothing(text: str) -> None:
    made = harmless(text)
    assert not made.lstrip().startswith(("=", "+", "-", "@"))
    assert made.removeprefix("'") in {harmless(text), text, harmless(text)[1:]}
    assert harmless(made) == made


@pytest.mark.parametrize(
    "text", ["Bulwell", "St. Ann's", "Hyson Green & Arboretum", "1 to 7", "[c]", "Early Help (north)"]
)
def test_an_ordinary_name_is_left_alone(text: str) -> None:
    assert harmless(text) == text


def test_a_workbook_has_a_cover_contents_notes_and_a_sheet_for_each_table(contract: Workbook) -> None:
    assert contract.sheetnames == [
        "Cover", "Contents", "Notes", "1_counts", "2_shares", "3_waits", "4_by_source", "5_by_ward", "6_by_tier",
        "7_incomplete_by_agency", "8_definitions", "9_changes",
    ]  # fmt: skip


def test_the_cover_says_which_report_it_is_and_how_it_was_counted(contract: Workbook) -> None:
    cover = [row[0] for row in rows_of(contract, "Cover")]
    assert cover[0] == "Contract report, Nottingham, June 2026"
    assert "Version 2. Published Friday 7 August 2026, 09:00." in cover
    assert any("counts of 1 to 7 are held back" in str(text) for text in cover)


def test_the_file_has_a_title_of_its_own(contract: Workbook) -> None:
    assert contract.properties.title == "Contract report, Nottingham, June 2026"


def test_the_contents_lead_to_every_table(contract: Workbook) -> None:
    links = [row[0].hyperlink.location for row in contract["Contents"].iter_rows() if row[0].hyperlink]
    assert links == [f"'{name}'!A1" for name in contract.sheetnames[3:]]


def test_every_figure_has_its_cell_and_its_definition(contract: Workbook) -> None:
    report = a_contract_report()
    found = table_of(contract, "counts") | table_of(contract, "shares") | table_of(contract, "waits")
    told = table_of(contract, "definitions")
    for figure in report.figures:
        assert found[figure.name][0] == plain(figure.value)
        assert found[figure.name][-1] == figure.definition
        assert told[figure.name][0] == figure.definition
        assert told[figure.name][-1] == figure.quality
        if figure.numerator and figure.denominator:
            assert found[figure.name][1:3] == (plain(figure.numerator), plain(figure.denominator))


def test_every_row_has_its_cells(contract: Workbook) -> None:
    for table in a_contract_report().tables:
        found = table_of(contract, table.code)
        for row in (*table.rows, table.total):
            assert found[row.name] == tuple(plain(row.counts[column]) for column in table.columns)


def test_the_shorthand_of_a_table_is_explained_above_it(contract: Workbook) -> None:
    above = [str(row[0]) for row in rows_of(contract, "4_by_source")[:3]]
    assert above[0].startswith("Table 4: Referrals by source [note 1]")
    assert "[c] = 1 to 7" in above[2]
    assert "[w] = held back" in above[2]


def test_every_note_that_a_table_refers_to_is_on_the_notes_sheet(contract: Workbook) -> None:
    notes = {f"[note {number}]" for number, *_ in rows_of(contract, "Notes")[3:]}
    for name in contract.sheetnames[3:]:
        title = str(contract[name]["A1"].value)
        assert {f"[{each.partition(']')[0]}]" for each in title.split("[")[1:]} <= notes


def test_a_sheet_is_one_table_without_merged_or_empty_cells(contract: Workbook) -> None:
    for name in contract.sheetnames[1:]:
        sheet = contract[name]
        (table,) = sheet.tables.values()
        assert not sheet.merged_cells.ranges
        assert table.ref.startswith("A")
        assert all(cell.value not in (None, "") for row in sheet[table.ref] for cell in row)


def test_columns_of_sentences_wrap(contract: Workbook) -> None:
    sheet = contract["8_definitions"]
    assert all(sheet.column_dimensions[letter].width <= 60 for letter in "ABCDEFG")


@pytest.mark.parametrize("report", [an_equality_report(), a_need_report()], ids=["equality", "need"])
def test_the_wider_reports_have_every_row_too(report: Any) -> None:
    book = opened(report_xlsx(report))
    for grid in grids(report):
        found = table_of(book, grid.code)
        for row in grid.rows:
            cells = tuple(plain(cell) if isinstance(cell, Shown) else cell for cell in row)
            assert found[cells[0]][: len(cells) - 1] == cells[1:]


def test_names_that_look_like_formulas_and_links_stay_words(lively: Workbook) -> None:
    cells = [cell for sheet in lively for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert not [cell.value for cell in cells if cell.hyperlink and not str(cell.hyperlink.location).endswith("!A1")]
    assert (
        len({cell.value for cell in cells} & {f"'{formula.strip()}" for formula in ("=1+1", "+1", "-1", "@SUM(A1)")})
        == 4
    )


def test_names_without_a_letter_still_have_their_row(lively: Workbook) -> None:
    found = table_of(lively, "by_agency")
    assert {found[name] for name in ("—", "***", "Ясли", EMPTY)} == {(10, 5, "[c]", 0)}


def test_the_same_report_gives_the_same_file() -> None:
    first = report_xlsx(a_need_report())
    assert report_xlsx(a_need_report()) == first


def held_back(report: Any) -> Iterator[Shown]:
    for grid in grids(report):
        yield from (cell for row in grid.rows for cell in row if isinstance(cell, Shown) and cell.value is None)


def test_a_report_of_nothing_but_small_numbers_has_no_number_in_any_file() -> None:
    table = a_table(
        "t", *(a_row(code, f"Ward {code}", *"cccc") for code in "abc"), total=a_row("total", "All", *"wwww")
    )
    report = a_contract_report(figures=(), tables=(table,), quality=())
    assert len(list(held_back(report))) == 16
    lines = [line for line in read(contract_csv(report)) if line["section"] == "table"]
    assert {(line["value"], line["mark"]) for line in lines} == {("", "[c]"), ("", "[w]")}
    cells = [cell for row in list(table_of(opened(report_xlsx(report)), "t").values())[4:] for cell in row if cell]
    assert set(cells) == {"[c]", "[w]"}


def test_the_ratio_of_a_category_held_back_is_in_no_file() -> None:
    row = an_access("a", "Small", "c", "c", ratio=None, low=None, high=None, referred_share=None, gap="unknown")
    dimension = an_equality_report().dimensions[1].model_copy(update={"rows": (row,)})
    report = an_equality_report(dimensions=(dimension,))
    assert table_of(opened(report_xlsx(report)), "ward")["Small"][:8] == ("[c]", "[c]", 1000, 12, *["[x]"] * 4)
