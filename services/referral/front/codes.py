"""Codes to sign in with: eight letters and digits that can be said aloud, typed into the browser that asked.

A code opens one door once: 15 minutes, five tries, and no longer than until the same browser asks again, which gets
another cookie for it. Addresses that nobody has get a row, too: neither the answer nor its time tells which are known.
(Links would be used up by programs that look at mail before people do.)
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.identity import Identities
from services.referral.reference import ALPHABET
from shared.database import sql

LENGTH: Final = 8
"""Of 28 signs: 38 bits, and five tries at each."""
LASTS: Final = timedelta(minutes=15)
TRIES: Final = 5
AN_HOUR: Final = timedelta(hours=1)
MOST_AN_HOUR: Final = 5
"""Mails to one address: more are a flood, not a person."""
KEPT: Final = timedelta(days=1)

_SEPARATORS: Final = dict.fromkeys(map(ord, " -\u2010\u2011\u2012\u2013\u2014"))


@dataclass(frozen=True, slots=True)
class CodeUsed:
    """A code that was right: whose address it was sent to (its digests), and the page to go to."""

    email_digests: tuple[bytes, ...]
    page: str


def new_code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def _compact(code: str) -> str:
    return code.translate(_SEPARATORS).upper()[: LENGTH + 1]


async def ask(
    tx: AsyncConnection,
    identities: Identities,
    *,
    browser: bytes,
    email_digests: Sequence[bytes],
    page: str,
    at: datetime,
) -> str | None:
    """A new code for this browser and address. None when there were too many this hour: then none is made.

    It has no hold on codes of other browsers: whoever asks in somebody's name must not shut their door.
    """
    asked = await tx.scalar(
        sql("SELECT count(*) FROM sign_in_code WHERE email_digest = ANY(:emails) AND asked_at > :since"),
        {"emails": list(email_digests), "since": at - AN_HOUR},
    )
    if (asked or 0) >= MOST_AN_HOUR:
        return None
    code = new_code()
    await tx.execute(
        sql("""
            INSERT INTO sign_in_code (browser, email_digest, code_digest, tries, asked_at, until, page,
                                      email_digest_before)
            VALUES (:browser, :email, :code, 0, :at, :until, :page, :email_before)
        """),
        {
            "browser": browser,
            "email": email_digests[0],
            "email_before": next(iter(email_digests[1:]), None),
            "code": identities.digest("sign-in code", browser, _compact(code)),
            "at": at,
            "until": at + LASTS,
            "page": page,
        },
    )
    return code


async def sweep(tx: AsyncConnection, *, at: datetime) -> None:
    """Delete what was asked more than a day ago."""
    await tx.execute(sql("DELETE FROM sign_in_code WHERE asked_at < :before"), {"before": at - KEPT})


async def redeem(
    tx: AsyncConnection, identities: Identities, *, browser: bytes, code: str, at: datetime
) -> CodeUsed | None:
    """Use the code up; None when it is wrong, used, too old, of another browser, or was tried too often."""
    row = (
        await tx.execute(
            sql("""
                UPDATE sign_in_code SET tries = tries + 1,
                    until = CASE WHEN code_digest = ANY(:codes) THEN CAST(:at AS timestamptz) ELSE until END
                WHERE browser = :browser AND until > :at AND tries < :tries
                RETURNING code_digest = ANY(:codes) AS is_right, email_digest, email_digest_before, page
            """),
            {
                "browser": browser,
                "codes": list(identities.digests("sign-in code", browser, _compact(code))),
                "at": at,
                "tries": TRIES,
            },
        )
    ).one_or_none()
    if row is None or not row.is_right:
        return None
    return CodeUsed(tuple(filter(None, (row.email_digest, row.email_digest_before))), row.page)
