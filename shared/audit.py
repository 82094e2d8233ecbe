"""The audit trail: who did or saw what, and why; written in the transaction of the change itself, never changed.

A row can't be built without an actor. Rows hold ids and codes; the database refuses UPDATE and DELETE (migrations).
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import sql


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a staff id, an agency's slug, or a part of the system itself."""

    kind: str
    id: str


MACHINE: Final = Actor("system", "rules")


_AS: Final = " as "
_LOGIN: Final = Path("/proc/self/loginuid")
_NO_LOGIN: Final = 2**32 - 1


def operator() -> Actor:
    """Whoever runs a command: as the kernel knows them, not as the environment says.

    That is the user who logged in, whoever they have become since (sudo). Where nobody logged in, as in a container,
    all are the user that the process runs as; there PIR_OPERATOR adds who they say they are: `pir as anna`.
    """
    if (login := _login()) is not None:
        return Actor("operator", _user_name(login))
    user, claimed = _user_name(os.getuid()), os.environ.get("PIR_OPERATOR", "").strip()
    return Actor("operator", f"{user}{_AS}{claimed}" if claimed else user)


def is_another_person(one: str, other: str) -> bool:
    """Of two operators' ids. Where both share a user they are believed who they say they are, if both say so."""
    (user, _, claimed), (other_user, _, other_claimed) = one.partition(_AS), other.partition(_AS)
    return user != other_user or bool(claimed and other_claimed and claimed != other_claimed)


def _login() -> int | None:
    """The uid of a login, which the kernel keeps for all that comes of it; None for a process that comes of none."""
    try:
        login = int(_LOGIN.read_text())
    except (OSError, ValueError):
        return None
    return None if login == _NO_LOGIN else login


def _user_name(uid: int) -> str:
    """The number, where the machine has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@dataclass(frozen=True, slots=True)
class Entry:
    """`action` is a code (`referral.received`, `identity.viewed`), `detail` a code or number, never free text."""

    actor: Actor
    action: str
    at: datetime
    referral_id: UUID | None = None
    detail: str | None = None


_WRITE: Final = sql("""
    INSERT INTO audit (at, actor_kind, actor_id, action, referral_id, detail)
    SELECT * FROM unnest(CAST(:at AS timestamptz[]), CAST(:kind AS text[]), CAST(:actor AS text[]),
                         CAST(:action AS text[]), CAST(:referral AS uuid[]), CAST(:detail AS text[]))
""")


async def write(tx: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Append the entries in the caller's transaction."""
    if entries:
        await tx.execute(
            _WRITE,
            {
                "at": [entry.at for entry in entries],
                "kind": [entry.actor.kind for entry in entries],
                "actor": [entry.actor.id for entry in entries],
                "action": [entry.action for entry in entries],
                "referral": [entry.referral_id for entry in entries],
                "detail": [entry.detail for entry in entries],
            },
        )
