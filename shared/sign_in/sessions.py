"""Sessions, kept on the server: 30 minutes without a page end one, 12 hours in any case, and so does signing out.

The cookie holds a random token; the table holds its digest, so who reads the table (or a backup) can't sign in with it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.access import Role, Staff
from shared.database import read_only, sql
from shared.sign_in.visitors import Visitor

IDLE: Final = timedelta(minutes=30)
WHOLE: Final = timedelta(hours=12)
TOUCH: Final = timedelta(minutes=1)
"""How often `seen_at` is written at most: a session may end up to this much early, never late."""

_LOOK: Final = sql("""
    SELECT staff_id, name, role, csrf, seen_at <= :stale AS is_stale FROM session
    WHERE digest = :digest AND seen_at > :idle AND started_at > :whole
""")
_TOUCH: Final = sql("UPDATE session SET seen_at = :at WHERE digest = :digest AND seen_at < :at")
_START: Final = sql("""
    INSERT INTO session (digest, staff_id, name, role, csrf, id_token, started_at, seen_at, provider_session)
    VALUES (:digest, :staff_id, :name, :role, :csrf, :id_token, :at, :at, :provider_session)
""")
_END: Final = sql("DELETE FROM session WHERE digest = :digest RETURNING staff_id, id_token")
_END_ALL: Final = sql("""
    WITH ended AS (
        DELETE FROM session
        WHERE (staff_id = :staff_id OR CAST(:staff_id AS text) IS NULL)
            AND (provider_session = :provider_session OR CAST(:provider_session AS text) IS NULL)
            AND coalesce(CAST(:staff_id AS text), CAST(:provider_session AS text)) IS NOT NULL
        RETURNING digest, staff_id
    ), pages AS (
        DELETE FROM kept WHERE session IN (SELECT digest FROM ended)
    )
    SELECT staff_id FROM ended
""")
_SWEEP: Final = sql("""
    DELETE FROM session WHERE digest IN (
        SELECT digest FROM session WHERE seen_at <= :idle OR started_at <= :whole FOR UPDATE SKIP LOCKED)
""")


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def look(engine: AsyncEngine, token: str, *, at: datetime) -> Visitor | None:
    """Whose session it is, in one statement; None when it ran out or never was. Notes now and then that it is used."""
    digest = digest_of(token)
    bounds = {"idle": at - IDLE, "whole": at - WHOLE, "stale": at - TOUCH}
    async with read_only(engine).connect() as connection:
        row = (await connection.execute(_LOOK, {"digest": digest, **bounds})).one_or_none()
        if row is not None and row.is_stale:
            await connection.execute(_TOUCH, {"digest": digest, "at": at})
    if row is None or row.role not in set(Role):
        return None
    return Visitor(Staff(row.staff_id, row.name, Role(row.role)), row.csrf, digest)


async def start(
    tx: AsyncConnection,
    staff: Staff,
    *,
    token: str,
    csrf: str,
    id_token: str,
    at: datetime,
    provider_session: str | None = None,
) -> None:
    """A session of its own for every sign-in. `id_token` is shown to the provider again at sign-out.

    `provider_session` is the provider's own name of it (`sid`), by which it can end it.
    """
    await tx.execute(
        _START,
        {
            "digest": digest_of(token),
            "staff_id": staff.id,
            "name": staff.name,
            "role": staff.role.value,
            "csrf": csrf,
            "id_token": id_token,
            "at": at,
            "provider_session": provider_session,
        },
    )


async def end(tx: AsyncConnection, digest: bytes) -> str | None:
    """End it here and now, whatever the browser keeps; its ID token, or None when it had ended already."""
    row = (await tx.execute(_END, {"digest": digest})).one_or_none()
    return None if row is None else row.id_token or ""


async def end_all(
    tx: AsyncConnection, *, staff_id: str | None = None, provider_session: str | None = None
) -> dict[str, int]:
    """End sessions of somebody, of one session at the provider, or what is both; and drop the pages kept for them.

    Returns how many of whom. Nothing ends when neither is said.
    """
    ended = await tx.execute(_END_ALL, {"staff_id": staff_id, "provider_session": provider_session})
    return dict(Counter(ended.scalars()))


async def sweep(tx: AsyncConnection, *, at: datetime) -> int:
    """Delete what ran out; how many rows. Done at every sign-in."""
    return (await tx.execute(_SWEEP, {"idle": at - IDLE, "whole": at - WHOLE})).rowcount
