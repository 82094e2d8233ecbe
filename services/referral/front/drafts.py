"""Drafts: a document in the making, sealed under a key of its own, written page by page.

    begun → page after page → sent: what it said is taken out
    not sent: gone 14 days after it was last written

The id of a draft is the Idempotency-Key of its sending, so that it is sent once however often that is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral.identity import Identities, Sealed
from shared.database import sql
from shared.ids import uuid7
from shared.strict_json import canonical

LASTS: Final = timedelta(days=14)
SENT_KEPT: Final = timedelta(days=30)
"""As long as the answer to its key: the page that says it was sent can be loaded again."""


@dataclass(frozen=True, slots=True)
class Draft:
    """`document` is a referral's JSON as far as it is known; `sent_as` is the reference, once it was sent."""

    id: UUID
    agency_id: UUID
    document: dict[str, Any]
    begun_at: datetime
    changed_at: datetime
    until: datetime
    sent_as: str | None

    @property
    def key(self) -> str:
        """The Idempotency-Key of its sending."""
        return f"draft:{self.id}"


_COLUMNS: Final = "id, agency_id, wrapped_key, sealed, begun_at, changed_at, until, sent_as"


async def begin(
    tx: AsyncConnection,
    identities: Identities,
    *,
    agency_id: UUID,
    member_id: UUID,
    document: Mapping[str, Any],
    at: datetime,
) -> UUID:
    """A new draft of a member."""
    draft_id = uuid7()
    sealed = identities.seal(draft_id, canonical(document))
    await tx.execute(
        sql("""
            INSERT INTO draft (id, agency_id, member_id, wrapped_key, sealed, begun_at, changed_at, until)
            VALUES (:id, :agency, :member, :key, :sealed, :at, :at, :until)
        """),
        {
            "id": draft_id,
            "agency": agency_id,
            "member": member_id,
            "key": sealed.wrapped_key,
            "sealed": sealed.identity,
            "at": at,
            "until": at + LASTS,
        },
    )
    return draft_id


async def one(
    tx: AsyncConnection, identities: Identities, draft_id: UUID, *, member_id: UUID, at: datetime, locked: bool = False
) -> Draft | None:
    """The member's own draft; None for any other, and for one that is gone."""
    found = await tx.execute(
        sql(f"SELECT {_COLUMNS} FROM draft WHERE id = :id AND member_id = :member AND until > :at"  # noqa: S608  constants
            f"{' FOR UPDATE' if locked else ''}"),
        {"id": draft_id, "member": member_id, "at": at},
    )  # fmt: skip
    row = found.one_or_none()
    return _draft(row, identities) if row else None


async def of_member(tx: AsyncConnection, identities: Identities, member_id: UUID, *, at: datetime) -> Sequence[Draft]:
    """What the member has begun and not sent, the latest first."""
    found = await tx.execute(
        sql(f"SELECT {_COLUMNS} FROM draft WHERE member_id = :member AND until > :at AND sent_as IS NULL "  # noqa: S608  constants
            "ORDER BY changed_at DESC, id"),
        {"member": member_id, "at": at},
    )  # fmt: skip
    return [_draft(row, identities) for row in found]


def _draft(row: Any, identities: Identities) -> Draft:
    is_open = row.wrapped_key is not None
    document = identities.unseal(row.id, Sealed(row.wrapped_key, row.sealed))["document"] if is_open else {}
    return Draft(
        row.id, row.agency_id, document, row.begun_at, row.changed_at, row.until, row.sent_as
    )  # fmt: skip


async def write(
    tx: AsyncConnection, identities: Identities, draft: Draft, document: Mapping[str, Any], *, at: datetime
) -> None:
    """The whole of it anew; the row is locked by `one`, and kept 14 days from now."""
    sealed = identities.seal(draft.id, canonical(document))
    await tx.execute(
        sql("""
            UPDATE draft SET wrapped_key = :key, sealed = :sealed, changed_at = :at, until = :until
            WHERE id = :id AND sent_as IS NULL
        """),
        {"id": draft.id, "key": sealed.wrapped_key, "sealed": sealed.identity, "at": at, "until": at + LASTS},
    )


async def mark_sent(tx: AsyncConnection, draft: Draft, reference: str, *, at: datetime) -> bool:
    """What it said stands in the referral now, and here no more. False when it says something else meanwhile."""
    marked = await tx.execute(
        sql("""
            UPDATE draft SET sent_as = :reference, wrapped_key = NULL, sealed = NULL, until = :until
            WHERE id = :id AND changed_at = :seen
        """),
        {"id": draft.id, "reference": reference, "until": at + SENT_KEPT, "seen": draft.changed_at},
    )
    return bool(marked.rowcount)


async def drop(tx: AsyncConnection, draft_id: UUID, *, member_id: UUID) -> None:
    """The member does not want it any more."""
    await tx.execute(
        sql("DELETE FROM draft WHERE id = :id AND member_id = :member AND sent_as IS NULL"),
        {"id": draft_id, "member": member_id},
    )


async def sweep(tx: AsyncConnection, *, at: datetime) -> int:
    """Delete those whose time is over; returns how many."""
    return (await tx.execute(sql("DELETE FROM draft WHERE until <= :at"), {"at": at})).rowcount
