"""Answers to requests that may be sent again: kept per agency and Idempotency-Key for 30 days.

The same key and the same JSON: the first answer again. The same key and other JSON: refused. A request that was
refused keeps nothing, so its key is still free.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import sql
from shared.problems import Problem

KEPT_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    location: str | None = None
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class Keyed:
    """Whose request it is: the agency, a digest of its key (in hex), and a digest of what was asked."""

    agency_id: UUID
    key: str
    digest: bytes


async def lock(tx: AsyncConnection, names: Sequence[bytes]) -> None:
    """Wait for, and hold until the end of the transaction, a lock per name; in one order, so that nobody deadlocks."""
    numbers = sorted({int.from_bytes(name[:8], "big", signed=True) for name in names})
    await tx.execute(
        sql("SELECT pg_advisory_xact_lock(number) FROM unnest(CAST(:numbers AS bigint[])) AS t(number)"),
        {"numbers": numbers},
    )


async def known(tx: AsyncConnection, asked: Sequence[Keyed]) -> dict[tuple[UUID, str], Answer | Problem]:
    """For each request seen before: its answer, or the problem that its key was used for something else."""
    rows = await tx.execute(
        sql("""
            SELECT r.agency_id, r.key, r.digest, r.status, r.location, r.answer
            FROM request r JOIN unnest(CAST(:agencies AS uuid[]), CAST(:keys AS text[])) AS t(agency_id, key)
                ON r.agency_id = t.agency_id AND r.key = t.key
        """),
        {"agencies": [each.agency_id for each in asked], "keys": [each.key for each in asked]},
    )
    first = {(row.agency_id, row.key): row for row in rows}
    found: dict[tuple[UUID, str], Answer | Problem] = {}
    for each in asked:
        if row := first.get((each.agency_id, each.key)):
            same = row.digest == each.digest
            answer = Answer(row.status, row.answer, row.location, is_replay=True)
            found[each.agency_id, each.key] = answer if same else Problem("idempotency-key-reused")
    return found


async def keep(tx: AsyncConnection, answered: Sequence[tuple[Keyed, Answer]], *, at: datetime) -> None:
    """Remember the answers for whoever asks again."""
    if answered:
        await tx.execute(
            sql("""
                INSERT INTO request (agency_id, key, digest, status, location, answer, created_at)
                SELECT agency_id, key, digest, status, location, CAST(answer AS jsonb), :at
                FROM unnest(CAST(:agencies AS uuid[]), CAST(:keys AS text[]), CAST(:digests AS bytea[]),
                            CAST(:statuses AS smallint[]), CAST(:locations AS text[]), CAST(:answers AS text[]))
                    AS t(agency_id, key, digest, status, location, answer)
            """),
            {
                "agencies": [keyed.agency_id for keyed, _ in answered],
                "keys": [keyed.key for keyed, _ in answered],
                "digests": [keyed.digest for keyed, _ in answered],
                "statuses": [answer.status for _, answer in answered],
                "locations": [answer.location for _, answer in answered],
                "answers": [json.dumps(answer.body) for _, answer in answered],
                "at": at,
            },
        )


async def once(
    engine: AsyncEngine,
    keyed: Keyed,
    *,
    lock_name: bytes,
    at: datetime,
    work: Callable[[AsyncConnection], Awaitable[Answer]],
) -> Answer:
    """Do the work once per key, in one transaction with its answer; raises what the work raises, keeping nothing."""
    async with engine.begin() as tx:
        await lock(tx, [lock_name])
        before = (await known(tx, [keyed])).get((keyed.agency_id, keyed.key))
        if isinstance(before, Problem):
            raise before
        if before:
            return replace(before, is_replay=True)
        answer = await work(tx)
        await keep(tx, [(keyed, answer)], at=at)
        return answer


async def forget_old(tx: AsyncConnection, *, before: datetime) -> int:
    """Drop answers older than the 30 days that the contract promises; returns how many."""
    gone = await tx.execute(sql("DELETE FROM request WHERE created_at < :before"), {"before": before})
    return int(gone.rowcount)
