"""What wakes a loop that does the work of some parts: this process at once, other copies through PostgreSQL.

NOTIFY takes a lock of the whole cluster at each commit, so what runs for every referral does not use it: it wakes
this process, and the loop tells the other copies, if there are any, at most 20 times a second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import sql
from shared.messaging.outbox import PARTS

TELL_SECONDS: Final = 0.05


class Wake:
    """One for each loop; `channel` is what rare writers NOTIFY, for example `triage_outbox`."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._woken = asyncio.Event()
        self._has_news = False
        self._told_at = float("-inf")

    def set(self) -> None:
        """Something was committed in this process."""
        self._has_news = True
        self._woken.set()

    def clear(self) -> None:
        """Call it before looking: what is committed from now on wakes again."""
        self._woken.clear()

    async def listen(self, connection: asyncpg.Connection[Any]) -> None:
        own = connection.get_server_pid()

        def hear(_: Any, pid: int, *__: Any) -> None:
            if pid != own:
                self._woken.set()

        await connection.add_listener(self._channel, hear)

    async def wait(self, connection: asyncpg.Connection[Any], held: Sequence[int], seconds: float) -> None:
        """Until something is committed here or told by another copy, at most `seconds`; `held`: this copy's parts."""
        if self._has_news and len(held) < PARTS:
            pause = self._told_at + TELL_SECONDS - time.monotonic()
            if pause <= 0:
                await self.tell(connection)
            else:
                seconds = min(seconds, pause)
        await self.pause(seconds)

    async def pause(self, seconds: float) -> None:
        """Until something is committed in this process, at most `seconds`: for whoever has no connection."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def pass_on(self, engine: AsyncEngine) -> None:
        """In a process without the loop: tell the one that has it. Never returns by itself."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            async with engine.begin() as tx:
                await tx.execute(sql("SELECT pg_notify(:channel, '')"), {"channel": self._channel})
            await asyncio.sleep(TELL_SECONDS)

    async def tell(self, connection: asyncpg.Connection[Any]) -> None:
        self._has_news, self._told_at = False, time.monotonic()
        await connection.execute("SELECT pg_notify($1, '')", self._channel)
