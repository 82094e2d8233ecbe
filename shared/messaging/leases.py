"""Leases of work by part: session advisory locks on one dedicated connection, shared evenly between copies.

A lease dies with its connection, so a killed process frees its parts at once and no clock is involved.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Self
from zlib import crc32

import asyncpg

from shared.database import BY_KEY, KEEPALIVES
from shared.errors import DATABASE_TROUBLE
from shared.messaging.outbox import PARTS
from shared.messaging.waking import Wake

_PRESENT: Final = PARTS
"""The lock that every copy holds in shared mode, so that each can count the copies."""
BALANCE_SECONDS: Final = 2.0
"""A copy that comes or goes is noticed so soon."""
_COPIES: Final = """
    SELECT count(DISTINCT pid) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = $1 AND objid = $2
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""`pg_locks` shows the whole cluster; a copy that works on another database takes no share of this one."""


@asynccontextmanager
async def leased(
    dsn: str, schema: str, work: str, wake: Wake, settings: dict[str, str] | None = None
) -> AsyncIterator[Leases]:
    """A connection of its own for a loop that does `work` of a schema: its leases, and what wakes it.

    `settings` are PostgreSQL's, beside those of every such connection. Raises what the driver raises.
    """
    told = KEEPALIVES | BY_KEY | {"search_path": schema} | (settings or {})
    connection = await asyncpg.connect(dsn, timeout=3, command_timeout=10, server_settings=told)
    try:
        await wake.listen(connection)
        yield await Leases.join(connection, f"{schema}_{work}")
    finally:
        with suppress(*DATABASE_TROUBLE):
            await connection.close(timeout=2)


class Leases:
    """The parts of one kind of work (`name`, for example `referral_outbox`) that this process holds."""

    def __init__(self, connection: asyncpg.Connection[Any], name: str) -> None:
        self.connection = connection
        self._balanced_at = time.monotonic()
        self._kind = crc32(name.encode()) & 0x7FFF_FFFF
        self.held: list[int] = []

    @classmethod
    async def join(cls, connection: asyncpg.Connection[Any], name: str) -> Self:
        """Be counted among the copies and take what is free."""
        leases = cls(connection, name)
        await connection.execute("SELECT pg_advisory_lock_shared($1, $2)", leases._kind, _PRESENT)
        await leases.balance()
        return leases

    @property
    def are_due(self) -> bool:
        """Whether it is time to balance again."""
        return time.monotonic() - self._balanced_at > BALANCE_SECONDS

    async def balance(self, *, busy: Collection[int] = ()) -> None:
        """Take free parts up to this copy's fair share and give back what is over it.

        Call it between two pieces of work, never while one of a held part is under way; or name the parts that are
        `busy`, which are not given back.
        """
        copies = await self.connection.fetchval(
            _COPIES,
            self._kind,
            _PRESENT,
        )
        share = -(-PARTS // max(copies, 1))
        for part in [each for each in reversed(self.held) if each not in busy][: max(len(self.held) - share, 0)]:
            self.held.remove(part)
            await self.connection.execute("SELECT pg_advisory_unlock($1, $2)", self._kind, part)
        for part in range(PARTS):
            if len(self.held) < share and part not in self.held and await self._take(part):
                self.held.append(part)
        self._balanced_at = time.monotonic()

    async def _take(self, part: int) -> bool:
        return bool(await self.connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", self._kind, part))
