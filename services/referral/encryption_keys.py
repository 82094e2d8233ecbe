"""The keys of identities: what the service starts with, and what `keys rotate` changes.

Everything that an index key made can be made again from the sealed identity, apart from two things: the digests of
requests (idempotency.py), which are gone after 30 days, and the digest of a document that was changed since it was sent
whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import erasing
from services.referral.document.model import ReferralDocument
from services.referral.families import links
from services.referral.front import members
from services.referral.identity import Identities, Sealed
from services.referral.settings import Settings
from services.referral.submitting import idempotency
from services.referral.submitting.prepare import identities_of
from shared import encryption_keys
from shared.crypto import ID_BYTES, LocalKey, UnreadableSecretError
from shared.database import sql
from shared.encryption_keys import HeldKey
from shared.events import Kind
from shared.key_rotation import DataKeys, Rotates, Say, Window, counted, in_rounds, told
from shared.strict_json import canonical

TABLES: Final = ("referral", "draft", "member", "contact_key")
LOOKED_AT: Final = 20
"""Referrals by which the first index key of a database is told, the newest: one may have been changed since."""
PORTION: Final = 100
"""Identities a transaction, each opened and read again: about 100 ms."""


async def check(tx: AsyncConnection, identities: Identities, *, at: datetime) -> None:
    """Raises WrongKeyError."""
    await encryption_keys.check(tx, identities.master, encryption_keys.opens_any_of(*TABLES), at=at)

    async def fits(tx: AsyncConnection, key: LocalKey) -> bool | None:
        rows = (await tx.execute(_NEWEST, {"limit": LOOKED_AT})).all()
        return any(_was_made_with(key, row, identities) for row in rows) if rows else None

    await encryption_keys.check(tx, identities.index, fits, at=at)


_NEWEST: Final = sql("""
    SELECT r.id, r.agency_id, r.wrapped_key, r.identity, r.body_digest,
           (SELECT array_agg(token) FROM family_token WHERE referral_id = r.id) AS tokens
    FROM referral r WHERE r.kind = 'family' AND r.wrapped_key IS NOT NULL ORDER BY r.id DESC LIMIT :limit
