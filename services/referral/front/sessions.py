"""Sessions of members: as those of staff, on the server, with the same times; the cookie holds a random token."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral.front import members
from services.referral.front.members import Member
from services.referral.identity import Identities, hexadecimal
from shared.audit import Entry, write
from shared.database import read_only, sql
from shared.sign_in import cookies, tokens
from shared.sign_in.cookies import Names
from shared.sign_in.sessions import IDLE, TOUCH, WHOLE, digest_of

CALL: Final = timedelta(hours=2)
"""The longest session of somebody who takes a call for an agency; 30 minutes without a page end it, as any other."""
WRITABLE: Final = timedelta(hours=12)
"""How long after it was shown a form may still write its page into its draft, without a session."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who looks at a page. `csrf` belongs into each of their forms."""

    member: Member
    csrf: str
    session: bytes

    @property
    def label(self) -> str:
        return self.member.label


@dataclass(frozen=True, slots=True)
class MemberDoor:
    """Set as `app.state.sign_in`. `public_url` is where browsers see us, `now` the wall clock in UTC."""

    engine: AsyncEngine
    identities: Identities
    public_url: str
    now: Callable[[], datetime]
    names: Names = field(default_factory=lambda: Names.of("refer"))

    async def find(self, request: Request) -> SignedIn | None:
        """Whose session the cookie names, in one statement; None without one, and for an ended member or agency."""
        token = request.cookies.get(self.names.session, "")
        if not cookies.is_token(token):
            return None
        at, digest = self.now(), digest_of(token)
        bounds = {"idle": at - IDLE, "whole": at - WHOLE, "call": at - CALL, "stale": at - TOUCH}
        async with read_only(self.engine).connect() as connection:
            row = (await connection.execute(members.OF_SESSION, {"digest": digest, **bounds})).one_or_none()
            if row is not None and row.is_stale:
                await connection.execute(
                    sql("UPDATE member_session SET seen_at = :at WHERE digest = :digest AND seen_at < :at"),
                    {"digest": digest, "at": at},
                )
        return SignedIn(members.member_of(row, self.identities), row.csrf, digest) if row else None

    async def let_in(
        self, tx: AsyncConnection, request: Request, member: Member, *, by: str, claims: Mapping[str, Any] | None = None
    ) -> str:
        """A new session, and the end of the one that this browser had; returns the token for the cookie.

        `by` says in the audit trail how they came in, `claims` what the agency's own provider said of them.
        """
        at, token = self.now(), secrets.token_urlsafe(32)
        before = digest_of(request.cookies.get(self.names.session, ""))
        await end(tx, before)
        await tx.execute(
            sql("""
                INSERT INTO member_session (digest, member_id, csrf, started_at, seen_at, provider, subject,
                                            provider_session)
                VALUES (:digest, :member, :csrf, :at, :at, :iss, :sub, :sid)
            """),
            {
                "digest": digest_of(token),
                "member": member.id,
                "csrf": tokens.new_token(self._secrets[0], str(member.id), nonce=secrets.token_urlsafe(16)),
                "at": at,
                **{name: (claims or {}).get(name) for name in ("iss", "sub", "sid")},
            },
        )
        await write(tx, [Entry(member.actor, "member.signed-in", at, detail=by)])
        return token

    def opened(self, response: Response, token: str) -> Response:
        """The answer with the cookie of a new session."""
        cookies.give(response, self.names.session, token)
        cookies.take(response, self.names.handshake)
        return response

    def shown_to(self, csrf: str) -> UUID | None:
        """Whose page a form was on, though their session has ended: such a form may write, and reads nothing."""
        found = (tokens.shown_to(csrf, secret, within=WRITABLE) for secret in self._secrets)
        person = next(filter(None, found), None)
        return UUID(person) if person else None

    @property
    def _secrets(self) -> list[str]:
        """The first one signs."""
        return hexadecimal(self.identities.digests("secret of forms", "members"))


async def end(tx: AsyncConnection, session: bytes) -> None:
    await tx.execute(sql("DELETE FROM member_session WHERE digest = :digest"), {"digest": session})


async def end_of_provider(tx: AsyncConnection, provider: str, claims: Mapping[str, str]) -> list[str]:
    """Of somebody there (`sub`), of one session there (`sid`), or what is both; whose they were."""
    ended = await tx.execute(
        sql("""
            DELETE FROM member_session
            WHERE provider = :provider AND (subject = :sub OR CAST(:sub AS text) IS NULL)
                AND (provider_session = :sid OR CAST(:sid AS text) IS NULL)
                AND coalesce(CAST(:sub AS text), CAST(:sid AS text)) IS NOT NULL
            RETURNING member_id
        """),
        {"provider": provider, "sub": claims.get("sub"), "sid": claims.get("sid")},
    )
    return [str(member_id) for member_id in dict.fromkeys(ended.scalars())]


async def sweep(tx: AsyncConnection, *, at: datetime) -> None:
    """Delete those that have run out."""
    await tx.execute(
        sql("DELETE FROM member_session WHERE seen_at <= :idle OR started_at <= :whole"),
        {"idle": at - IDLE, "whole": at - WHOLE},
    )
