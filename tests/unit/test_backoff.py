"""When a loop rests after a batch, and when it must not."""

from __future__ import annotations

import asyncio

import pytest

from shared.backoff import rest_after


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []

    async def sleep(for_seconds: float) -> None:
        seconds.append(for_seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return seconds


@pytest.mark.parametrize("count", [0, 1, 15])
async def test_nothing_waits_at_everyday_rates(count: int, slept: list[float]) -> None:
    await rest_after(count, full=200)
    assert slept == []


@pytest.mark.parametrize("count", [200, 500])
async def test_a_full_batch_is_followed_at_once(count: int, slept: list[float]) -> None:
    await rest_after(count, full=200, at_least=0.25)
    assert slept == []


async def test_a_growing_batch_is_given_a_moment(slept: list[float]) -> None:
    for count in (16, 199):
        await rest_after(count, full=200)
    assert slept == [pytest.approx(0.048), 0.1]


async def test_events_that_nobody_waits_for_may_gather(slept: list[float]) -> None:
    await rest_after(1, full=200, at_least=0.25)
    assert slept == [0.25]
