"""Pauses between tries: drawn by lot under a bound that doubles, from a fifth of a second to five seconds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Final

SHORTEST_SECONDS: Final = 0.2
LONGEST_SECONDS: Final = 5.0
WORTH_A_REST: Final = 16


class Pause:
    """The pause before the next try; `reset()` says that this one went well, so the next pause is short again.

    The first is drawn from zero on, each later one from a quarter of its bound.
    """

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest = shortest
        self._longest = longest
        self.reset()

    def reset(self) -> None:
        self._bound = self._shortest
        self.seconds = random.uniform(0, self._bound)  # noqa: S311  jitter, not a secret

    async def sleep(self) -> None:
        await asyncio.sleep(self.seconds)
        self._bound = min(self._bound * 2, self._longest)
        self.seconds = random.uniform(self._bound / 4, self._bound)  # noqa: S311  jitter, not a secret


async def rest_after(
    count: int, *, full: int, seconds_each: float = 0.003, at_most: float = 0.1, at_least: float = 0.0
) -> None:
    """After a batch of several that was not full a moment's rest, in which the next one grows; else `at_least`.

    Under load a batch of fifty costs little more than one of five (round trips, commits, requests to the broker), so
    that resting carries more on two cores. At everyday rates batches are small and nothing waits. After a batch of
    `full` or more nobody rests: more is waiting already, and would gain nothing by growing.
    """
    rest = min(count * seconds_each, at_most) if count >= WORTH_A_REST else 0.0
    if 0 < count < full and (seconds := max(rest, at_least)):
        await asyncio.sleep(seconds)


def pauses(shortest: float = SHORTEST_SECONDS, longest: float = LONGEST_SECONDS) -> Iterator[Pause]:
    """One pause for as many tries as it takes: `for pause in pauses(): ...try...; await pause.sleep()`."""
    pause = Pause(shortest, longest)
    while True:
        yield pause