""")


def _was_made_with(key: LocalKey, row: sa.Row[Any], identities: Identities) -> bool:
    """By the digest of the document or a token of the family, whichever has stayed as it was."""
    try:
        sent = identities.unseal(row.id, Sealed(row.wrapped_key, row.identity))["document"]
        if key.blind_index().digest("body", row.agency_id.bytes, canonical(sent)) == row.body_digest:
            return True
        tokens = identities.tokens_under(key, ReferralDocument.model_validate(sent))
    except (ValidationError, UnreadableSecretError):
        return False
    return bool(tokens & set(row.tokens or ()))


@dataclass(frozen=True, slots=True)
class Digests:
    """Tokens, profiles and digests that the index key made, and the ledger of erasures that it signs."""

    identities: Identities
    ledger: Path

    @property
    def held(self) -> HeldKey:
        return self.identities.index

    async def rotate(self, engine: AsyncEngine, say: Say) -> None:
        """Raises LedgerError."""
        async with engine.connect() as tx:
            is_first = (await encryption_keys.written_down(tx, self.held.use)).keys() == {self.held.current.id}

        async def change(tx: AsyncConnection, _: str, window: Window) -> int:
            return await self._referrals(tx, window, say, is_first=is_first)

        for table, changes in (("referral", change), ("member", self._members)):
            await in_rounds(engine, table, changes, partial(told, say, self.held, table), rows=PORTION)
        if lines := erasing.sign_again(self.ledger, self.identities):
            say(f"index key: {lines} line(s) of the ledger of erasures are signed again")

    async def stored(self, tx: AsyncConnection) -> dict[str, dict[bytes | None, int]]:
        return {
            "referral": await counted(tx, "referral", "index_key", given="wrapped_key IS NOT NULL"),
            "member": await counted(tx, "member", "index_key", given="true"),
            "request": {
                None if row.index_key is None else bytes(row.index_key): row.rows
                for row in await tx.execute(sql("SELECT index_key, count(*) AS rows FROM request GROUP BY 1"))
            },
        }

    async def give_up(self, tx: AsyncConnection) -> None:
        """Answers to requests that nobody can ask for any more."""
        await tx.execute(sql("DELETE FROM request WHERE index_key IS DISTINCT FROM :id"), {"id": self.held.current.id})

    async def remarks(self, tx: AsyncConnection) -> Sequence[str]:
        last: datetime | None = await tx.scalar(
            sql("SELECT max(created_at) FROM request WHERE index_key IS DISTINCT FROM :id"),
            {"id": self.held.current.id},
        )
        if last is None:
            return ()
        day = last + timedelta(days=idempotency.KEPT_DAYS)
        return (f"answers to requests can't be brought over; the last of them goes on {day:%Y-%m-%d}",)

    async def _referrals(self, tx: AsyncConnection, window: Window, say: Say, *, is_first: bool) -> int:
        wanted = sql(f"""
            SELECT id, kind, agency_id, wrapped_key, identity, body_digest, profile, index_key FROM referral
            WHERE wrapped_key IS NOT NULL AND index_key IS DISTINCT FROM :index_key AND {window}
            FOR NO KEY UPDATE SKIP LOCKED
        """)  # noqa: S608  constants
        asked = {"index_key": self.identities.index_key, **window.values}
        found = []
        for row in await tx.execute(wanted, asked):
            try:
                found.append(self._made_again(row, is_first=is_first))
            except (ValidationError, UnreadableSecretError):
                say(f"not readable: referral {row.id}")
        await links.keep_tokens(tx, {each["id"]: each["tokens"] for each in found})
        await tx.execute(
            _MADE_AGAIN,
            {name: [each[name] for each in found] for name in ("id", "profile", "external_digest", "body_digest")}
            | {"index_key": self.identities.index_key},
        )
        return len(found)

    def _made_again(self, row: sa.Row[Any], *, is_first: bool) -> dict[str, Any]:
        """Of one referral; raises UnreadableSecretError, and ValidationError for what today's model can't read."""
        identities = self.identities
        sent = identities.unseal(row.id, Sealed(row.wrapped_key, row.identity))["document"]
        if row.kind != Kind.FAMILY:
            digest = identities.digest("enquiry", row.id.bytes)
            return {"id": row.id, "tokens": (), "profile": "{}", "external_digest": None, "body_digest": digest}
        family = identities.family_of(ReferralDocument.model_validate(sent))
        bodies = identities.body_digests(row.agency_id, canonical(sent))
        is_current = is_first if row.index_key is None else bytes(row.index_key)[:ID_BYTES] == self.held.current.id
        other = row.body_digest if is_current else b""
        external = identities.external_digests(row.agency_id, sent.get("external_reference"))
        return {
            "id": row.id,
            "tokens": family.tokens,
            "profile": family.profile.model_dump_json(),
            "external_digest": next(iter(external), None),
            "body_digest": bodies[0] if row.body_digest in bodies else other,
        }

    async def _members(self, tx: AsyncConnection, _: str, window: Window) -> int:
        """With the codes that are on their way to them."""
        wanted = sql(f"""
            SELECT id, agency_id, staff_id, email_digest, wrapped_key, identity FROM member
            WHERE index_key IS DISTINCT FROM :index_key AND {window} FOR NO KEY UPDATE SKIP LOCKED
        """)  # noqa: S608  constants
        rows = (await tx.execute(wanted, {"index_key": self.held.current.id, **window.values})).all()
        digests = [self._of_member(row) for row in rows]
        ids = [row.id for row in rows]
        await tx.execute(_MEMBERS, {"ids": ids, "new": digests, "index_key": self.held.current.id})
        await tx.execute(_CODES, {"old": [row.email_digest for row in rows], "new": digests})
        return len(rows)

    def _of_member(self, row: sa.Row[Any]) -> bytes:
        if row.staff_id is not None:
            return self.identities.digest(members.CALLS, row.agency_id.bytes, row.staff_id)
        email = self.identities.unseal(row.id, Sealed(row.wrapped_key, row.identity))["document"]["email"]
        return members.digests_of_address(self.identities, email)[0]


_MADE_AGAIN: Final = sql("""
    UPDATE referral r SET profile = CAST(t.profile AS jsonb), external_digest = t.external_digest,
        body_digest = t.body_digest, index_key = :index_key
    FROM unnest(CAST(:id AS uuid[]), CAST(:profile AS text[]), CAST(:external_digest AS bytea[]),
                CAST(:body_digest AS bytea[])) AS t(id, profile, external_digest, body_digest)
    WHERE r.id = t.id
""")
_MEMBERS: Final = sql("""
    UPDATE member SET email_digest = t.new, index_key = :index_key
    FROM unnest(CAST(:ids AS uuid[]), CAST(:new AS bytea[])) AS t(id, new) WHERE member.id = t.id
""")
_CODES: Final = sql("""
    UPDATE sign_in_code SET email_digest = t.new
    FROM unnest(CAST(:old AS bytea[]), CAST(:new AS bytea[])) AS t(old, new) WHERE email_digest = t.old
""")


def rotates(settings: Settings) -> list[Rotates]:
    identities = identities_of(settings)
    return [DataKeys(identities.master, TABLES), Digests(identities, settings.erasure_ledger)]
