"""What staff write: sealed under a key per referral of triage's own, so that erasing the key erases the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.crypto import Safe, seal, unseal
from shared.database import sql
from shared.ids import uuid7
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class Written:
    """One text: a note, the reason of an override, what was asked of the referrer."""

    kind: str
    author: str
    at: datetime
    text: str

    def shown(self) -> dict[str, str]:
        return {"kind": self.kind, "author": self.author, "at": self.at.isoformat(), "text": self.text}


class StaffTexts:
    """Writes and reads texts; the key of a referral is made with its first text."""

    def __init__(self, master_key: bytes) -> None:
        self._safe = Safe(master_key)

    async def write(
        self, tx: AsyncConnection, *, referral_id: UUID, item_id: UUID, kind: str, author: str, at: datetime, text: str
    ) -> None:
        """Store in the caller's transaction. Raises Problem 409 when the referral was erased."""
        key, text_id = await self._key(tx, referral_id), uuid7()
        await tx.execute(
            sql("""
                INSERT INTO staff_text (id, referral_id, work_item_id, kind, author, at, sealed)
                VALUES (:id, :referral, :item, :kind, :author, :at, :sealed)
            """),
            {
                "id": text_id,
                "referral": referral_id,
                "item": item_id,
                "kind": kind,
                "author": author,
                "at": at,
                "sealed": seal(key, text.encode(), about=text_id.bytes),
            },
        )

    async def read(self, tx: AsyncConnection, referral_id: UUID) -> list[Written]:
        """All texts of a referral, oldest first; none once its key is destroyed."""
        wrapped = await tx.scalar(sql("SELECT wrapped_key FROM referral WHERE id = :id"), {"id": referral_id})
        if wrapped is None:
            return []
        key = self._safe.unwrap(wrapped)
        rows: Sequence[sa.Row[Any]] = (
            await tx.execute(
                sql("SELECT * FROM staff_text WHERE referral_id = :id ORDER BY at, id"), {"id": referral_id}
            )
        ).all()
        return [
            Written(row.kind, row.author, row.at, unseal(key, row.sealed, about=row.id.bytes).decode()) for row in rows
        ]

    async def _key(self, tx: AsyncConnection, referral_id: UUID) -> bytes:
        row = (
            await tx.execute(
                sql("SELECT wrapped_key, erased_at FROM referral WHERE id = :id FOR UPDATE"), {"id": referral_id}
            )
        ).one_or_none()
        if row is None:
            raise Problem("conflict", "We have not heard of this referral yet: nothing can be written about it")
        if row.erased_at is not None:
            raise Problem("conflict", "This referral was erased; nothing can be written about it")
        if row.wrapped_key is not None:
            return self._safe.unwrap(row.wrapped_key)
        key, wrapped = self._safe.new_key()
        await tx.execute(
            sql("UPDATE referral SET wrapped_key = :key WHERE id = :id"), {"key": wrapped, "id": referral_id}
        )
        return key
