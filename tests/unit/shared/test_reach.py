"""A database is lost after two questions in vain, however much time passed between them."""

from __future__ import annotations

import asyncio

import pytest

from shared.messaging import reach
from shared.messaging.reach import Reach


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "ASK_EVERY_SECONDS", 0)
    monkeypatch.setattr(reach, "ASK_SECONDS", 0.05)


@pytest.mark.parametrize(
    ("answers", "lost"),
    [
        ("", ""),
        ("yyy", "..."),
        ("n", "."),
        ("ynyny", "....."),
        ("nn", ".L"),
        ("nyn", "..."),
        ("-n", ".L"),
        ("--", ".L"),
    ],
)
async def test_it_is_lost_after_two_questions_in_vain(answers: str, lost: str) -> None:
    """`y` and `n` are answers, `-` is silence."""
    left = iter(answers)

    async def answer() -> bool:
        if (said := next(left)) == "-":
            await asyncio.sleep(10)
        return said == "y"

    asked = Reach(answer)
    assert "".join(["L" if await asked.look() else "." for _ in answers]) == lost
    asked.begin()
    assert not asked.is_lost


async def test_it_does_not_ask_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "ASK_EVERY_SECONDS", 60)

    async def answer() -> bool:
        raise AssertionError

    assert not await Reach(answer).look()
