"""Requests that wait at the same time share one transaction, and each is answered after its commit.

A commit costs the same for one row as for fifty. There is no timer: an idle service writes a lone request at once.
Requests that could collide (the same key, external reference or family) never share a group: the later one waits for
the next, and sees the earlier one's rows.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral.submitting.idempotency import LOCK_WAIT
from shared.backoff import rest_after
from shared.database import driver_of, sql
from shared.errors import failure_kind, failure_name, is_lock_wait, is_transient
from shared.metrics import NOT_AT_ONCE

log = structlog.get_logger(__name__)

LARGEST_GROUP: Final = 64
_WAITS: Final = sql(LOCK_WAIT)
ANSWER_SECONDS: Final = 5.5
"""A request waits no longer, for its turn and its commit together: behind a silent PostgreSQL the group before it has
used up a whole command timeout already. What is committed all the same is the answer to the same key sent again."""


class Collides(Protocol):
    @property
    def collides_on(self) -> frozenset[Hashable]:
        """Two requests that share one of these must not be in one group."""


Item = TypeVar("Item", bound=Collides)


@dataclass(slots=True)
class _Waiting(Generic[Item]):
    item: Item
    answer: asyncio.Future[Any]
    is_renewed: bool = False


class BatchWriter(Generic[Item]):
    """`write(tx, items)` returns one answer per item; `submit` waits for the commit and returns the item's."""

    def __init__(
        self,
        engine: AsyncEngine,
        write: Callable[[AsyncConnection, Sequence[Item]], Awaitable[Sequence[Any]]],
        write_at_once: Callable[[asyncpg.Connection[Any], Sequence[Item]], Awaitable[Sequence[Any]]] | None,
        renew: Callable[[Item], Item],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """`write_at_once` does what `write` does for ordinary items, or raises and writes nothing; without it `write`
        does all.

        `renew` gives an item another of what was drawn at random for it, before it is tried alone. `wake` is called
        after each commit.
        """
        self._engine = engine
        self._write = write
        self._write_at_once = write_at_once
        self._wake = wake
        self._renew = renew
        self._waiting: deque[_Waiting[Item]] = deque()
        self._arrived = asyncio.Event()

    async def submit(self, item: Item) -> Any:
        """The answer to this item, once it is committed; raises what its own transaction raised, or TimeoutError."""
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        async with asyncio.timeout(ANSWER_SECONDS):
            return await waiting.answer

    async def run(self) -> None:
        """Write group after group; never returns by itself."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                group = self._next_group()
                await self._settle(group)
                await rest_after(len(group), full=LARGEST_GROUP, seconds_each=0.0005, at_most=0.015)

    async def _committed(self, items: Sequence[Item]) -> Sequence[Any]:
        """Write in one transaction; what may pass at once (a deadlock, a dead connection) is tried once more."""
        started = time.monotonic()
        for last_try in (False, True):
            try:
                return await self._written(items)
            except Exception as error:
                if last_try or not is_transient(error) or is_lock_wait(error) or time.monotonic() - started > 1:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _written(self, items: Sequence[Item]) -> Sequence[Any]:
        answers = await self._written_at_once(items)
        if answers is None:
            async with self._engine.begin() as tx:
                await tx.execute(_WAITS)
                answers = await self._write(tx, items)
        self._wake()
        return answers

    async def _written_at_once(self, items: Sequence[Item]) -> Sequence[Any] | None:
        """None when they are no ordinary items, and nothing is written."""
        if self._write_at_once is None:
            return None
        try:
            async with driver_of(self._engine) as connection:
                return await self._write_at_once(connection, items)
        except Exception as error:
            if is_transient(error):
                raise
            NOT_AT_ONCE.labels(failure_kind(error)).inc()
            return None

    def _next_group(self) -> list[_Waiting[Item]]:
        """From the front, without two that collide; those left out keep their order."""
        group: list[_Waiting[Item]] = []
        left_out: list[_Waiting[Item]] = []
        taken: set[Hashable] = set()
        while self._waiting and len(group) < LARGEST_GROUP:
            waiting = self._waiting.popleft()
            if waiting.answer.done():  # its client went away
                continue
            keys = waiting.item.collides_on
            (left_out if taken & keys else group).append(waiting)
            taken |= keys
        self._waiting.extendleft(reversed(left_out))
        return group

    async def _settle(self, group: list[_Waiting[Item]]) -> None:
        """Write the group; when that fails for a reason that will not pass, write its items one by one."""
        try:
            answers = await self._committed([waiting.item for waiting in group]) if group else []
        except asyncio.CancelledError:
            for waiting in group:
                waiting.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  each request gets its answer, whatever happened to the group
            if (is_transient(error) and not (is_lock_wait(error) and group[1:])) or group[0].is_renewed:
                _fail(group, error)
                return
            log.warning("group written one by one", cause=failure_name(error), requests=len(group))
            for waiting in group:
                waiting.item, waiting.is_renewed = self._renew(waiting.item), True
                await self._settle([waiting])
        else:
            for waiting, answer in zip(group, answers, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(answer)


def _fail(group: Sequence[_Waiting[Item]], error: Exception) -> None:
    for waiting in group:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
