"""More requests for help than families send: who is marked, and what is remembered of whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from fastapi import Request

from services.referral.front.client_address import address_of
from services.referral.front.family.floods import MOST_OF_ALL, MOST_OF_ONE, WITHIN, Counts, Mark
from services.referral.front.family.sending import MARKED
from tests.builders import a_policy

NOW: Final = datetime(2026, 6, 15, 10, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)


def a_request(*forwarded: str, client: tuple[str, int] | None = ("10.0.0.2", 4000)) -> Request:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    return Request({"type": "http", "client": client, "headers": headers})


def test_the_eleventh_of_an_hour_from_one_address_is_marked() -> None:
    counts = Counts()
    marks = [counts.count("192.0.2.1", at=NOW + number * MINUTE) for number in range(MOST_OF_ONE + 1)]
    assert marks == [[]] * MOST_OF_ONE + [[Mark.ONE_ADDRESS]]
    assert counts.count("192.0.2.2", at=NOW + 11 * MINUTE) == []


def test_an_hour_later_an_address_is_like_any_other() -> None:
    counts = Counts()
    for number in range(MOST_OF_ONE):
        counts.count("192.0.2.1", at=NOW + number * MINUTE)
    assert counts.count("192.0.2.1", at=NOW + WITHIN - MINUTE) == [Mark.ONE_ADDRESS]
    assert counts.count("192.0.2.1", at=NOW + WITHIN + 2 * MINUTE) == []


def test_the_sixty_first_of_an_hour_is_marked_wherever_it_comes_from() -> None:
    counts = Counts()
    marks = [counts.count(f"192.0.2.{number}", at=NOW) for number in range(MOST_OF_ALL + 1)]
    assert marks == [[]] * MOST_OF_ALL + [[Mark.MANY_IN_ALL]]


def test_a_household_has_many_addresses_of_version_six() -> None:
    counts = Counts()
    marks = [counts.count(f"2001:db8:1:2::{number:x}", at=NOW) for number in range(MOST_OF_ONE + 1)]
    assert marks[-1] == [Mark.ONE_ADDRESS]
    assert counts.count("2001:db8:1:3::1", at=NOW) == []


def test_no_address_is_remembered_and_never_many() -> None:
    counts = Counts()
    for number in range(5_000):
        counts.count(f"198.18.{number // 250}.{number % 250}", at=NOW + timedelta(seconds=number))
    by_address: dict[bytes, Any] = counts._by_address
    assert len(by_address) <= MOST_OF_ALL
    assert not any(b"198.18" in key for key in by_address)
    assert counts._key != Counts()._key


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ((), "10.0.0.2"),
        (("203.0.113.9",), "203.0.113.9"),
        (("made up, 203.0.113.9",), "203.0.113.9"),
        (("made up", "203.0.113.9"), "203.0.113.9"),
        (("",), "10.0.0.2"),
    ],
)
def test_only_what_the_nearest_proxy_wrote_counts(forwarded: tuple[str, ...], address: str) -> None:
    assert address_of(a_request(*forwarded), "x-forwarded-for") == address


def test_without_a_proxy_nobody_says_where_they_come_from() -> None:
    assert address_of(a_request("203.0.113.9"), "") == "10.0.0.2"
    assert address_of(a_request(client=None), "") == ""


def test_the_word_to_the_reader_is_no_alarm() -> None:
    assert a_policy().safety_words_in(MARKED) == ()
