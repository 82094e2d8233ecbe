"""Who has signed in to the pages, so that colleagues see a name beside an id and a lead can give them work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access import Staff
from shared.database import sql


async def keep_colleague(tx: AsyncConnection, staff: Staff, *, at: datetime) -> None:
    """Their name and role as the identity provider says them now; the routes they take stay."""
    await tx.execute(
        sql("""
            INSERT INTO colleague (id, name, role, seen_at) VALUES (:id, :name, :role, :at)
            ON CONFLICT (id) DO UPDATE SET name = :name, role = :role, seen_at = :at
        """),
        {"id": staff.id, "name": staff.name, "role": staff.role.value, "at": at},
    )
