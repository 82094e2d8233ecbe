"""Working time by the clocks in London: nights, weekends, bank holidays, and the two Sundays on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.working_time import (
    LONDON,
    Stop,
    day_in_london,
    is_working_day,
    is_working_time,
    moved,
    working_time_between,
)
from tests.builders import a_policy

HOURS = a_policy().working_time


def in_london(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("at", "is_working"),
    [
        ("2026-06-15T08:59:59", False),
        ("2026-06-15T09:00:00", True),
        ("2026-06-15T16:59:59", True),
        ("2026-06-15T17:00:00", False),
        ("2026-06-13T12:00:00", False),  # Saturday
        ("2026-05-25T12:00:00", False),  # Spring Bank Holiday
        ("2026-12-25T12:00:00", False),
    ],
)
def test_working_time_is_nine_to_five_on_working_days(at: str, is_working: bool) -> None:
    assert is_working_time(in_london(at), HOURS) is is_working


def test_working_time_goes_by_the_clocks_in_london() -> None:
    assert is_working_time(datetime(2026, 6, 15, 8, 30, tzinfo=UTC), HOURS)  # half past nine in summer
    assert not is_working_time(datetime(2026, 1, 15, 8, 30, tzinfo=UTC), HOURS)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-06-15T10:00", "2026-06-15T12:30", 2.5),
        ("2026-06-15T06:00", "2026-06-15T23:00", 8),
        ("2026-06-12T16:00", "2026-06-15T10:00", 2),  # over a weekend
        ("2026-04-02T16:00", "2026-04-07T10:00", 2),  # over Easter
        ("2026-03-27T16:00", "2026-03-30T10:00", 2),  # the clocks go forward
        ("2026-10-23T16:00", "2026-10-26T10:00", 2),  # and back
        ("2026-06-13T10:00", "2026-06-14T10:00", 0),
    ],
)
def test_only_working_time_counts_between_two_moments(start: str, end: str, hours: float) -> None:
    assert working_time_between(in_london(start), in_london(end), HOURS) == timedelta(hours=hours)


def test_nothing_lies_between_a_moment_and_an_earlier_one() -> None:
    noon = in_london("2026-06-15T12:00")
    assert working_time_between(noon, noon - timedelta(hours=1), HOURS) == timedelta(0)
    assert working_time_between(noon, noon - timedelta(days=3), HOURS) == timedelta(0)


WEDNESDAY = "2026-06-17T17:00"


@pytest.mark.parametrize(
    ("stops", "due"),
    [
        ([], WEDNESDAY),
        ([("2026-06-12T16:00", "2026-06-15T09:00")], "2026-06-18T17:00"),  # one working hour of a Friday
        ([("2026-06-13T10:00", "2026-06-14T10:00")], WEDNESDAY),  # a weekend is no working time
        ([("2026-06-11T10:00", "2026-06-12T10:00")], "2026-06-18T17:00"),  # eight hours are one day
        ([("2026-06-11T10:00", "2026-06-12T11:00")], "2026-06-19T17:00"),
        ([("2026-06-11T10:00", "2026-06-12T15:00")], "2026-06-19T17:00"),
        # Short ones are added up: two minutes twice are no two days
        ([("2026-06-11T10:00", "2026-06-11T10:02"), ("2026-06-12T10:00", "2026-06-12T10:02")], "2026-06-18T17:00"),
        # What lies in two of them counts once
        ([("2026-06-11T10:00", "2026-06-12T10:00"), ("2026-06-11T12:00", "2026-06-12T09:00")], "2026-06-18T17:00"),
        ([("2026-06-16T09:00", "2026-06-19T17:00")], "2026-06-23T17:00"),  # a weekend in between
        ([("2026-06-17T18:00", "2026-06-22T12:00")], WEDNESDAY),  # what was missed stays missed
        ([("2026-06-15T09:00", None)], WEDNESDAY),  # and an open stop gives nothing back yet
        ([("2026-06-15T12:00", "2026-06-15T09:00")], WEDNESDAY),  # an answer from before the question is none
        # Moved by a first stop it is not missed when the second begins
        ([("2026-06-11T09:00", "2026-06-15T17:00"), ("2026-06-18T09:00", "2026-06-18T17:00")], "2026-06-23T17:00"),
    ],
)
def test_a_deadline_gets_back_the_working_time_for_which_the_clock_stood(
    stops: list[tuple[str, str | None]], due: str
) -> None:
    stood: list[Stop] = [(in_london(start), in_london(end) if end else None) for start, end in stops]
    assert moved(in_london(WEDNESDAY), stood, hours=HOURS) == in_london(due)
    assert moved(in_london(WEDNESDAY), stood[::-1], hours=HOURS) == in_london(due)


MINUTES = st.integers(0, 60 * 24 * 60)


@given(st.lists(st.tuples(MINUTES, MINUTES), max_size=6), st.tuples(MINUTES, MINUTES))
def test_a_moved_deadline_is_at_a_close_and_another_stop_never_makes_it_earlier(
    stops: list[tuple[int, int]], one_more: tuple[int, int]
) -> None:
    began = in_london("2026-03-20T00:00")
    stood = [(began + timedelta(minutes=start), began + timedelta(minutes=end)) for start, end in stops]
    due = in_london("2026-04-02T17:00")
    later = moved(due, stood, hours=HOURS)
    local = later.astimezone(LONDON)
    assert later >= due
    assert (local.hour, local.minute, is_working_day(day_in_london(later))) == (17, 0, True)
    start, end = one_more
    more = [*stood, (began + timedelta(minutes=start), began + timedelta(minutes=end))]
    assert moved(due, more, hours=HOURS) >= later
