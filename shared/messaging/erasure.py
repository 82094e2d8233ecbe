"""Families that were erased: what arrives of them later changes nothing, and nothing of them waits to be handled.

Every service keeps the ids in its table `erased`. `dispatch` asks it, so that no handler has to: an event that was
late, parked, replayed, republished or brought back by a restore is taken from the road and dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared import audit
from shared.audit import MACHINE, Entry
from shared.database import sql
from shared.events import Envelope

ERASED: Final = "erased"
"""How a parked row of an erased family is resolved."""


async def among(tx: AsyncConnection, keys: Collection[UUID]) -> set[UUID]:
    """Which of these were erased."""
    rows = await tx.execute(sql("SELECT key FROM erased WHERE key = ANY(CAST(:keys AS uuid[]))"), {"keys": list(keys)})
    return set(rows.scalars())


async def mark(tx: AsyncConnection, events: Sequence[Envelope[Any]]) -> None:
    """Remember the families of these erasures, and let go of what is parked: of them, and their names in others'."""
    for event in events:
        if await forget(tx, event.key, event.data.reference, at=event.occurred_at):
            await audit.write(tx, [Entry(MACHINE, "referral.erased", event.occurred_at, event.key)])


async def forget(tx: AsyncConnection, key: UUID, reference: str, *, at: datetime) -> bool:
    """As `mark`, for one referral, without its audit entry; False when it was forgotten before."""
    is_new = await tx.scalar(
        sql("INSERT INTO erased (key, at) VALUES (:key, :at) ON CONFLICT DO NOTHING RETURNING true"),
        {"key": key, "at": at},
    )
    await tx.execute(
        sql("""
            UPDATE parked SET value = NULL, headers = '[]', resolved_at = coalesce(resolved_at, :now),
                resolution = coalesce(resolution, :resolution), resolved_by = coalesce(resolved_by, :resolution)
            WHERE key = :key
        """),
        {"key": key, "now": datetime.now(UTC), "resolution": ERASED},
    )
    await tx.execute(
        sql("""
            UPDATE parked SET value = convert_to(
                replace(replace(convert_from(value, 'UTF8'), :id, :nobody), :reference, 'erased'), 'UTF8')
            WHERE type IS NOT NULL AND position(convert_to(:id, 'UTF8') IN value) > 0
        """),
        {"id": str(key), "nobody": str(UUID(int=0)), "reference": reference},
    )
    return bool(is_new)
