"""One answer for each Idempotency-Key of an agency, kept for 30 days, for requests that are sent again.

The same key and the same JSON: the first answer again. The same key and other JSON: refused. A request that was
refused keeps nothing, so its key is still free.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral.identity import Identities, hexadecimal
from shared.crypto import ID_BYTES
from shared.database import sql
from shared.problems import Problem

KEPT_DAYS: Final = 30
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
LOCK_WAIT: Final = "SET LOCAL lock_timeout = '1s'"
"""For a row or family that somebody else holds; the group is then written one by one, so that it holds up itself."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    location: str | None = None
    is_replay: bool = False

    @cached_property
    def text(self) -> str:
        """The body as it is stored and sent: written once."""
        return _JSON.encode(self.body)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Whose request it is: the agency, a digest of its key, and a digest of what was asked.

    `before` are the two digests under the other index key, while one is changed for the other.
    """

    agency_id: UUID
    key: bytes
    digest: bytes
    index_key: bytes
    before: tuple[bytes, bytes] | None = None

    @property
    def locks(self) -> tuple[bytes, ...]:
        return (self.key, self.before[0]) if self.before else (self.key,)

    @property
    def digests(self) -> dict[str, bytes]:
        """The key as it stands in a row → the digest of what was asked that the row has then."""
        known = {self.key.hex(): self.digest}
        return known | {self.before[0].hex(): self.before[1]} if self.before else known


def request_key(identities: Identities, agency_id: UUID, key: str, asked: str, body: bytes) -> RequestKey:
    """`key` is digested because an agency may put anything into it; `asked` names the call, `body` is canonical."""
    keys = zip(identities.digests("key", agency_id.bytes, key), identities.digests("request", asked, body), strict=True)
    current, before = next(keys), next(keys, None)
    return RequestKey(agency_id, *current, identities.index_key[:ID_BYTES], before)


async def lock(tx: AsyncConnection, names: Sequence[bytes]) -> None:
    """Wait for, and hold until the end of the transaction, a lock per name; in one order, so that nobody deadlocks."""
    await tx.execute(
        sql("SELECT pg_advisory_xact_lock(number) FROM unnest(CAST(:numbers AS bigint[])) AS t(number)"),
        {"numbers": _numbers(names)},
    )


def locking(names: Iterable[bytes]) -> str:
    """What `lock` does, as words for a query without parameters: there are only numbers in it."""
    numbers = ", ".join(map(str, _numbers(names)))
    return f"{LOCK_WAIT}; SELECT pg_advisory_xact_lock(n) FROM unnest('{{{numbers}}}'::bigint[]) AS t(n)"  # noqa: S608  numbers


def _numbers(names: Iterable[bytes]) -> list[int]:
    return sorted({int.from_bytes(name[:8], "big", signed=True) for name in names})


async def known(tx: AsyncConnection, asked: Sequence[RequestKey]) -> dict[RequestKey, Answer | Problem]:
    """For each request seen before: its answer, or the problem that its key was used for something else."""
    rows = await tx.execute(
        sql("""
            SELECT r.agency_id, r.key, r.digest, r.status, r.location, r.answer
            FROM request r JOIN unnest(CAST(:agencies AS uuid[]), CAST(:keys AS text[])) AS t(agency_id, key)
                ON r.agency_id = t.agency_id AND r.key = t.key
        """),
        {
            "agencies": [each.agency_id for each in asked for _ in each.digests],
            "keys": [key for each in asked for key in each.digests],
        },
    )
    first = {(row.agency_id, row.key): row for row in rows}
    found: dict[RequestKey, Answer | Problem] = {}
    for each in asked:
        for key, digest in each.digests.items():
            if row := first.get((each.agency_id, key)):
                answer = Answer(row.status, row.answer, row.location, is_replay=True)
                found[each] = answer if row.digest == digest else Problem("idempotency-key-reused")
    return found


async def first_answer(tx: AsyncConnection, identities: Identities, agency_id: UUID, key: str) -> Answer | None:
    """What the key was answered with, whatever was sent with it; None for a key that is not used."""
    found = await tx.execute(
        sql("SELECT status, location, answer FROM request WHERE agency_id = :agency AND key = ANY(:keys)"),
        {"agency": agency_id, "keys": hexadecimal(identities.digests("key", agency_id.bytes, key))},
    )
    row = found.first()
    return Answer(row.status, row.answer, row.location, is_replay=True) if row else None


async def keep(tx: AsyncConnection, answered: Sequence[tuple[RequestKey, Answer]], *, at: datetime) -> None:
    """Remember the answers for whoever asks again."""
    if answered:
        await tx.execute(
            sql("""
                INSERT INTO request (agency_id, key, digest, status, location, answer, created_at, index_key)
                SELECT agency_id, key, digest, status, location, CAST(answer AS jsonb), :at, index_key
                FROM unnest(CAST(:agencies AS uuid[]), CAST(:keys AS text[]), CAST(:digests AS bytea[]),
                            CAST(:statuses AS smallint[]), CAST(:locations AS text[]), CAST(:answers AS text[]),
                            CAST(:index_keys AS bytea[]))
                    AS t(agency_id, key, digest, status, location, answer, index_key)
            """),
            {
                "agencies": [request.agency_id for request, _ in answered],
                "keys": [request.key.hex() for request, _ in answered],
                "digests": [request.digest for request, _ in answered],
                "statuses": [answer.status for _, answer in answered],
                "locations": [answer.location for _, answer in answered],
                "answers": [answer.text for _, answer in answered],
                "index_keys": [request.index_key for request, _ in answered],
                "at": at,
            },
        )


async def once(
    engine: AsyncEngine,
    request: RequestKey,
    *,
    at: datetime,
    work: Callable[[AsyncConnection], Awaitable[Answer]],
) -> Answer:
    """Do the work once per key, in one transaction with its answer; raises what the work raises, keeping nothing."""
    async with engine.begin() as tx:
        await lock(tx, request.locks)
        before = (await known(tx, [request])).get(request)
        if isinstance(before, Problem):
            raise before
        if before:
            return before
        answer = await work(tx)
        await keep(tx, [(request, answer)], at=at)
        return answer


async def forget_old(tx: AsyncConnection, *, before: datetime) -> int:
    """Drop answers older than the 30 days that the contract promises; returns how many."""
    gone = await tx.execute(sql("DELETE FROM request WHERE created_at < :before"), {"before": before})
    return int(gone.rowcount)
