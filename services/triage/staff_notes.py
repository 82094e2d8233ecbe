"""What staff write, sealed under a key per referral of triage's own: erasing the key erases the words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import tables
from services.triage.work_items.store import lock_if_known
from shared.crypto import Safe, seal, unseal
from shared.database import sql
from shared.ids import uuid7
from shared.problems import Problem
from shared.subject_access import Rows

ASKED: Final = "asked"
"""The kind of what the referrer was asked: the one kind that is not for colleagues alone."""


@dataclass(frozen=True, slots=True)
class StaffNote:
    """One text: a note, the reason of an override, what was asked of the referrer."""

    kind: str
    author: str
    at: datetime
    text: str

    def shown(self) -> dict[str, str]:
        return {"kind": self.kind, "author": self.author, "at": self.at.isoformat(), "text": self.text}


class StaffNotes:
    """Writes and reads texts; the key of a referral is made with its first text."""

    def __init__(self, safe: Safe) -> None:
        self._safe = safe

    async def write(self, tx: AsyncConnection, item: Any, kind: str, text: str, *, author: str, at: datetime) -> None:
        """Store, in the caller's transaction, words about an item. Raises Problem 409 when the referral was erased."""
        key, text_id = await self._key(tx, item.referral_id), uuid7()
        row = {"id": text_id, "referral_id": item.referral_id, "work_item_id": item.id, "kind": kind, "author": author}
        sealed = seal(key, text.encode(), about=text_id.bytes)
        await tables.insert(tx, tables.staff_text, [row | {"at": at, "sealed": sealed}])

    async def read(self, tx: AsyncConnection, referral_id: UUID, *, kind: str | None = None) -> list[StaffNote]:
        """The texts of a referral, of one kind or all, oldest first; none once its key is destroyed."""
        wrapped = await tx.scalar(sql("SELECT wrapped_key FROM referral WHERE id = :id"), {"id": referral_id})
        if wrapped is None:
            return []
        key = self._safe.unwrap(wrapped)
        rows = await tx.execute(
            sql("""
                SELECT * FROM staff_text WHERE referral_id = :id AND (CAST(:kind AS text) IS NULL OR kind = :kind)
                ORDER BY at, id
            """),
            {"id": referral_id, "kind": kind},
        )
        return [
            StaffNote(row.kind, row.author, row.at, unseal(key, row.sealed, about=row.id.bytes).decode())
            for row in rows
        ]

    async def open_rows(self, tx: AsyncConnection, referral_id: UUID, rows: Rows) -> None:
        """For whoever asks for their records: the words in place of what is sealed, and the names of colleagues."""
        wrapped = await tx.scalar(sql("SELECT wrapped_key FROM referral WHERE id = :id"), {"id": referral_id})
        for row in rows["staff_text"]:
            sealed = row.pop("sealed")
            row["text"] = unseal(self._safe.unwrap(wrapped), sealed, about=row["id"].bytes).decode() if wrapped else ""
        known = await tx.execute(sql("SELECT id, name, role FROM colleague ORDER BY id"))
        named = {each for table in rows.values() for row in table for each in row.values() if isinstance(each, str)}
        rows["colleague"] = [dict(row) for row in known.mappings() if row["id"] in named]

    async def _key(self, tx: AsyncConnection, referral_id: UUID) -> bytes:
        row = await lock_if_known(tx, referral_id)
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
