"""The audit trail: who did or saw what, and why; written in the transaction of the change itself, never changed.

A row can't be built without an actor. Rows hold ids and codes; the database refuses UPDATE and DELETE (migrations).
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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


def operator() -> Actor:
    """Whoever runs a command."""
    return Actor("operator", getpass.getuser())


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
