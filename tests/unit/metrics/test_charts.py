"""Pictures of reports: well-formed, told in words, and silent about what is held back."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from services.metrics.reports import charts
from services.metrics.reports.model import Dimension, Figure, Shown, Table, Verdict, figure_of
from tests.rendering import HOSTILE, Page
from tests.unit.metrics.report_examples import (
    a_contract_report,
    a_figure,
    a_need,
    a_need_report,
    a_row,
    a_share,
    a_table,
    an_access,
    an_equality_report,
    shown,
    some_months,
)

MARKED = st.sampled_from(["c", "w", "z", "u"])
CELLS = MARKED | st.integers(0, 400).map(lambda fives: fives * 5)


def the_trend(code: str = "decided_in_time", months: int = 13) -> Markup:
    reports = some_months(months)
    figure = figure_of(reports[-1].figures, code)
    assert figure
    return charts.trend("a-trend", figure, charts.points(reports, code))


def a_dimension(*rows: Any) -> Dimension:
    found = an_equality_report().dimensions[0]
    return found.model_copy(update={"rows": rows}) if rows else found


PICTURES: dict[str, Callable[[], Markup]] = {
    "breakdown": lambda: charts.breakdown("a-table", a_table()),
    "shares": lambda: charts.shares("some-shares", a_contract_report().figures),
    "waits": lambda: charts.waits("some-waits", a_contract_report().figures),
    "trend": the_trend,
    "access": lambda: charts.access("some-access", a_dimension()),
    "need": lambda: charts.need("some-need", "By level of need", a_need_report().tiers),
    "no rows": lambda: charts.breakdown("no-rows", Table(**a_table().model_dump() | {"rows": ()})),
    "no shares": lambda: charts.shares("no-shares", ()),
    "no months": lambda: charts.trend("no-months", a_figure(), ()),
    "no groups": lambda: charts.need("no-groups", "Nobody", ()),
    "no categories": lambda: charts.access("no-categories", Dimension(**a_dimension().model_dump() | {"rows": ()})),
    "all held back": lambda: charts.breakdown("held-back", a_table("t", a_row("a", "A", "c", "c", "c", "c"))),
}


def drawn(picture: Markup) -> ET.Element:
    return ET.fromstring(picture)


def words(picture: Markup) -> list[str]:
    return [text.text or "" for text in drawn(picture).iter("text")]


def description(picture: Markup) -> str:
    return drawn(picture).findtext("desc") or ""


def bars(picture: Markup) -> list[ET.Element]:
    return list(drawn(picture).findall("rect"))


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_every_picture_is_told_by_its_title_and_description(picture: Callable[[], Markup]) -> None:
    root = drawn(picture())
    title, desc = root.find("title"), root.find("desc")
    assert root.get("role") == "img"
    assert title is not None
    assert desc is not None
    assert title.text
    assert desc.text
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_no_picture_needs_a_script_or_a_style_of_its_own(picture: Callable[[], Markup]) -> None:
    page = Page(picture())
    assert page.is_harmless
    assert not {"href", "xlink:href", "class"} & {name for tag, each in page.elements if tag != "svg" for name in each}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_every_id_starts_with_the_one_given_so_that_pictures_share_a_page(picture: Callable[[], Markup]) -> None:
    made = picture()
    ids = re.findall(r' id="([^"]+)"', made)
    start = ids[0].removesuffix("-title")
    assert len(set(ids)) == len(ids)
    assert all(each.startswith(f"{start}-") for each in ids)


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_words_fit_a_phone(picture: Callable[[], Markup]) -> None:
    assert all(len(each) <= 38 for each in words(picture()))


@pytest.mark.parametrize("ident", ["", "1a", "a b", 'a"onload="x', "Ä"])
def test_what_cannot_be_an_id_is_refused(ident: str) -> None:
    with pytest.raises(ValueError, match="is no id"):
        charts.breakdown(ident, a_table())


@pytest.mark.parametrize(
    "picture",
    [
        lambda: charts.breakdown("t", a_table("t", a_row("a", HOSTILE, 10, 5, 0, 0), title=HOSTILE)),
        lambda: charts.shares("s", [a_share("fathers", 25, 140, target=0.5, name=HOSTILE)]),
        lambda: charts.trend("t", a_figure(name=HOSTILE), [charts.Point(HOSTILE, shown(10))]),
        lambda: charts.access("a", a_dimension(an_access("a", HOSTILE, 20, 10, gap="fewer"))),
        lambda: charts.need("n", HOSTILE, [a_need("a", HOSTILE + "\x00\x08", 100, 10)]),
    ],
)
def test_hostile_names_are_words_only(picture: Callable[[], Markup]) -> None:
    made = picture()
    assert Page(made).is_harmless
    assert "script" in "".join(drawn(made).itertext())


@given(cells=st.lists(CELLS, min_size=1, max_size=12))
def test_there_is_a_bar_for_each_number_and_none_for_what_is_held_back(cells: list[Any]) -> None:
    table = a_table("t", *(a_row(f"r{at}", f"Row {at}", cell, 0, 0, 0) for at, cell in enumerate(cells)))
    picture = charts.breakdown("t", table)
    assert len(bars(picture)) == sum(isinstance(cell, int) for cell in cells)


@given(mark=MARKED)
def test_what_is_held_back_is_drawn_by_its_mark_without_a_number(mark: Any) -> None:
    picture = charts.breakdown(
        "t", a_table("t", a_row("a", "Somewhere", mark, 0, 0, 0), total=a_row("t", "All", mark, 0, 0, 0))
    )
    said = " ".join([*words(picture), description(picture)])
    assert f"Somewhere: [{mark}]" in said
    assert not re.search(r"\d", said)


@given(cells=st.lists(CELLS, min_size=1, max_size=13))
def test_a_month_without_a_number_is_a_gap_in_the_line(cells: list[Any]) -> None:
    months = [charts.Point("June 2026", shown(cell)) for cell in cells]
    picture = drawn(charts.trend("t", a_figure(), months))
    known = [isinstance(cell, int) for cell in cells]
    assert len(picture.findall("circle")) == sum(known)
    thick = [line for line in picture.findall("line") if line.get("stroke-width") == "3"]
    assert len(thick) == sum(left and right for left, right in itertools.pairwise(known))
    assert [text for text in words(Markup(ET.tostring(picture, encoding="unicode"))) if text.startswith("[")] == [
        shown(cell).text for cell in cells if not isinstance(cell, int)
    ]


@given(cells=st.lists(CELLS, min_size=1, max_size=13))
def test_every_place_is_within_the_picture(cells: list[Any]) -> None:
    months = [charts.Point("June 2026", shown(cell)) for cell in cells]
    table = a_table("t", *(a_row(f"r{at}", f"Row {at}", cell, 0, 0, 0) for at, cell in enumerate(cells)))
    for picture in (charts.trend("t", a_figure(), months), charts.breakdown("b", table)):
        for element in drawn(picture).iter():
            places = [
                value for name in ("x", "x1", "x2", "cx", "width") if (value := element.get(name, "")).endswith("%")
            ]
            assert all(0 <= float(place.rstrip("%")) <= 100 for place in places)


def test_a_missed_target_is_an_open_ring() -> None:
    months = [charts.Point("May 2026", shown(95), Verdict.MET), charts.Point("June 2026", shown(80), Verdict.MISSED)]
    picture = charts.trend("t", a_share("decided_in_time", 80, 100, target=0.9), months)
    met, missed = drawn(picture).findall("circle")
    assert met.get("fill") != missed.get("fill") == "#ffffff"
    assert "Open ring: target missed." in words(picture)


def test_the_trend_says_where_it_began_where_it_ended_and_how_often_the_target_was_met() -> None:
    said = description(the_trend())
    assert said.startswith(
        "From June 2025 85% to June 2026 91%. Target 90%: met in 9 of 12 months, by the exact counts."
    )
    assert said.endswith("Without a number: September 2025.")


def test_the_shares_say_which_targets_were_met_and_missed() -> None:
    said = description(charts.shares("s", a_contract_report().figures))
    assert "Targets met: Acknowledged at once, Seen by a person and Contacted in time." in said
    assert "Targets missed: Decided in time and Parent was asked." in said


def test_a_breakdown_says_the_total_the_largest_and_what_has_no_number() -> None:
    said = description(charts.breakdown("t", a_table()))
    assert said == (
        "Received: 140 in all. Largest: Health Visitor with 65. Without a number: Social Services and Voluntary Sector."
    )


def test_of_many_rows_the_largest_are_drawn_and_the_table_is_named_for_the_rest() -> None:
    rows = [a_row(f"w{at}", f"Ward {at}", at * 5, 0, 0, 0) for at in range(3, 40)]
    picture = charts.breakdown("t", a_table("t", *rows))
    assert len(bars(picture)) == 12
    assert words(picture)[0] == "Ward 39: 195"
    assert "The 12 largest of 37 are drawn; the table has them all." in description(picture)


def test_equal_access_stands_in_the_middle_and_doubling_as_far_as_halving() -> None:
    rows = [
        an_access(code, code, 50, 20, ratio=ratio, low=ratio, high=ratio)
        for code, ratio in (("a", 1.0), ("b", 2.0), ("c", 0.5))
    ]
    places = [
        float(dot.get("cx", "").rstrip("%")) for dot in drawn(charts.access("a", a_dimension(*rows))).findall("circle")
    ]
    assert places[0] == 50
    assert places[1] - 50 == pytest.approx(50 - places[2])


def test_a_ratio_beyond_the_scale_is_an_arrow_at_its_edge() -> None:
    picture = charts.access("a", a_dimension(an_access("a", "A", 50, 20, ratio=5.0, low=2.0, high=30.0)))
    assert "▶" in words(picture)


def test_nobody_referred_is_an_arrow_at_the_other_edge() -> None:
    picture = charts.access("a", a_dimension(an_access("a", "A", 0, 0, ratio=0.0, low=0.0, high=0.4)))
    assert "◀" in words(picture)


def test_of_many_categories_those_farthest_from_equal_are_drawn() -> None:
    rows = [an_access(f"w{at}", f"Ward {at}", 50, 20, ratio=1 + at / 10) for at in range(20)]
    picture = charts.access("a", a_dimension(*rows))
    assert len(drawn(picture).findall("circle")) == 12
    assert words(picture)[0].startswith("Ward 19:")
    assert "The 12 farthest from equal are drawn; the table has them all." in description(picture)


def test_a_category_without_a_ratio_has_no_dot() -> None:
    picture = charts.access("a", a_dimension(an_access("a", "Held", "c", "c", ratio=None, low=None, high=None)))
    assert not drawn(picture).findall("circle")
    assert "Held: no ratio" in words(picture)


def test_access_is_told_by_who_is_referred_less_often_first() -> None:
    said = description(charts.access("a", a_dimension()))
    assert said.startswith(
        "Referred less often than their share of under-twos: Asian or Asian British. More often: White."
    )
    assert "The population is invented." in said


def test_expected_is_hatched_and_seen_is_full() -> None:
    expected, seen = bars(charts.need("n", "Need", [a_need("a", "A", 100, 25)]))
    assert expected.get("fill") == "url(#n-hatch)"
    assert (expected.get("width"), seen.get("width")) == ("100%", "25%")


def test_need_says_where_most_is_not_met() -> None:
    said = description(charts.need("n", "Need", a_need_report().tiers))
    assert said == (
        "Most unmet need: Universal support, 4,210 expected, 310 seen, 3,900 not met. "
        "Without a number: Specialist, longer-term."
    )


def test_points_are_the_months_that_have_the_figure() -> None:
    reports = some_months(3)
    without = reports[1].model_copy(update={"figures": ()})
    found = charts.points([reports[0], without, reports[2]], "received")
    assert [(point.name, point.shown) for point in found] == [
        ("April 2026", Shown(value=100)),
        ("June 2026", Shown(value=110)),
    ]


def test_a_share_that_is_not_drawn_to_its_target_shows_where_the_target_is() -> None:
    figure: Figure = a_share("decided_in_time", 80, 100, target=0.9)
    marks = [line.get("x1") for line in drawn(charts.shares("s", [figure])).findall("line")]
    assert "90%" in marks
