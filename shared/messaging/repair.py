"""See, replay, discard and dispose of what is parked.

A replay uses the handlers and the transaction shape of the consumer. Who replayed or discarded a row is written with
it, and into the audit trail, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import EVENTS, AboutReferral, ReferralErased
from shared.messaging.cloudevents import UnreadableRecordError, read_record
from shared.messaging.dispatch import Handlers, dispatch
from shared.messaging.parked import record_of
from shared.retention import Schedule, years_before
from shared.working_time import day_in_london

log = structlog.get_logger(__name__)


RESOLVED = "parked-resolved"
"""The class of resolved rows in deploy/retention.toml."""
_OF_NOBODY: Final = tuple(name for name, event in EVENTS.items() if not issubclass(event, AboutReferral))
"""Types of events that are about no referral."""
NOT_GIVEN_UP = "an erasure is carried out, not given up: replay it"


class CannotDiscardError(Exception):
    """The row is an erasure, which has to be carried out."""


async def waiting(engine: AsyncEngine) -> Sequence[sa.Row[Any]]:
    """Every row that waits for a person, oldest first, without its content."""
    statement = "SELECT id, topic, key, type, cause, parked_at FROM parked WHERE resolved_at IS NULL ORDER BY id"
    async with engine.connect() as connection:
        return (await connection.execute(sql(statement))).all()


async def replay(engine: AsyncEngine, handlers: Handlers, *, only: int | None, by: Actor) -> tuple[int, int]:
    """Handle parked rows again, each referral's in their order within a topic: (handled, still parked).

    A referral stops at its first failure, so that nothing overtakes it; `only` names one row (and with it all rows of
    its referral on the same topic).
    """
    rows = await waiting(engine)
    if only is not None:
        lines = {(row.topic, row.key) for row in rows if row.id == only and row.key is not None}
        rows = [row for row in rows if row.id == only or (row.topic, row.key) in lines]
    done, stopped = 0, set()
    for row in rows:
        if (row.topic, row.key) in stopped:
            continue
        if await _replay_one(engine, handlers, row.id, by):
            done += 1
        elif row.key is not None:
            stopped.add((row.topic, row.key))
    return done, len(rows) - done


async def _replay_one(engine: AsyncEngine, handlers: Handlers, row_id: int, by: Actor) -> bool:
    try:
        async with engine.begin() as tx:
            row = await _locked(tx, row_id)
            if row is None:
                return True  # somebody else was faster
            envelope = read_record(record_of(row), heard_at=datetime.now(UTC), only=handlers)
            if envelope is not None:
                claim = sql("INSERT INTO inbox (event_id) VALUES (:id) ON CONFLICT DO NOTHING RETURNING 1")
                is_fresh = await tx.scalar(claim, {"id": envelope.id})
                if is_fresh or row.event_id is not None:  # parked events were claimed when they were parked
                    await dispatch([envelope], handlers, tx)
            await _resolve(tx, row_id, "replayed", by=by)
    except UnreadableRecordError as error:
        log.warning("still unreadable", row=row_id, cause=str(error))
        return False
    except Exception as error:
        log.warning("still failing", row=row_id, exc_info=error)
        return False
    return True


async def discard(engine: AsyncEngine, row_id: int, *, reason: str, by: Actor) -> bool:
    """Give a row up: its value is dropped, who and why stays. False when no such row waits.

    Raises CannotDiscardError for an erasure: what a family is owed is done, not given up.
    """
    async with engine.begin() as tx:
        row = await _locked(tx, row_id)
        if row is None:
            return False
        if row.type == ReferralErased.type:
            raise CannotDiscardError
        await _resolve(tx, row_id, "discarded", by=by, reason=reason)
    return True


async def dispose(engine: AsyncEngine, schedule: Schedule, *, at: datetime, by: Actor | None) -> int:
    """How many rows were resolved longer ago than the schedule keeps them; with `by` they are deleted, audited.

    A row about a referral stays as long as the referral: so none goes under a hold, which only one service knows of.
    """
    last = {"last": years_before(day_in_london(at), schedule[RESOLVED].years or 0), "of_nobody": list(_OF_NOBODY)}
    due = """
        FROM parked p WHERE CAST(resolved_at AT TIME ZONE 'Europe/London' AS date) <= :last AND (
            key IS NULL OR type = ANY(:of_nobody) OR EXISTS (SELECT 1 FROM erased e WHERE e.key = p.key))
    """
    async with engine.begin() as tx:
        count = int(await tx.scalar(sql(f"SELECT count(*) {due}"), last) or 0)
        if by and count:
            await tx.execute(sql(f"DELETE {due}"), last)
            await audit.write(tx, [Entry(by, "parked.disposed", at, detail=str(count))])
    return count


async def _locked(tx: AsyncConnection, row_id: int) -> sa.Row[Any] | None:
    found = await tx.execute(
        sql("SELECT * FROM parked WHERE id = :id AND resolved_at IS NULL FOR UPDATE"), {"id": row_id}
    )
    return found.one_or_none()


async def _resolve(tx: AsyncConnection, row_id: int, how: str, *, by: Actor, reason: str | None = None) -> None:
    await tx.execute(
        sql("""
            UPDATE parked SET resolved_at = now(), resolution = :resolution, resolved_by = :by, reason = :reason,
                value = NULL, headers = '[]'
            WHERE id = :id
        """),
        {"id": row_id, "resolution": how, "by": by.id, "reason": reason},
    )
    await audit.write(tx, [Entry(by, f"parked.{how}", datetime.now(UTC), detail=str(row_id))])
