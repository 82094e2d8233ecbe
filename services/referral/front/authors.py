"""Whose referral it is among the people of its agency, and what changed since they looked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import sql


async def keep(tx: AsyncConnection, referral_id: UUID, member_id: UUID) -> bool:
    """Whether it had no author yet: repeatable, and the first author stays."""
    kept = await tx.execute(
        sql("""
            INSERT INTO author (referral_id, member_id, looked_in)
            SELECT id, :member, changed_in FROM referral WHERE id = :id
            ON CONFLICT (referral_id) DO NOTHING
        """),
        {"id": referral_id, "member": member_id},
    )
    return bool(kept.rowcount)


async def receipt_of(tx: AsyncConnection, reference: str) -> dict[str, Any]:
    """The receipt of a referral that the caller knows to be the visitor's."""
    receipt: dict[str, Any] = await tx.scalar(
        sql("SELECT receipt FROM referral WHERE reference = :reference"), {"reference": reference}
    )
    return receipt
