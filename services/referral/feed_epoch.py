"""The feed counts in transactions of the database cluster; after a dump was restored it starts anew.

Rows may then carry numbers that lie ahead of the cluster's own, and so may cursors that were given after the backup:
what changes next would be shown to nobody. `renew`, a part of the deploy step, gives such rows numbers of this cluster
and the feed a new epoch; cursors of an earlier epoch are answered with 410.
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
    """After a restore: how many referrals have new numbers. None when there was none.

    The row of the epoch names the transaction that wrote it. In a restored database another one has: the restore's.
    Numbers ahead of the cluster's own tell of a restore too, whoever brought the rows.
    """
    row = (
        await tx.execute(
            sql("""
                SELECT now.number AS now, CAST(CAST(e.xmin AS text) AS bigint) = e.renewed_in % 4294967296
                    AND NOT EXISTS (SELECT FROM referral WHERE changed_in > now.number) AS is_as_written
                FROM feed_epoch e, (SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint) AS number) now
                FOR UPDATE OF e
            """)
        )
    ).one()
    if row.is_as_written:
        await tx.execute(sql("UPDATE feed_epoch SET renewed_in = :now"), {"now": row.now})
        return None
    moved = await tx.execute(sql("UPDATE referral SET changed_in = :now WHERE changed_in >= :now"), {"now": row.now})
    await tx.execute(sql("UPDATE feed_epoch SET id = :id, renewed_in = :now"), {"id": uuid7(), "now": row.now})
    return int(moved.rowcount)
