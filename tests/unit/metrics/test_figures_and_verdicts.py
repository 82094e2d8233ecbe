"""A figure and its verdict never contradict each other, in whatever form a report is read."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.counting.book import Book
from services.metrics.counting.exact import Exact, Number, count
from services.metrics.disclosure import beside_verdict, percent, percent_range, range_of, rounded, verdict
from services.metrics.pages.lines import line_of
from services.metrics.reports.agreeing import terms_under
from services.metrics.reports.as_csv import contract_csv
from services.metrics.reports.as_html import contract_view
from services.metrics.reports.as_xlsx import workbook
from services.metrics.reports.charts import points, shares, trend
from services.metrics.reports.making import make_contract
from services.metrics.reports.model import RANGE, ContractReport, Figure, Mark, ReportKind, Shown, Verdict, figure_of
from services.metrics.reports.remarks import INVENTED_PLACES, result
from services.metrics.spans import read_month
from tests.builders import a_policy
from tests.unit.metrics.report_examples import a_contract_report, a_figure, a_heading, a_share

JUNE = read_month("2026-06")
OWN = ("seen_by_a_person", "decided_in_time", "contacted_in_time", "contacted_in_time_priority")
"""Shares with two numbers of their own, so that any numbers will do."""
COUNTS = st.integers(0, 400).flatmap(lambda out_of: st.tuples(st.integers(0, out_of), st.just(out_of)))
TARGETS = st.integers(1, 10_000).map(lambda basis_points: basis_points / 10_000)


def is_contradicted(value: float, target: float, answer: str) -> bool:
    """`target` in per cent, as it is shown."""
    return answer in ("met", "missed") and (value >= target) is not (answer == "met")


def test_a_per_cent_that_the_rounding_took_to_the_other_side_gives_way_to_the_range() -> None:
    """138 of 147 are 93.9 % and published as 140 of 145, 96.6 %; 142 of 149 are 95.3 % and 140 of 150, 93.3 %."""
    for reached, out_of, answer, bounds in ((138, 147, Verdict.MISSED, (93, 100)), (142, 149, Verdict.MET, (90, 96))):
        shown = rounded(reached), rounded(out_of)
        assert verdict(reached, out_of, shown=shown, target=0.95) is answer
        assert beside_verdict(percent(*shown), answer, 0.95) == RANGE
        assert percent_range(*shown) == bounds


def test_a_per_cent_stays_that_agrees_with_its_verdict_or_has_none() -> None:
    value = Shown(value=93)
    assert beside_verdict(value, Verdict.MISSED, 0.95) == value
    assert beside_verdict(value, Verdict.UNSAID, 0.95) == value
    assert beside_verdict(value, None, None) == value
    assert beside_verdict(value, Verdict.MET, 0.95) == RANGE


@given(COUNTS)
def test_the_exact_share_lies_in_the_range_that_is_told(counts: tuple[int, int]) -> None:
    reached, out_of = counts
    found = percent_range(rounded(reached), rounded(out_of))
    if found:
        assert found[0] <= Fraction(100 * reached, out_of) <= found[1]
        assert found[0] <= (percent(rounded(reached), rounded(out_of)).value or 0) <= found[1]


@given(COUNTS, TARGETS)
@settings(max_examples=500)
def test_for_no_counts_a_figure_and_its_verdict_contradict(counts: tuple[int, int], target: float) -> None:
    reached, out_of = counts
    shown = rounded(reached), rounded(out_of)
    answer = verdict(reached, out_of, shown=shown, target=target)
    value = beside_verdict(percent(*shown), answer, target)
    if value.value is not None:
        assert not is_contradicted(value.value, 100 * target, answer)
    elif value.mark is Mark.RANGE:
        bounds = percent_range(*shown)
        assert bounds
        assert bounds[1] >= 100 * target if answer is Verdict.MET else bounds[0] < 100 * target


def a_report(counts: list[tuple[int, int]], targets: list[float], **numbers_of: int) -> ContractReport:
    """A month in which each of OWN reached so many of so many; `numbers_of` are counts by their code."""
    policy = a_policy()
    assert policy.contract is not None
    contract = policy.contract.model_copy(update={"targets": dict(zip(OWN, targets, strict=True)), "paid": OWN})
    terms = terms_under(policy.model_copy(update={"contract": contract}), None)
    assert terms is not None
    book = Book(JUNE, (), (), (), (), (), {})
    exact = count(book, terms.kpis, terms.dimensions)
    numbers = dict(exact.numbers) | {code: Number(*each) for code, each in zip(OWN, counts, strict=True)}
    numbers |= {code: Number(each) for code, each in numbers_of.items()}
    heading = terms.heading(ReportKind.CONTRACT, JUNE, published_at=datetime(2026, 7, 7, tzinfo=UTC))
    return make_contract(heading, book, Exact(numbers, exact.tables), terms)


def per_cents(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+(?=%)", text)]


@given(st.lists(COUNTS, min_size=4, max_size=4), st.lists(TARGETS, min_size=4, max_size=4))
@settings(max_examples=40, deadline=None)
def test_no_form_of_a_report_contradicts_itself(counts: list[tuple[int, int]], targets: list[float]) -> None:
    report = a_report(counts, targets)
    figures: dict[str, Figure] = {each.code: each for each in report.figures if each.code in OWN}
    document = ContractReport.model_validate_json(report.model_dump_json())
    rows = list(csv.DictReader(io.StringIO(contract_csv(report).decode("utf-8-sig"))))
    shares = next(each for each in workbook(report).sheets if each.name == "shares")
    cells: dict[Any, dict[str, Any]] = {row[0]: dict(zip(shares.headings, row, strict=False)) for row in shares.rows}
    section = next(each for each in contract_view(report).sections if each.grid.code == "shares")
    told = {row[0]: dict(zip(section.grid.headings, row, strict=True)) for row in section.grid.texts}
    for code, figure in figures.items():
        answer = figure.verdict or ""
        published = figure_of(document.figures, code)
        assert published is not None
        assert published.value.value is None or not is_contradicted(
            published.value.value, 100 * (published.target or 0), published.verdict or ""
        )
        [line] = [row for row in rows if (row["code"], row["column"]) == (code, "value")]
        assert not line["value"] or not is_contradicted(float(line["value"]), float(line["target"]), line["verdict"])
        for form in (cells[figure.name], told[figure.name]):
            value, target = form["Per cent"], form["Target, per cent"]
            is_number = str(value).isdigit()
            assert form["Target met or missed"] == result(figure)
            assert not is_number or not is_contradicted(float(value), float(target), answer)
        shown = line_of(figure, [report])
        if figure.value.mark is Mark.RANGE:
            low, high = per_cents(shown.value)
            [target] = per_cents(shown.target)
            assert high >= target if answer == "met" else low < target
        elif found := per_cents(shown.value):
            assert not is_contradicted(found[0], per_cents(shown.target)[0], answer)


@pytest.mark.parametrize(
    ("target", "words"), [(0.9, "at least 90%"), (0.925, "at least 92.5%"), (1.0, "at least 100%")]
)
def test_a_target_is_shown_as_it_is(target: float, words: str) -> None:
    report = a_report([(90, 100)] * 4, [target] * 4)
    figure = figure_of(report.figures, "decided_in_time")
    assert figure is not None
    assert line_of(figure, [report]).target == words


OLD = a_share("contacted_in_time", 65, 70, target=0.95, verdict=Verdict.MET, name="First contact")
"""As a report of the first version published it: 93 %, at least 95 %, met."""
MISSED = a_share("contacted_in_time", 65, 70, target=0.95, name="First contact")
IN_A_RANGE = OLD.model_copy(update={"value": RANGE})
HELD = a_share("contacted_in_time", "c", 20, target=0.95, verdict=Verdict.MET, name="First contact")
UNSAID = a_share("contacted_in_time", 85, 100, target=0.8, verdict=Verdict.UNSAID, name="First contact")
NONE = a_share("contacted_in_time", 0, 0, target=0.8, name="First contact")
PLAIN = a_share("contacted_in_time", 70, 70, target=0.95, name="First contact")
SAID = [
    (OLD, "Met by the exact count, which is shown rounded"),
    (IN_A_RANGE, "Met by the exact count, which is shown rounded"),
    (HELD, "Met by the exact count, which is held back"),
    (UNSAID, "Not said: the answer could give a count away"),
    (NONE, "Not said: nothing to count"),
    (MISSED, "Missed"),
    (PLAIN, "Met"),
]


def a_month_with(*figures: Figure, **heading: Any) -> ContractReport:
    return a_contract_report(figures=figures, tables=(), heading=a_heading(**heading))


def cell_of_shares(report: ContractReport, heading: str) -> tuple[str, str]:
    """As the workbook and the page have it, for the first figure."""
    sheet = next(each for each in workbook(report).sheets if each.name == "shares")
    section = next(each for each in contract_view(report).sections if each.grid.code == "shares")
    at = section.grid.headings.index(heading)
    return str(sheet.rows[0][sheet.headings.index(heading)]), section.grid.texts[0][at]


def words_of(picture: str) -> str:
    return " ".join(ET.fromstring(picture).itertext())


def csv_line(report: ContractReport, code: str) -> dict[str, str]:
    rows = csv.DictReader(io.StringIO(contract_csv(report).decode("utf-8-sig")))
    return next(row for row in rows if (row["code"], row["column"]) == (code, "value"))


@pytest.mark.parametrize(("figure", "words"), SAID)
def test_a_verdict_has_its_reason_in_the_same_cell_in_every_form(figure: Figure, words: str) -> None:
    report = a_month_with(figure)
    assert result(figure) == words
    assert cell_of_shares(report, "Target met or missed") == (words, words)
    shown = line_of(figure, [report])
    assert words.endswith(shown.reason)
    assert bool(shown.reason) is (" " in words)
    note = csv_line(report, figure.code)["note"]
    assert note.startswith(f"{words}.") if shown.reason else words not in note


@pytest.mark.parametrize("figure", [OLD, HELD])
def test_a_picture_says_that_the_exact_count_was_judged(figure: Figure) -> None:
    assert "met by the exact count" in words_of(shares("some-shares", [figure]))
    if figure is OLD:
        assert "by the exact counts" in words_of(trend("a-trend", figure, points([a_month_with(figure)], figure.code)))


def test_a_dot_on_the_wrong_side_of_its_target_is_explained_under_the_picture() -> None:
    explained = "the verdict is by the exact count."
    assert explained in words_of(trend("a-trend", OLD, points([a_month_with(OLD)], OLD.code)))
    assert explained not in words_of(trend("a-trend", MISSED, points([a_month_with(MISSED)], MISSED.code)))


MAY = {"period": "2026-05", "first_day": date(2026, 5, 1), "last_day": date(2026, 5, 31)}


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (MISSED, OLD, "Rounded, the same as in May 2026, when the target was missed by the exact count"),
        (OLD, MISSED, "Rounded, the same as in May 2026, when the target was met by the exact count"),
        (OLD, OLD, "The same as in May 2026"),
        (
            a_share("contacted_in_time", 65, 70, target=0.9),
            MISSED,
            "Rounded, the same as in May 2026, when the target was at least 90%",
        ),
        (
            UNSAID,
            a_share("contacted_in_time", 85, 100, target=0.8),
            "Rounded, the same as in May 2026, when the result was not said",
        ),
        (MISSED, PLAIN, "7 percentage points more than in May 2026"),
        (
            a_share("contacted_in_time", 66, 70, target=0.95, verdict=Verdict.MISSED),
            OLD,
            "1 percentage point less than in May 2026, when the target was missed by the exact count",
        ),
    ],
)
def test_a_change_never_hides_that_the_verdict_has_changed(before: Figure, now: Figure, said: str) -> None:
    months = [a_month_with(before, **MAY), a_month_with(now)]
    assert line_of(now, months).change == said


@pytest.mark.parametrize(
    ("cell", "words"), [(15, "15 families"), (0, "0 families"), ("c", "Held back [c]"), (None, "not in this report")]
)
def test_families_not_taken_on_stand_beside_the_first_contact_in_every_form(cell: Any, words: str) -> None:
    beside = [] if cell is None else [a_figure("not_taken_on", cell)]
    report = a_month_with(PLAIN, *beside)
    said = f"Not taken on yet when due: {words}."
    assert line_of(PLAIN, [report]).remarks == (said,)
    assert cell_of_shares(report, "To read with it") == (said, said)
    assert said in csv_line(report, PLAIN.code)["note"]


def test_invented_places_are_said_to_be_so_in_practice_reports_alone() -> None:
    places = a_share("places_individual", 80, 85)
    practice, real = a_month_with(places, is_practice=True), a_month_with(places)
    assert line_of(places, [practice]).remarks == (INVENTED_PLACES,)
    assert cell_of_shares(practice, "To read with it") == (INVENTED_PLACES, INVENTED_PLACES)
    assert INVENTED_PLACES in csv_line(practice, places.code)["note"]
    assert line_of(places, [real]).remarks == ()


TAKEN_ON = st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(0, 30))


@given(TAKEN_ON)
@settings(max_examples=60, deadline=None)
def test_of_those_not_taken_on_at_least_three_counts_stay_possible(counts: tuple[int, int, int]) -> None:
    """An attacker adds and subtracts: in time, not taken on, and the rest of those due."""
    in_time, waiting, others = counts
    report = a_report([(0, 0), (0, 0), (in_time, sum(counts)), (0, 0)], [0.95] * 4, not_taken_on=waiting)
    told = {code: figure_of(report.figures, code) for code in ("contacted_in_time", "not_taken_on")}
    share, beside = told["contacted_in_time"], told["not_taken_on"]
    assert share is not None
    assert share.numerator is not None
    assert share.denominator is not None
    assert beside is not None
    ranges = [range_of(each, at_most=120) for each in (share.numerator, beside.value, share.denominator)]
    tables = [
        (n, w, d)
        for d in range(ranges[2].low, ranges[2].high + 1)
        for n in range(ranges[0].low, min(d, ranges[0].high) + 1)
        for w in range(ranges[1].low, min(d - n, ranges[1].high) + 1)
    ]
    possible = [{n for n, _, _ in tables}, {w for _, w, _ in tables}, {d - n - w for n, w, d in tables}]
    for exact, found in zip((in_time, waiting, others), possible, strict=True):
        assert exact in found
        assert exact == 0 or len(found) >= 3
