"""What a parent has typed so far, sealed under a key that only their browser has.

The cookie holds a random token, and nothing of it is stored here. From it come the id of the row, the key that seals
it and the token of the forms. So nobody opens a row with the database and all settings; without the cookie it is lost.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.crypto import KEY_BYTES, UnreadableSecretError, seal, unseal
from shared.database import sql

COOKIE: Final = "__Host-pir-help"
LASTS: Final = timedelta(hours=20)
"""After it was last written: a day of breaks, and not the next evening on a shared computer."""
LASTS_IF_UNSAFE: Final = timedelta(hours=1)
"""After somebody said that they are not safe at home: whoever opens that browser later must not find it."""
SENT_SHOWN: Final = timedelta(hours=1)
"""How long the page that says it was sent can be loaded again."""
_ID_BYTES: Final = 16


@dataclass(frozen=True)
class BrowserSecret:
    """A token of 256 bits in base64url, and what is made of it (HKDF, RFC 5869): none says anything of another."""

    token: str

    @cached_property
    def row_id(self) -> UUID:
        return UUID(bytes=self._made("row", _ID_BYTES))

    @cached_property
    def key(self) -> bytes:
        return self._made("key", KEY_BYTES)

    @cached_property
    def csrf(self) -> str:
        """Stands in each form beside the cookie: another site can send the cookie, and can't know this."""
        return base64.urlsafe_b64encode(self._made("form", KEY_BYTES)).decode().rstrip("=")

    def _made(self, purpose: str, length: int) -> bytes:
        return HKDF(SHA256(), length, salt=None, info=f"pir help {purpose}".encode()).derive(self.token.encode())


@dataclass(frozen=True, slots=True)
class FamilyDraft:
    """`document` is what was typed, as the JSON of a referral; empty once it was sent as `sent_as`.

    `key` is the Idempotency-Key of its sending: random, and gone with the draft. Whoever writes next in this browser is
    another family.
    """

    document: dict[str, Any]
    begun_at: datetime
    changed_at: datetime
    sent_as: str | None
    key: str = ""


async def one(tx: AsyncConnection, secret: BrowserSecret, *, at: datetime, locked: bool = False) -> FamilyDraft | None:
    """The draft of this browser; None when there is none, when its time is over, and when it does not open."""
    columns = "sealed, begun_at, changed_at, sent_as"
    statement = f"SELECT {columns} FROM draft WHERE id = :id AND member_id IS NULL AND until > :at"  # noqa: S608  above
    found = await tx.execute(
        sql(f"{statement} FOR UPDATE" if locked else statement), {"id": secret.row_id, "at": at}
    )  # fmt: skip
    row = found.one_or_none()
    if row is None:
        return None
    if row.sent_as:
        return FamilyDraft({}, row.begun_at, row.changed_at, row.sent_as)
    try:
        kept = json.loads(unseal(secret.key, row.sealed, about=secret.row_id.bytes))
    except UnreadableSecretError:
        return None
    return FamilyDraft(kept["answers"], row.begun_at, row.changed_at, None, kept["key"])


async def write(
    tx: AsyncConnection,
    secret: BrowserSecret,
    answers: Mapping[str, Any],
    *,
    draft: FamilyDraft | None,
    agency_id: UUID,
    at: datetime,
    lasts: timedelta,
) -> None:
    """The whole of it anew, in place of `draft`, for so long from now; a sent one stays as it is."""
    kept = {"key": draft.key if draft else f"draft:{secrets.token_urlsafe(_ID_BYTES)}", "answers": answers}
    await tx.execute(
        sql("""
            INSERT INTO draft (id, agency_id, sealed, begun_at, changed_at, until)
            VALUES (:id, :agency, :sealed, :at, :at, :until)
            ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, changed_at = :at, until = :until
            WHERE draft.member_id IS NULL AND draft.sent_as IS NULL
        """),
        {
            "id": secret.row_id,
            "agency": agency_id,
            "sealed": seal(secret.key, json.dumps(kept).encode(), about=secret.row_id.bytes),
            "at": at,
            "until": at + lasts,
        },
    )


async def mark_sent(
    tx: AsyncConnection, secret: BrowserSecret, draft: FamilyDraft, reference: str, *, at: datetime
) -> bool:
    """What it said stands in the referral now; the reference stays for an hour. Repeatable.

    False when it says something else meanwhile.
    """
    marked = await tx.execute(
        sql("""
            UPDATE draft SET sent_as = :reference, sealed = NULL, until = :until
            WHERE id = :id AND member_id IS NULL AND changed_at = :seen
        """),
        {"id": secret.row_id, "reference": reference, "until": at + SENT_SHOWN, "seen": draft.changed_at},
    )
    return bool(marked.rowcount)


async def forget(tx: AsyncConnection, secret: BrowserSecret) -> None:
    """The parent leaves the page."""
    await tx.execute(sql("DELETE FROM draft WHERE id = :id AND member_id IS NULL"), {"id": secret.row_id})


async def forget_unchanged(tx: AsyncConnection, row_id: UUID) -> None:
    """One that was written once and never again, by whatever process."""
    await tx.execute(
        sql("DELETE FROM draft WHERE id = :id AND member_id IS NULL AND sent_as IS NULL AND changed_at = begun_at"),
        {"id": row_id},
    )
