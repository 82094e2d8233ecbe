"""The writer of seals: every few seconds it seals what has come into the audit trail, in the order of the ids.

Whoever writes an audit row does nothing for it: rows are read when they are committed. Ids commit out of order, so a
row is sealed only when none with a lower id can come any more: everybody who was writing into the table when it was
seen has ended. PostgreSQL says who writes by the lock on the table, which an INSERT takes before it takes an id, and
holds to the end of its transaction. No transaction numbers: a dump and its restore give others.

Each round is one transaction under a lock across all copies; a round cut off has sealed nothing, and is made again.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final
from zlib import crc32

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.audit_chain.chain import Seal, digest, head_before_all
from shared.database import sql
from shared.metrics import UNSEALED_OLDEST, UNSEALED_ROWS, measured

log = structlog.get_logger(__name__)

SEAL_SECONDS: Final = 5.0
MOST: Final = 1000
"""Rows of one seal: a round of so many takes 12 ms of processor time, one with nothing new 4 ms (measured)."""
REST_SECONDS: Final = 0.05
"""After a full round: requests go before the rows of years that a first start seals."""
_TOLD_ROWS: Final = 100_000
"""At the first start, where rows of years are sealed, it says after so many how far it is."""

_LAST: Final = sql("""
    SELECT number, head, ids[array_upper(ids, 1)] AS id FROM audit_seal ORDER BY number DESC LIMIT 1
""")
_WAITING: Final = sql("""
    SELECT (SELECT coalesce(max(id), 0) FROM audit) AS newest, count(*) AS rows,
        coalesce(extract(epoch FROM now() - min(at)), 0) AS oldest
    FROM (SELECT at FROM audit WHERE id > :after ORDER BY id LIMIT 10000) AS first
""")
_WRITING: Final = sql("""
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = CAST('audit' AS regclass) AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")
_ROWS: Final = sql("SELECT * FROM audit WHERE id > :after AND id <= :settled ORDER BY id LIMIT :most")
_SEAL: Final = sql("""
    INSERT INTO audit_seal (number, sealed_at, ids, digests, head)
    VALUES (:number, :sealed_at, CAST(:ids AS bigint[]), :digests, :head)
""")


class Sealer:
    """Of one copy of a service. `run()` never returns by itself."""

    def __init__(self, engine: AsyncEngine, schema: str, *, most: int = MOST) -> None:
        self._engine = engine
        self._schema = schema
        self._key = crc32(f"{schema}_audit_seal".encode())
        self._most = most
        self._settled = 0
        """No row up to this id can come any more."""
        self._seen, self._writing = 0, frozenset[str]()
        """The newest row at some moment, and who was writing just after it and is at it still."""

    async def run(self) -> None:
        sealed = 0
        while True:
            if count := await self.seal(now=datetime.now(UTC)):
                sealed += count
                if sealed % _TOLD_ROWS < count:
                    log.info("audit rows sealed", since_start=sealed)
            await asyncio.sleep(SEAL_SECONDS if count < self._most else REST_SECONDS)

    async def seal(self, *, now: datetime) -> int:
        """One round, of `most` rows at most; returns how many were sealed. Nothing is written when nothing is new."""
        async with self._engine.begin() as tx:
            if not await tx.scalar(sql("SELECT pg_try_advisory_xact_lock(:key)"), {"key": self._key}):
                return 0  # another copy is at it
            last = (await tx.execute(_LAST)).one_or_none()
            number, previous, after = last or (0, head_before_all(self._schema), 0)
            await self._look(tx, after)
            if self._settled <= after:
                return 0
            bounds = {"after": after, "settled": self._settled, "most": self._most}
            rows = (await tx.execute(_ROWS, bounds)).all()
            if rows:
                seal = Seal(number + 1, now, [row.id for row in rows], b"".join(digest(row) for row in rows))
                written = {"number": seal.number, "sealed_at": now, "ids": seal.ids, "digests": seal.digests}
                await tx.execute(_SEAL, written | {"head": seal.head(previous)})
        return len(rows)

    async def _look(self, tx: AsyncConnection, after: int) -> None:
        """How much waits, and up to which row nothing can come before it any more.

        The rows are read first and the writers after that: whoever is not among them has ended, and its rows are seen
        by the next statement, or will take a higher id.
        """
        waiting = (await tx.execute(_WAITING, {"after": after})).one()
        UNSEALED_ROWS.labels(self._schema).set(waiting.rows)
        UNSEALED_OLDEST.labels(self._schema).set(max(0.0, float(waiting.oldest)))
        measured("audit")
        if waiting.newest < self._seen:  # another database: restored under a running service
            self._settled, self._seen, self._writing = 0, 0, frozenset()
        writing = frozenset(await tx.scalars(_WRITING))
        self._writing &= writing
        if not self._writing:
            self._settled = self._seen
            self._seen, self._writing = waiting.newest, writing
        if not self._writing:
            self._settled = self._seen
