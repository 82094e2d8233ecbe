"""A report as a page: every number in its cell, each picture with its table, and hostile names as words."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from services.metrics import __file__ as metrics
from services.metrics.reports import as_html
from services.metrics.reports.as_html import View
from services.metrics.reports.grids import Cell, Grid, cell_text
from services.metrics.reports.model import SMALL, ReportStatus, Shown
from shared.pages.environment import environment
from tests.rendering import HOSTILE, Page
from tests.unit.metrics.report_examples import (
    a_contract_report,
    a_heading,
    a_need,
    a_need_report,
    a_row,
    a_table,
    an_equality_report,
    some_months,
)

PAGES = environment(Path(metrics).parent / "pages" / "templates", reloads=False)
VIEWS = {
    "contract": as_html.contract_view(a_contract_report()),
    "equality": as_html.equality_view(an_equality_report()),
    "need": as_html.need_view(a_need_report()),
}
ROWS = [
    ("contract", "What this version changes", ["Where Referrals received", "Before 135", "Now 140"]),
    (
        "contract",
        "Referrals by source",
        ["Source Health Visitor", "Received 65", "Accepted 45", "Declined [c]", "Withdrawn [w]"],
    ),
    (
        "equality",
        "Ethnic category of the mother",
        [
            *("Category White White mothers are referred more often.", "Received 500", "Accepted 370"),
            *("Under-twos 4,800", "Share of under-twos, per cent 57", "Share of referrals, per cent 71"),
            *("Access ratio 1.24", "Ratio at least 1.13", "Ratio at most 1.36", "Difference More"),
        ],
    ),
    (
        "need",
        "By level of need",
        [
            *("Group Universal support", "Share of under-twos, per cent 50"),
            *("Families expected 4,210", "Families seen 310", "Unmet need 3,900"),
        ],
    ),
]


def text_of(view: View) -> str:
    return PAGES.from_string('{% include "_report.html" %}').render(view=view)


def page_of(view: View) -> Page:
    return Page(f"<html>{text_of(view)}</html>")


def sections(shown: list[Any]) -> str:
    source = '{% from "_charts.html" import report_section %}{% for s in shown %}{{ report_section(s, 3) }}{% endfor %}'
    return PAGES.from_string(source).render(shown=shown)


def tables_on_page(view: View) -> list[list[list[str]]]:
    """Each table as rows of words: its caption, its headings, then its cells, each after the heading it repeats."""
    page = ET.fromstring(f"<html>{text_of(view)}</html>")
    return [
        [[words_in(table.find("caption"))], *([words_in(cell) for cell in row] for row in table.iter("tr"))]
        for table in page.iter("table")
    ]


def words_in(element: ET.Element | None) -> str:
    assert element is not None
    return " ".join(" ".join(element.itertext()).split())


def table_of(grid: Grid) -> list[list[str]]:
    """As `tables_on_page`; the first cell of a row has its hint behind it."""
    rows = [
        [f"{heading} {cell_text(cell)}" for heading, cell in zip(grid.headings, row, strict=True)] for row in grid.rows
    ]
    for row, hint in zip(rows, grid.hints, strict=bool(grid.hints)):
        row[0] += f" {hint}"
    return [[grid.title], list(grid.headings), *rows]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (4210, "4,210"),
        (Shown(value=4210), "4,210"),
        (0, "0"),
        (0.39, "0.39"),
        (1.5, "1.50"),
        (SMALL, "[c]"),
        ("Ward", "Ward"),
    ],
)
def test_a_cell_is_written_as_people_read_it(cell: Cell, text: str) -> None:
    assert cell_text(cell) == text


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_every_number_of_the_report_is_in_its_cell(view: View) -> None:
    sections = [*([view.changes] if view.changes else []), *view.sections]
    assert tables_on_page(view) == [table_of(section.grid) for section in sections]


@pytest.mark.parametrize(("report", "caption", "row"), ROWS)
def test_a_row_says_what_was_published(report: str, caption: str, row: list[str]) -> None:
    """Spelt out, without the code that makes rows of a report."""
    [rows] = [rows for [name], _, *rows in tables_on_page(VIEWS[report]) if name == caption]
    assert row in rows


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_every_table_has_a_caption_and_names_its_rows(view: View) -> None:
    page = page_of(view)
    tables = len(view.sections) + bool(view.changes)
    assert len(page.all("table")) == len(page.all("caption")) == tables
    rows = sum(len(section.grid.rows) for section in view.sections) + (
        len(view.changes.grid.rows) if view.changes else 0
    )
    assert sum(each.get("scope") == "row" for each in page.all("th")) == rows


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_no_two_elements_of_a_report_share_an_id(view: View) -> None:
    ids = [attributes["id"] for _, attributes in page_of(view).elements if "id" in attributes]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_a_picture_never_comes_without_its_table(view: View) -> None:
    for part in text_of(view).split("<svg ")[1:]:
        assert 'class="nhsuk-table ' in part.partition("</section>")[0]
    assert len(page_of(view).all("svg")) == sum(section.picture is not None for section in view.sections) > 0


def test_a_report_says_its_version_and_what_changed() -> None:
    words = page_of(VIEWS["contract"]).words()
    assert "Contract report, Nottingham, June 2026" in words
    assert "Published Friday 7 August 2026, 09:00." in words
    assert "What this version changes" in words
    assert "Referrals received" in words


def test_each_figure_is_explained_beside_its_number() -> None:
    words = page_of(VIEWS["contract"]).words("th")
    assert all(figure.definition in words for figure in a_contract_report().figures)


def test_marks_are_explained_under_the_tables_that_use_them() -> None:
    words = page_of(VIEWS["contract"]).words("p")
    assert "[c] = 1 to 7: held back so that nobody can be singled out" in words
    assert "[u] = too few to say" in words


def test_the_gaps_come_before_the_tables_they_are_read_from() -> None:
    text = text_of(VIEWS["equality"])
    assert text.index("Who is not reached") < text.index("<table")


def test_invented_populations_and_practice_families_are_said_at_the_top() -> None:
    heading = a_heading(is_practice=True)
    words = page_of(as_html.contract_view(a_contract_report(heading=heading))).words()
    assert "made from invented families" in words
    assert "under two are invented" in page_of(VIEWS["equality"]).words()


def test_a_report_that_is_not_out_yet_says_when_it_will_be() -> None:
    heading = a_heading(status=ReportStatus.NOT_YET, available_on="2026-07-07", published_at=None, changes=())
    view = as_html.contract_view(a_contract_report(heading=heading, figures=(), tables=(), quality=()))
    page = page_of(view)
    assert "Not published yet: it will be on Tuesday 7 July 2026." in page.words()
    assert not page.all("table") + page.all("svg")


def test_hostile_names_are_words_on_the_page() -> None:
    table = a_table("t", a_row("a", HOSTILE, 10, 5, 0, 0), title=HOSTILE, note=HOSTILE)
    report = a_contract_report(tables=(table,), quality=(HOSTILE,), heading=a_heading(authority_name=HOSTILE))
    page = page_of(as_html.contract_view(report))
    assert page.is_harmless
    assert HOSTILE in page.words("th")


def test_trends_have_a_picture_and_a_table_with_every_month() -> None:
    reports = some_months(13)
    page = Page(f"<html>{sections(as_html.trends(reports))}</html>")
    assert len(page.all("svg")) == len(page.all("table")) == 2
    assert all(each in page.words("tbody") for each in ("June 2025", "June 2026", "Missed", "[w]"))


def test_there_are_no_trends_without_a_report() -> None:
    assert as_html.trends([]) == []


SHORT, LONG = ("specialist_short", "Shorter-term specialist work"), ("specialist_long", "Longer-term specialist work")
BOTH, LEFT = ("specialist", "Specialist work, both"), ("specialist_left", "Specialist work, without those elsewhere")


def levels(*rows: tuple[tuple[str, str], int, Any]) -> View:
    tiers = tuple(a_need(*level, expected, seen) for level, expected, seen in rows)
    return as_html.need_view(a_need_report(tiers=tiers))


def test_unmet_need_that_does_not_add_up_says_why_below_its_table() -> None:
    """498 and 0 unmet are not the 441 of both: short-term, more were seen than expected."""
    assert "115 families seen, more than the 56 expected" in text_of(
        levels((SHORT, 56, 115), (LONG, 500, 0), (BOTH, 556, 115))
    )
    assert "more than the" not in text_of(levels((SHORT, 113, 100), (LONG, 500, 10), (BOTH, 613, 110)))
    assert "more than the" not in text_of(levels((SHORT, 113, 100), (LONG, 500, "c"), (BOTH, 613, "w")))


def test_a_level_that_repeats_the_one_above_is_left_out() -> None:
    view = levels((BOTH, 611, 170), (LEFT, 611, 170))
    assert [row[0] for row in view.sections[0].grid.rows] == [BOTH[1]]
    assert LEFT[1] not in text_of(view)
    assert LEFT[1] in text_of(levels((BOTH, 611, 170), (LEFT, 271, 170)))
