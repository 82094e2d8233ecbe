"""How long a loop waits after a failure, when it rests after a batch, and when it must not."""

from __future__ import annotations

import asyncio

import pytest

from shared.backoff import LONGEST_SECONDS, SHORTEST_SECONDS, pauses, rest_after


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds: list[float] = []

    async def sleep(for_seconds: float) -> None:
        seconds.append(for_seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return seconds


async def test_pauses_double_up_to_the_longest(slept: list[float]) -> None:
    for tries, pause in enumerate(pauses()):
        await pause.sleep()
        if tries == 9:
            break
    for number, seconds in enumerate(slept):
        bound = min(SHORTEST_SECONDS * 2**number, LONGEST_SECONDS)
        assert (bound / 4 if number else 0) <= seconds <= bound


async def test_after_work_that_went_well_the_very_next_pause_is_short_again(slept: list[float]) -> None:
    for _ in range(100):
        pause = next(pauses())
        for _ in range(6):
            await pause.sleep()
        pause.reset()
        await pause.sleep()
        assert slept[-1] <= SHORTEST_SECONDS


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
