"""Days and times as people type them into one box: day first, in London."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.referral.front.typed_dates import day_from, day_to, moment, time_from, time_to


@pytest.mark.parametrize(
    "typed",
    [
        "12 3 2026", "12/3/2026", "12/03/2026", "12.3.2026", "12-3-2026", "12/3/26", "12.3.26", "12 March 2026", "12 mar 2026",
        "12th March, 2026", "12 MARCH 2026", "2026-03-12", "  12   3  2026 ",
    ],
)  # fmt: skip
def test_a_day_is_read_day_first(typed: str) -> None:
    assert day_from(typed) == "2026-03-12"


@pytest.mark.parametrize(
    "typed",
    [
        "12.3.126", "12 3 6", "March 12 2026", "13 13 2026", "31 4 2026", "0 1 2026", "12 3", "today", "12 Maerz 2026",
        "١٢ ٣ ٢٠٢٦", "12 3 20266", "", "12 3 2026 x", "2026-3-12", "20260312",
    ],
)  # fmt: skip
def test_another_text_stays_as_typed(typed: str) -> None:
    assert day_from(typed) == typed
    assert day_to(typed) == typed


@pytest.mark.parametrize(
    ("typed", "day"), [("1 5 98", "1998-05-01"), ("1 5 39", "2039-05-01"), ("1 5 40", "1940-05-01")]
)
def test_a_year_of_two_digits_is_that_of_a_carer_or_of_a_baby(typed: str, day: str) -> None:
    assert day_from(typed) == day


@pytest.mark.parametrize("month", ["Sept", "September", "sep", "9", "09"])
def test_a_month_has_many_names(month: str) -> None:
    assert day_from(f"1 {month} 2026") == "2026-09-01"


@settings(deadline=None)
@given(st.dates())
def test_every_day_comes_back(day: date) -> None:
    assert day_from(day_to(day.isoformat())) == day.isoformat()


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("14 6 2026", "2026-06-14T00:00:00+01:00"),
        ("14 1 2026", "2026-01-14T00:00:00+00:00"),
        ("14 6 2026 9:05", "2026-06-14T09:05:00+01:00"),
        ("14 June 2026 at 14.30", "2026-06-14T14:30:00+01:00"),
        ("14/6/2026, 2.30pm", "2026-06-14T14:30:00+01:00"),
        ("14/6/2026 12 am", "2026-06-14T00:00:00+01:00"),
        ("14/6/2026 12:10 p.m.", "2026-06-14T12:10:00+01:00"),
        ("2026-06-14T14:30", "2026-06-14T14:30:00+01:00"),
        ("2026-06-14 14:30:59", "2026-06-14T14:30:59+01:00"),
        ("14 6 26 9:05", "2026-06-14T09:05:00+01:00"),
        ("14/6/26, 2.30pm", "2026-06-14T14:30:00+01:00"),
    ],
)
def test_a_time_is_that_of_london(typed: str, written: str) -> None:
    assert time_from(typed) == written


@pytest.mark.parametrize(
    "typed",
    [
        "14 6 2026 25:00",
        "14 6 2026 9",
        "14 6 2026 13 pm",
        "14 6 2026 0 am",
        "9:00",
        "yesterday",
        "2026-06-14T10:00:00Z",
    ],
)
def test_another_time_stays_as_typed(typed: str) -> None:
    assert time_from(typed) == typed


def test_a_time_is_shown_as_it_would_be_typed() -> None:
    assert time_to("2026-06-14T08:05:00Z") == "14 6 2026 09:05"
    assert time_to("2026-06-14T00:00:00+01:00") == "14 6 2026"
    assert time_to("2026-06-14T08:05:09.000Z") == "14 6 2026 09:05:09"


@pytest.mark.parametrize(
    "written",
    [
        "2026-06-14T08:05:09.5Z",
        "2025-10-26T01:30:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:00-01:00",
        "soon",
        "2026-06-14",
    ],
)
def test_a_time_that_words_would_change_is_shown_as_written(written: str) -> None:
    assert time_to(written) == written


@settings(deadline=None)
@example(datetime(2515, 1, 1, 0, 0, 0, 1), 0)  # noqa: DTZ001  finer than a float is, so late
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-1439, 1439))  # noqa: DTZ001  no zone yet
def test_every_time_comes_back(at: datetime, offset: int) -> None:
    sign, (hours, minutes) = "+" if offset >= 0 else "-", divmod(abs(offset), 60)
    written = f"{at.isoformat()}{sign}{hours:02}:{minutes:02}"
    before, after = moment(written), moment(time_from(time_to(written)))
    assert before
    assert after
    assert before.astimezone(UTC) == after.astimezone(UTC)
