"""Where no more messages are wanted, and which referral a reply belongs to: keyed digests of addresses, never those.

Their key is random, made once, and stored wrapped by the master key. So a new index key loses no stop: nobody could
make these digests again, because the addresses are not kept.
"""

from __future__ import annotations

import base64
import hmac
import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.contacts.addressee import as_dialled
from services.referral.identity import Identities
from shared import audit
from shared.audit import Actor, Entry
from shared.crypto import BlindIndex
from shared.database import sql
from shared.events import FamilyReplied
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft

STOPPED: Final = "contact.stopped"
REPLIED: Final = "contact.replied"
FAMILY: Final = Actor("family", "messages")
KEPT_DAYS: Final = 180
"""How long it is known which referral a message at an address was about, so that a reply finds it."""
_KEY_ID: Final = UUID(int=1)
_MARK_BYTES: Final = 16
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")


def as_written(to: str) -> str:
    """A number or e-mail address as its digest is made of; empty for what is neither."""
    to = to.strip()
    return to.casefold() if _EMAIL.fullmatch(to) else as_dialled(to)


class Addresses:
    """Makes the digests; asks the database for its key once."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._index: BlindIndex | None = None

    async def digest(self, tx: AsyncConnection, to: str) -> bytes:
        """Of a number or e-mail address, the same however it is written."""
        return (await self._known(tx)).digest("contact", as_written(to))

    async def digest_of_words(self, tx: AsyncConnection, referral_id: UUID, words: str) -> bytes:
        """Of what was said about safe contact: equal only for the same words about the same referral."""
        return (await self._known(tx)).digest("words", referral_id.bytes, words)

    async def token(self, tx: AsyncConnection, digest: bytes) -> str:
        """For an address of a page: whoever has it can stop messages there, and learns nothing from it."""
        return base64.urlsafe_b64encode(digest + await self._mark(tx, digest)).decode()

    async def read(self, tx: AsyncConnection, token: str) -> bytes | None:
        """The digest in a token of ours; None for any other text."""
        try:
            whole = base64.urlsafe_b64decode(token.encode())
        except ValueError:
            return None
        digest, mark = whole[:-_MARK_BYTES], whole[-_MARK_BYTES:]
        return digest if hmac.compare_digest(mark, await self._mark(tx, digest)) else None

    async def _mark(self, tx: AsyncConnection, digest: bytes) -> bytes:
        return (await self._known(tx)).digest("stop", digest)[:_MARK_BYTES]

    async def _known(self, tx: AsyncConnection) -> BlindIndex:
        if self._index is None:
            if stored := await self._stored(tx):
                self._index = BlindIndex(self._identities.unwrap(stored))
            else:  # not remembered before it is committed
                _, wrapped = self._identities.master.safe.new_key()
                made = "INSERT INTO contact_key (id, wrapped_key) VALUES (:id, :key) ON CONFLICT (id) DO NOTHING"
                await tx.execute(sql(made), {"id": _KEY_ID, "key": wrapped})
                return BlindIndex(self._identities.unwrap(await self._stored(tx)))
        return self._index

    async def _stored(self, tx: AsyncConnection) -> Any:
        return await tx.scalar(sql("SELECT wrapped_key FROM contact_key WHERE id = :id"), {"id": _KEY_ID})


async def is_stopped(tx: AsyncConnection, digest: bytes) -> bool:
    return bool(await tx.scalar(sql("SELECT true FROM contact_stop WHERE digest = :digest"), {"digest": digest}))


async def stop(tx: AsyncConnection, digest: bytes, *, at: datetime) -> None:
    """From now on nothing goes to this address, for any referral, those to come too; twice is once."""
    new = await tx.scalar(
        sql("INSERT INTO contact_stop (digest, at) VALUES (:digest, :at) ON CONFLICT DO NOTHING RETURNING true"),
        {"digest": digest, "at": at},
    )
    if new:
        about = await tx.scalars(
            sql("SELECT DISTINCT referral_id FROM contact_given WHERE digest = :digest"), {"digest": digest}
        )
        known: list[UUID | None] = list(about)
        await audit.write(tx, [Entry(FAMILY, STOPPED, at, referral_id) for referral_id in known or [None]])


async def note_given(tx: AsyncConnection, message_id: UUID, referral_id: UUID, digest: bytes, *, at: datetime) -> None:
    """A message goes there now: a reply to it is about this referral."""
    await tx.execute(
        sql("""
            INSERT INTO contact_given (message_id, referral_id, digest, at) VALUES (:message, :referral, :digest, :at)
            ON CONFLICT (message_id) DO UPDATE SET digest = excluded.digest, at = excluded.at
        """),
        {"message": message_id, "referral": referral_id, "digest": digest, "at": at},
    )


async def note_reply(tx: AsyncConnection, digest: bytes, *, at: datetime) -> bool:
    """Say that the family of the last message there has replied; False when we know of none."""
    found = await tx.execute(
        sql("""
            SELECT r.id, r.reference, r.agency_id FROM contact_given g JOIN referral r ON r.id = g.referral_id
            WHERE g.digest = :digest AND r.wrapped_key IS NOT NULL ORDER BY g.at DESC LIMIT 1
        """),
        {"digest": digest},
    )
    if (row := found.one_or_none()) is None:
        return False
    event = FamilyReplied(reference=row.reference, agency_id=row.agency_id)
    await outbox.append(tx, [Draft(row.id, event, at, Cause(uuid7()))])
    await audit.write(tx, [Entry(FAMILY, REPLIED, at, row.id)])
    return True


async def sweep(tx: AsyncConnection, *, before: datetime) -> None:
    await tx.execute(sql("DELETE FROM contact_given WHERE at < :before"), {"before": before})
