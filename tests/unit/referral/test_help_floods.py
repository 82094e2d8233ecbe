"""More requests for help than families send: who is marked, who waits, and what is remembered of whom."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import pytest
from fastapi import Request

from services.referral.front.client_address import address_of
from services.referral.front.family.empty_drafts import MOST_EMPTY, MOST_EMPTY_OF_ALL, EmptyDrafts
from services.referral.front.family.floods import (
    MOST_OF_ALL,
    MOST_OF_ONE,
    MOST_WAITING,
    WITHIN,
    Counts,
    Households,
    Mark,
    SlowedAnswers,
)
from services.referral.front.family.sending import MARKED
from tests.builders import a_policy

NOW: Final = datetime(2026, 6, 15, 10, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)


def a_request(*forwarded: str, client: tuple[str, int] | None = ("10.0.0.2", 4000)) -> Request:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    return Request({"type": "http", "client": client, "headers": headers})


def test_the_eleventh_of_an_hour_from_one_address_is_marked() -> None:
    counts = Counts()
    marks = [counts.count("192.0.2.1", at=NOW + number * MINUTE).marks for number in range(MOST_OF_ONE + 1)]
    assert marks == [[]] * MOST_OF_ONE + [[Mark.ONE_ADDRESS]]
    assert counts.count("192.0.2.2", at=NOW + 11 * MINUTE).marks == []


def test_an_hour_later_an_address_is_like_any_other() -> None:
    counts = Counts()
    for number in range(MOST_OF_ONE):
        counts.count("192.0.2.1", at=NOW + number * MINUTE)
    assert counts.count("192.0.2.1", at=NOW + WITHIN - MINUTE).marks == [Mark.ONE_ADDRESS]
    assert counts.count("192.0.2.1", at=NOW + WITHIN + 2 * MINUTE).marks == []


def test_the_sixty_first_of_an_hour_is_marked_wherever_it_comes_from() -> None:
    counts = Counts()
    marks = [counts.count(f"192.0.2.{number}", at=NOW).marks for number in range(MOST_OF_ALL + 1)]
    assert marks == [[]] * MOST_OF_ALL + [[Mark.MANY_IN_ALL]]


def test_a_household_has_many_addresses_of_version_six() -> None:
    counts = Counts()
    marks = [counts.count(f"2001:db8:1:2::{number:x}", at=NOW).marks for number in range(MOST_OF_ONE + 1)]
    assert marks[-1] == [Mark.ONE_ADDRESS]
    assert counts.count("2001:db8:1:3::1", at=NOW).marks == []


def test_no_address_is_remembered_and_never_many() -> None:
    counts = Counts()
    for number in range(5_000):
        counts.count(f"198.18.{number // 250}.{number % 250}", at=NOW + timedelta(seconds=number))
    by_address: dict[bytes, Any] = counts._by_address
    assert len(by_address) <= MOST_OF_ALL
    assert not any(b"198.18" in key for key in by_address)
    assert Households()("192.0.2.1") != Households()("192.0.2.1")


def test_beyond_the_tenth_each_one_of_an_address_waits_longer_up_to_five_seconds() -> None:
    counts = Counts()
    waits = [counts.count("192.0.2.1", at=NOW).seconds for _ in range(MOST_OF_ONE + 12)]
    assert waits == [0.0] * MOST_OF_ONE + [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.0, 5.0]
    assert counts.count("192.0.2.2", at=NOW).seconds == 0
    assert counts.count("192.0.2.1", at=NOW + WITHIN + MINUTE).seconds == 0


def test_beyond_sixty_everybody_waits_a_little() -> None:
    counts = Counts()
    waits = [counts.count(f"192.0.2.{number}", at=NOW).seconds for number in range(MOST_OF_ALL + 3)]
    assert waits == [0.0] * MOST_OF_ALL + [0.5, 1.0, 1.5]


async def test_few_wait_at_once_and_the_others_go_on() -> None:
    waits = SlowedAnswers()
    first = [asyncio.create_task(waits.wait(0.2)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    async with asyncio.timeout(0.1):
        await waits.wait(5)
    await asyncio.gather(*first)
    begun = asyncio.get_running_loop().time()
    await waits.wait(0.05)
    assert asyncio.get_running_loop().time() - begun >= 0.04


class TestEmptyDrafts:
    def test_of_one_address_the_oldest_go(self) -> None:
        empty, ids = EmptyDrafts(), [uuid4() for _ in range(MOST_EMPTY + 2)]
        assert [empty.begun("192.0.2.1", each) for each in ids] == [None] * MOST_EMPTY + ids[:2]
        assert empty.begun("192.0.2.2", uuid4()) is None

    def test_one_in_which_somebody_typed_stays(self) -> None:
        empty, ids = EmptyDrafts(), [uuid4() for _ in range(MOST_EMPTY + 2)]
        for each in ids[:2]:
            empty.begun("192.0.2.1", each)
        empty.is_empty_no_more(ids[0])
        assert [empty.begun("192.0.2.1", each) for each in ids[2:]] == [None] * (MOST_EMPTY - 1) + [ids[1]]

    def test_few_are_remembered_of_all_addresses(self) -> None:
        empty, ids = EmptyDrafts(), [uuid4() for _ in range(MOST_EMPTY_OF_ALL + 1)]
        gone = [empty.begun(f"198.18.{number // 250}.{number % 250}", each) for number, each in enumerate(ids)]
        assert gone == [None] * MOST_EMPTY_OF_ALL + ids[:1]


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
