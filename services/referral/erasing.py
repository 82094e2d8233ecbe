"""Forgetting a family: the key of a referral's identity is destroyed, and everybody is told to drop what they hold.

deploy/erasure.toml says of every column of every table what becomes of it, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import tables, views
from services.referral.families import relating
from services.referral.families.relating import Since
from services.referral.status import RouteState
from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import SAFETY_ROUTES, ReferralErased
from shared.ids import uuid7
from shared.messaging import erasure, outbox
from shared.messaging.outbox import Cause, Draft

_ENDED: Final = (RouteState.CLOSED, RouteState.DECLINED, RouteState.REPLACED)


class NotErasedError(Exception):
    """It may not be erased now; the message says why, and what to do."""


async def erase(
    tx: AsyncConnection, reference: str, *, actor: Actor, at: datetime, needs_second: bool = False
) -> UUID | None:
    """Erase one referral or enquiry; None when there is none of that reference, or it is erased already.

    What stays is a row that says that there was a referral, when, and from whom, and the audit trail. Raises
    NotErasedError under a hold, while somebody works on a danger to the child, and, with `needs_second`, until another
    person confirms.
    """
    found = await tx.execute(
        sa.select(tables.referral.c.id, tables.referral.c.agency_id)
        .where(tables.referral.c.reference == reference, tables.referral.c.wrapped_key.is_not(None))
        .with_for_update()
    )
    if (row := found.one_or_none()) is None:
        return None
    await _refuse_under_a_hold(tx, row.id)
    await _refuse_in_danger(tx, row.id)
    if needs_second:
        await _confirm(tx, row.id, actor, at)
    await forget(tx, row.id, reference, row.agency_id, actor=actor, at=at)
    return UUID(str(row.id))


async def forget(
    tx: AsyncConnection, referral_id: UUID, reference: str, agency_id: UUID, *, actor: Actor, at: datetime
) -> None:
    """Whatever speaks against it: an erasure that was carried out before is carried out again after a restore."""
    await relating.forget(tx, referral_id, Since(at, Cause(uuid7())))
    for statement in _FORGET:
        await tx.execute(sql(statement), {"id": referral_id} | ({"ref": reference} if ":ref" in statement else {}))
    await tx.execute(
        tables.referral.update()
        .where(tables.referral.c.id == referral_id)
        .values(_EMPTY | {"receipt": {"reference": reference}, "family_id": referral_id})
    )
    event = ReferralErased(reference=reference, agency_id=agency_id)
    await outbox.append(tx, [Draft(referral_id, event, at, Cause(uuid7()))])
    await tx.execute(
        sql("DELETE FROM event WHERE key = :id AND type <> :kept"), {"id": referral_id, "kept": event.type}
    )
    await erasure.forget(tx, referral_id, reference, at=at)
    await audit.write(tx, [Entry(actor, "referral.erased", at, referral_id)])


_FORGET: Final = (
    "DELETE FROM family_token WHERE referral_id = :id",
    "DELETE FROM history WHERE referral_id = :id",
    "DELETE FROM route_state WHERE referral_id = :id",
    "DELETE FROM erasure_request WHERE referral_id = :id",
    "UPDATE hold SET reason = '' WHERE referral_id = :id",
    # The key stays used, so that the same request sent again is not a new referral.
    """UPDATE request SET answer = jsonb_build_object('reference', CAST(:ref AS text))
    WHERE location = '/referrals/' || :ref""",
)
_EMPTY: Final[dict[str, Any]] = {
    "wrapped_key": None,
    "identity": None,
    "external_digest": None,
    "external_sealed": None,
    "body_digest": b"",
    "profile": {},
    "facts": {},
    "gaps": [],
    "changed_in": views.CURRENT_TRANSACTION,
    **dict.fromkeys(("decision", "decided_by", "decided_version", "decided_at", "declined_at", "challenged_at")),
    **dict.fromkeys(("withdrawn_at", "withdrawal_reason", "ended_at")),
}


async def _refuse_under_a_hold(tx: AsyncConnection, referral_id: UUID) -> None:
    held = await tx.execute(
        sa.select(tables.hold.c.id, tables.hold.c.review_on).where(
            tables.hold.c.referral_id == referral_id, tables.hold.c.ended_at.is_(None)
        )
    )
    if row := held.first():
        raise NotErasedError(f"hold {row.id} keeps it, to be looked at again on {row.review_on}: `hold end {row.id}`")


async def _refuse_in_danger(tx: AsyncConnection, referral_id: UUID) -> None:
    """Work on a danger to the child that has not ended would end unread."""
    routes = await tx.scalars(
        sa.select(tables.route_state.c.route).where(
            tables.route_state.c.referral_id == referral_id,
            tables.route_state.c.route.in_(sorted(SAFETY_ROUTES)),
            tables.route_state.c.state.not_in(_ENDED),
        )
    )
    if open_work := sorted(set(routes)):
        raise NotErasedError(f"somebody still has to look at {', '.join(open_work)}: end that work first")


async def _confirm(tx: AsyncConnection, referral_id: UUID, actor: Actor, at: datetime) -> None:
    """The first who asks is written down, and another one confirms."""
    first = await tx.scalar(
        sa.select(tables.erasure_request.c.asked_by).where(tables.erasure_request.c.referral_id == referral_id)
    )
    if first is None:
        await tx.execute(
            tables.erasure_request.insert().values(referral_id=referral_id, asked_by=actor.id, asked_at=at)
        )
    if first in (None, actor.id):
        raise AskedFor(f"{actor.id} has asked for it: another person confirms it by the same command")


class AskedFor(NotErasedError):  # noqa: N818  nothing went wrong
    """The request is kept; it takes a second person."""


async def set_hold(
    tx: AsyncConnection, reference: str, *, reason: str, review_on: Any, actor: Actor, at: datetime
) -> int | None:
    """The number of the hold; None when there is no such referral."""
    referral_id = await tx.scalar(
        sa.select(tables.referral.c.id).where(
            tables.referral.c.reference == reference, tables.referral.c.wrapped_key.is_not(None)
        )
    )
    if referral_id is None:
        return None
    values = {"referral_id": referral_id, "reason": reason, "review_on": review_on, "set_by": actor.id, "set_at": at}
    number = await tx.scalar(tables.hold.insert().values(values).returning(tables.hold.c.id))
    await audit.write(tx, [Entry(actor, "hold.set", at, referral_id, str(number))])
    return int(number or 0)


async def end_hold(tx: AsyncConnection, number: int, *, actor: Actor, at: datetime) -> bool:
    """False when no such hold is in force."""
    ended = await tx.execute(
        tables.hold.update()
        .where(tables.hold.c.id == number, tables.hold.c.ended_at.is_(None))
        .values(ended_by=actor.id, ended_at=at)
        .returning(tables.hold.c.referral_id)
    )
    row = ended.one_or_none()
    if row is not None:
        await audit.write(tx, [Entry(actor, "hold.ended", at, row.referral_id, str(number))])
    return row is not None


async def holds(tx: AsyncConnection) -> Sequence[sa.Row[Any]]:
    """Those in force, the next to be looked at first."""
    found = await tx.execute(
        sql("""
            SELECT h.id, r.reference, h.reason, h.review_on, h.set_by
            FROM hold h JOIN referral r ON r.id = h.referral_id
            WHERE h.ended_at IS NULL ORDER BY h.review_on, h.id
        """)
    )
    return found.all()
