"""Working time by the clocks in London: nights, weekends, bank holidays, and the two Sundays on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.working_time import LONDON, is_working_time, working_seconds_between

HOUR = 3600


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
    assert is_working_time(in_london(at)) is is_working


def test_working_time_goes_by_the_clocks_in_london() -> None:
    assert is_working_time(datetime(2026, 6, 15, 8, 30, tzinfo=UTC))  # half past nine in summer
    assert not is_working_time(datetime(2026, 1, 15, 8, 30, tzinfo=UTC))


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
    assert working_seconds_between(in_london(start), in_london(end)) == hours * HOUR


def test_nothing_lies_between_a_moment_and_an_earlier_one() -> None:
    noon = in_london("2026-06-15T12:00")
    assert working_seconds_between(noon, noon - timedelta(hours=1)) == 0
    assert working_seconds_between(noon, noon - timedelta(days=3)) == 0
