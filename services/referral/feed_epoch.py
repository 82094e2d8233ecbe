"""The feed counts in transactions of the database cluster; a dump that is restored into another cluster starts anew.

Rows then carry numbers that lie ahead of the new cluster's own, and would be shown to nobody. `renew`, a part of the
deploy step, gives them numbers of this cluster and a new epoch; cursors of an earlier epoch are answered with 410.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import sql
from shared.ids import uuid7

FIRST: Final = UUID(int=0)
"""The epoch of cursors that name none: from before there were epochs."""


async def current(tx: AsyncConnection) -> UUID:
    """The epoch of the feed now."""
    found: UUID = await tx.scalar(sql("SELECT id FROM feed_epoch"))
    return found


async def renew(tx: AsyncConnection) -> int | None:
    """After a restore into another cluster: how many referrals have new numbers. None when the cluster is the same."""
    row = (
        await tx.execute(
            sql("""
                SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint) AS now, renewed_in,
                    (SELECT coalesce(max(changed_in), 0) FROM referral) AS latest
                FROM feed_epoch FOR UPDATE
            """)
        )
    ).one()
    if max(row.renewed_in, row.latest) <= row.now:
        await tx.execute(sql("UPDATE feed_epoch SET renewed_in = :now"), {"now": row.now})
        return None
    moved = await tx.execute(sql("UPDATE referral SET changed_in = :now WHERE changed_in >= :now"), {"now": row.now})
    await tx.execute(sql("UPDATE feed_epoch SET id = :id, renewed_in = :now"), {"id": uuid7(), "now": row.now})
    return int(moved.rowcount)
