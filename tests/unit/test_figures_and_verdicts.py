"""A figure and its verdict never contradict each other, in whatever form a report is read."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.metrics.counting.book import Book
from services.metrics.counting.exact import Exact, Number, count
from services.metrics.disclosure import beside_verdict, percent, percent_range, rounded, verdict
from services.metrics.pages.lines import line_of
from services.metrics.reports.agreeing import terms_under
from services.metrics.reports.as_csv import contract_csv
from services.metrics.reports.as_html import contract_view
from services.metrics.reports.as_xlsx import workbook
from services.metrics.reports.making import make_contract
from services.metrics.reports.model import RANGE, ContractReport, Figure, Mark, ReportKind, Shown, Verdict, figure_of
from services.metrics.spans import read_month
from tests.builders import a_policy

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


def a_report(counts: list[tuple[int, int]], targets: list[float]) -> ContractReport:
    """A month in which each of OWN reached so many of so many."""
    policy = a_policy()
    assert policy.contract is not None
    contract = policy.contract.model_copy(update={"targets": dict(zip(OWN, targets, strict=True)), "paid": OWN})
    terms = terms_under(policy.model_copy(update={"contract": contract}), None)
    assert terms is not None
    book = Book(JUNE, (), (), (), (), (), {})
    exact = count(book, terms.kpis, terms.dimensions)
    numbers = dict(exact.numbers) | {code: Number(*each) for code, each in zip(OWN, counts, strict=True)}
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
    shares = next(each for each in workbook(report)["sheets"] if each["name"] == "shares")
    cells: dict[Any, dict[str, Any]] = {
        row[0]: dict(zip(shares["headings"], row, strict=False)) for row in shares["rows"]
    }
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
            assert not is_number or not is_contradicted(
                float(value), float(target), form["Target met or missed"].lower()
            )
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
