"""Holds: what keeps a referral from being erased or disposed of, until a person ends it.

A hold may also restrict: the records are kept and not used, as a person may ask by article 18 of the UK GDPR. Routine
mail and the coded export leave the family out, and staff read on its page what they may still do. A danger to the child
is acted on all the same (article 18(2): the rights of another person).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import tables
from services.referral.erasing import Locked, locked
from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import ReferralRestricted
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft


async def set_hold(
    tx: AsyncConnection,
    reference: str,
    *,
    reason: str,
    review_on: date,
    actor: Actor,
    at: datetime,
    restricts: bool = False,
) -> int | None:
    """The number of the hold; None when there is no such referral."""
    if (row := await locked(tx, tables.referral.c.reference == reference)) is None:
        return None
    was_restricted = await _is_restricted(tx, row.id)
    why = {"reason": reason, "review_on": review_on, "restricts": restricts}
    values = {"referral_id": row.id, **why, "set_by": actor.id, "set_at": at}
    number = await tx.scalar(tables.hold.insert().values(values).returning(tables.hold.c.id))
    await audit.write(tx, [Entry(actor, "hold.set", at, row.id, str(number))])
    if restricts and not was_restricted:
        await _tell(tx, row, actor, at, is_restricted=True)
    return int(number or 0)


async def end_hold(tx: AsyncConnection, number: int, *, actor: Actor, at: datetime) -> bool:
    """False when no such hold is in force."""
    found = await tx.execute(
        sql("SELECT referral_id, restricts FROM hold WHERE id = :id AND ended_at IS NULL"), {"id": number}
    )
    held = found.one_or_none()
    if held is None:
        return False
    row = await locked(tx, tables.referral.c.id == held.referral_id)
    ended = await tx.execute(
        tables.hold.update()
        .where(tables.hold.c.id == number, tables.hold.c.ended_at.is_(None))
        .values(ended_by=actor.id, ended_at=at)
    )
    if not ended.rowcount:
        return False
    await audit.write(tx, [Entry(actor, "hold.ended", at, held.referral_id, str(number))])
    if row is not None and held.restricts and not await _is_restricted(tx, row.id):
        await _tell(tx, row, actor, at, is_restricted=False)
    return True


async def holds(tx: AsyncConnection) -> Sequence[sa.Row[Any]]:
    """Those in force, the next to be looked at first."""
    found = await tx.execute(
        sql("""
            SELECT h.id, r.reference, h.reason, h.review_on, h.set_by, h.restricts
            FROM hold h JOIN referral r ON r.id = h.referral_id
            WHERE h.ended_at IS NULL ORDER BY h.review_on, h.id
        """)
    )
    return found.all()


async def of_the_same_family(tx: AsyncConnection, reference: str) -> list[str]:
    """The references of the family's other referrals that are not erased."""
    found = await tx.scalars(
        sql("""
            SELECT o.reference FROM referral r JOIN referral o ON o.family_id = r.family_id AND o.id <> r.id
            WHERE r.reference = :reference AND o.wrapped_key IS NOT NULL ORDER BY o.received_at
        """),
        {"reference": reference},
    )
    return list(found)


async def _is_restricted(tx: AsyncConnection, referral_id: UUID) -> bool:
    in_force = sql("SELECT EXISTS (SELECT FROM hold WHERE referral_id = :id AND restricts AND ended_at IS NULL)")
    return bool(await tx.scalar(in_force, {"id": referral_id}))


async def _tell(tx: AsyncConnection, row: Locked, actor: Actor, at: datetime, *, is_restricted: bool) -> None:
    event = ReferralRestricted(
        reference=row.reference, agency_id=row.agency_id, about=row.kind, is_restricted=is_restricted
    )
    await outbox.append(tx, [Draft(row.id, event, at, Cause(uuid7()))])
    what = "referral.restricted" if is_restricted else "referral.unrestricted"
    await audit.write(tx, [Entry(actor, what, at, row.id)])
