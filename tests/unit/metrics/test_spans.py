"""Fixed spans: months, half-years and years of the contract, and the day on which their reports come."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.spans import Span, contract_year, half_of, month_of, published_on, read_month, year_of
from shared.working_time import is_working_day

START = date(2022, 9, 1)
DAYS = st.dates(date(2015, 1, 1), date(2040, 12, 31))


def test_a_month_begins_and_ends_at_midnight_in_london() -> None:
    june = read_month("2026-06")
    assert june.starts_at.astimezone(UTC) == datetime(2026, 5, 31, 23, 0, tzinfo=UTC)
    assert june.ends_at.astimezone(UTC) == datetime(2026, 6, 30, 23, 0, tzinfo=UTC)
    assert (june.code, june.last_day) == ("2026-06", date(2026, 6, 30))


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-6", "2026-13", "2026-00", "26-06", "2026-06-01", "٢٠٢٦-٠٦", "0001-01", "x"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_month(text)


def test_the_halves_of_a_contract_that_starts_in_september_end_in_february_and_august() -> None:
    assert half_of(date(2026, 2, 28), START).code == "2025-09--2026-02"
    assert half_of(date(2026, 3, 1), START).code == "2026-03--2026-08"
    assert year_of(date(2026, 8, 31), START).code == "2025-09--2026-08"


def test_contract_years_count_from_one_and_there_is_none_before_the_start() -> None:
    assert contract_year(date(2022, 8, 31), START) is None
    assert [contract_year(date(year, 9, 1), START) for year in (2022, 2023, 2024)] == [1, 2, 3]
    assert contract_year(date(2024, 8, 31), START) == 2


@given(DAYS)
def test_every_day_is_in_its_month_its_half_and_its_year(day: date) -> None:
    month, half, year = month_of(day), half_of(day, START), year_of(day, START)
    assert day in month
    assert day in half
    assert day in year
    assert list(half.each_month())[(day.month - half.first_day.month) % 12] == month
    assert half.first_day >= year.first_day
    assert half.last_day <= year.last_day


@given(DAYS)
def test_spans_of_a_kind_leave_no_day_out_and_take_none_twice(day: date) -> None:
    for span in (month_of(day), half_of(day, START), year_of(day, START)):
        assert span.next().first_day == span.last_day + timedelta(days=1)
        assert span.last_day not in span.next()


def test_no_day_is_in_no_span() -> None:
    assert None not in Span(date(2026, 6, 1))


@given(DAYS, st.integers(0, 30))
def test_a_report_comes_on_a_working_day_after_the_end(day: date, days: int) -> None:
    month = month_of(day)
    comes = published_on(month, days)
    assert is_working_day(comes)
    assert comes > month.last_day


def test_five_working_days_after_may_skip_weekend_and_bank_holiday() -> None:
    assert published_on(read_month("2026-10"), 5) == date(2026, 11, 6)
    assert published_on(read_month("2025-12"), 5) == date(2026, 1, 8)
