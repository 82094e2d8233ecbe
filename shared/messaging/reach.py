"""Whether this process reaches its database: asked again and again, also while there is no work.

A copy that is cut off from it alone would keep its partitions, for Kafka hears of it all the while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

ASK_EVERY_SECONDS: Final = 2.0
ASK_SECONDS: Final = 4.0
"""Longer than the pool waits for a connection (`CONNECT_SECONDS`): one that is busy is not away."""
LOST_AFTER: Final = 2
"""So many questions in a row that were not answered: a database that changes its primary is back before as a rule."""


class Reach:
    """`answers` asks the database; it may take long."""

    def __init__(self, answers: Callable[[], Awaitable[bool]]) -> None:
        self._answers = answers
        self.answered_at = time.monotonic()
        self.begin()

    def begin(self) -> None:
        """What was before does not count."""
        self.is_lost = False
        self._in_vain, self._asked_at = 0, time.monotonic()

    async def look(self) -> bool:
        """Ask if it is time to, and say whether the database is lost."""
        if time.monotonic() - self._asked_at >= ASK_EVERY_SECONDS:
            self._in_vain = self._in_vain + 1 if await self.is_away() else 0
            self._asked_at = time.monotonic()
            self.is_lost = self._in_vain >= LOST_AFTER
        return self.is_lost

    async def is_away(self) -> bool:
        """Ask now."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                answers = await self._answers()
        except TimeoutError:
            answers = False
        if answers:
            self.answered_at = time.monotonic()
        return not answers
