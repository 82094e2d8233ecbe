"""The outbox: events are written in the caller's transaction and published afterwards by the relay.

`event` keeps every event a service ever spoke (so that `republish` can speak its past again with the same ids);
`outbox` names those not on the topic yet. Both live in the service's own schema, found through its search path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import sql
from shared.events import Envelope, Event
from shared.ids import uuid7

PARTS: Final = 12
"""Leases of the outbox: as many relays can share the work; a key is always in the same part."""
STRETCH: Final = 5_000
"""Events of the past in one transaction of a republish."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What an event follows from: a request (no event id) or another event."""

    correlation_id: UUID
    causation_id: UUID | None = None
    traceparent: str | None = None


def because_of(envelope: Envelope[Event]) -> Cause:
    """The cause of everything that a handler says about this event."""
    return Cause(envelope.correlation_id, envelope.id, envelope.traceparent)


@dataclass(frozen=True, slots=True)
class Draft:
    """An event about `key` (a referral's id, an agency's for agencies) that happened `at`."""

    key: UUID
    data: Event
    at: datetime
    cause: Cause


_APPEND: Final = sql("""
    WITH fresh AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:keys AS uuid[]), CAST(:parts AS smallint[]),
                             CAST(:types AS text[]), CAST(:topics AS text[]), CAST(:times AS timestamptz[]),
                             CAST(:correlations AS uuid[]), CAST(:causes AS uuid[]), CAST(:traces AS text[]),
                             CAST(:values AS text[]))
            WITH ORDINALITY
            AS t(id, key, part, type, topic, occurred_at, correlation_id, causation_id, traceparent, value, place)
    ), numbered AS (
        SELECT fresh.*, coalesce((SELECT max(sequence) FROM event WHERE event.key = fresh.key), 0)
                        + row_number() OVER (PARTITION BY key ORDER BY place) AS sequence
        FROM fresh
    ), kept AS (
        INSERT INTO event (id, key, sequence, type, topic, occurred_at, correlation_id, causation_id, traceparent,
                           value)
        SELECT id, key, sequence, type, topic, occurred_at, correlation_id, causation_id, traceparent, value
        FROM numbered
    ), queued AS (
        INSERT INTO outbox (part, event_id) SELECT part, id FROM numbered ORDER BY place RETURNING 1
    )
    SELECT pg_notify(current_schema() || '_outbox', '') FROM queued LIMIT 1
""")


async def append(tx: AsyncConnection, drafts: Sequence[Draft]) -> None:
    """Write the events in order, numbered per key from 1, and wake the relay on commit.

    The caller holds the lock of each key's row, so that two transactions never number the same key at once; should
    they, the second fails on `event_key_sequence` and is tried again.
    """
    if not drafts:
        return
    columns: dict[str, list[Any]] = {
        "ids": [uuid7() for _ in drafts],
        "keys": [draft.key for draft in drafts],
        "parts": [part_of(draft.key) for draft in drafts],
        "types": [draft.data.type for draft in drafts],
        "topics": [draft.data.topic for draft in drafts],
        "times": [draft.at for draft in drafts],
        "correlations": [draft.cause.correlation_id for draft in drafts],
        "causes": [draft.cause.causation_id for draft in drafts],
        "traces": [draft.cause.traceparent for draft in drafts],
        "values": [draft.data.model_dump_json() for draft in drafts],
    }
    await tx.execute(_APPEND, columns)


def part_of(key: UUID) -> int:
    """Which lease of the outbox a key belongs to: 0..PARTS-1, by its last 32 bits, which are random in a UUIDv7."""
    return (key.int & 0xFFFF_FFFF) % PARTS


Place = tuple[UUID, int]
"""A key and a sequence: where in the past an event stands."""
START: Final[Place] = (UUID(int=0), 0)

_REPUBLISH: Final = sql("""
    WITH stretch AS (
        SELECT id, key, sequence, occurred_at FROM event WHERE (key, sequence) > (CAST(:key AS uuid), :sequence)
        ORDER BY key, sequence LIMIT :stretch
    ), past AS (
        INSERT INTO outbox (part, event_id)
        SELECT CAST(mod(('x' || right(replace(CAST(key AS text), '-', ''), 8))::bit(32)::bigint, :parts)
                    AS smallint), id
        FROM stretch
        WHERE CAST(:since AS timestamptz) IS NULL OR occurred_at >= :since
        ORDER BY key, sequence
        ON CONFLICT (event_id) DO NOTHING
        RETURNING 1
    )
    SELECT key, sequence, (SELECT count(*) FROM past) AS queued, pg_notify(current_schema() || '_outbox', '')
    FROM stretch ORDER BY key DESC, sequence DESC LIMIT 1
""")


async def republish(
    tx: AsyncConnection, *, since: datetime | None = None, after: Place = START, stretch: int = STRETCH
) -> tuple[int, Place | None]:
    """Queue the next stretch of the past (of it what happened from `since` on) again, with the same ids.

    Key by key, for an id's time is a clock's and a sequence is not. Returns how many were queued, and `after` for the
    next stretch (None at the end), which belongs in a transaction of its own: a whole past in one is a timeout.
    """
    queued = await tx.execute(
        _REPUBLISH,
        {"since": since, "key": after[0], "sequence": after[1], "stretch": stretch, "parts": PARTS},
    )
    last = queued.one_or_none()
    return (last.queued, (last.key, last.sequence)) if last else (0, None)


async def set_aside(engine: AsyncEngine) -> Sequence[sa.Row[Any]]:
    """Events that can't be sent, in their order, without their content; what is behind them waits."""
    async with engine.connect() as tx:
        rows = await tx.execute(
            sql("""
                SELECT o.position, o.set_aside, e.type, e.key, octet_length(e.value) AS size
                FROM outbox o JOIN event e ON e.id = o.event_id WHERE o.set_aside IS NOT NULL ORDER BY o.position
            """)
        )
        return rows.all()


async def try_again(engine: AsyncEngine) -> int:
    """Nothing is set aside any more: the relay tries all of it again."""
    async with engine.begin() as tx:
        again = await tx.execute(sql("UPDATE outbox SET set_aside = NULL WHERE set_aside IS NOT NULL"))
        return int(again.rowcount)
