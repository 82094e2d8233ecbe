"""What is kept for an hour so that nothing typed is lost: the fields of a form, or the page that answered one.

It is sealed (AES-256-GCM) under a key made from a random token in a cookie of the browser, which is stored nowhere:
who reads the table, or a backup of it, reads nothing. A row opens for the person it belongs to alone, and a page only
in the session that it was shown in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.crypto import UnreadableSecretError, seal, unseal
from shared.database import read_only, sql
from shared.sign_in.visitors import Visitor

LASTS: Final = timedelta(hours=1)
MOST: Final = 30
"""Rows of one person; with more the oldest go."""
LARGEST: Final = 512 * 1024
"""Bytes of one row, sealed."""

_SWEEP: Final = sql("DELETE FROM kept WHERE kept_at <= :old")
_MAKE_ROOM: Final = sql(f"""
    DELETE FROM kept WHERE digest IN (
        SELECT digest FROM kept WHERE staff_id = :staff_id ORDER BY kept_at DESC OFFSET {MOST - 1})
""")  # noqa: S608  a number of our own
_KEEP: Final = sql("""
    INSERT INTO kept (digest, staff_id, session, sealed, kept_at)
    VALUES (:digest, :staff_id, :session, :sealed, :at)
""")
_FIND: Final = sql("SELECT staff_id, session, sealed FROM kept WHERE digest = :digest AND kept_at > :old")
_DROP: Final = sql("DELETE FROM kept WHERE digest = :digest")
_DROP_PAGES: Final = sql("DELETE FROM kept WHERE session = :session")


async def keep(
    engine: AsyncEngine, content: Any, *, name: str, token: str, staff_id: str, session: bytes | None, at: datetime
) -> bool:
    """Keep JSON under a random `name`, for `staff_id`; False when it is too large, and nothing is kept.

    With a `session` it is for that session only. Deletes what has run out.
    """
    digest = _digest(name)
    sealed = seal(_key(token, digest), zlib.compress(json.dumps(content).encode()), about=digest)
    if len(sealed) > LARGEST:
        return False
    async with engine.begin() as tx:
        await sweep(tx, at=at)
        await tx.execute(_MAKE_ROOM, {"staff_id": staff_id})
        row = {"digest": digest, "staff_id": staff_id, "session": session, "sealed": sealed, "at": at}
        await tx.execute(_KEEP, row)
    return True


async def find(engine: AsyncEngine, name: str, *, token: str, visitor: Visitor, at: datetime) -> Any:
    """What was kept under this name; None when it has run out or is not this visitor's: another person's is dropped."""
    digest = _digest(name)
    async with read_only(engine).connect() as connection:
        row = (await connection.execute(_FIND, {"digest": digest, "old": at - LASTS})).one_or_none()
        if row is not None and row.staff_id != visitor.staff.id:
            await connection.execute(_DROP, {"digest": digest})
            return None
    if row is None or row.session not in (None, visitor.session):
        return None
    try:
        return json.loads(zlib.decompress(unseal(_key(token, digest), row.sealed, about=digest)))
    except UnreadableSecretError:  # another browser
        return None


async def sweep(tx: AsyncConnection, *, at: datetime) -> None:
    """Delete what has run out. Done at every sign-in too."""
    await tx.execute(_SWEEP, {"old": at - LASTS})


async def drop_pages(tx: AsyncConnection, session: bytes) -> None:
    """At sign-out: the pages of this session."""
    await tx.execute(_DROP_PAGES, {"session": session})


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def _key(token: str, digest: bytes) -> bytes:
    return hmac.digest(token.encode(), digest, "sha256")
