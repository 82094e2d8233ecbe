"""Forgetting a family: the key of a referral's identity is destroyed, and everybody is told to drop what they hold."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import tables, views
from services.referral.families import relating
from services.referral.families.relating import Since
from shared import audit, outbox
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import ReferralErased
from shared.ids import uuid7
from shared.outbox import Cause, Draft


async def erase(tx: AsyncConnection, reference: str, *, actor: Actor, at: datetime) -> bool:
    """Erase one referral or enquiry; False when there is none of that reference, or it is erased already.

    What stays is a row that says that there was a referral, when, and from whom; its earlier events go too.
    """
    found = await tx.execute(
        sa.select(tables.referral.c.id, tables.referral.c.agency_id)
        .where(tables.referral.c.reference == reference, tables.referral.c.wrapped_key.is_not(None))
        .with_for_update()
    )
    if (row := found.one_or_none()) is None:
        return False
    await tx.execute(
        tables.referral.update()
        .where(tables.referral.c.id == row.id)
        .values(
            wrapped_key=None,
            identity=None,
            external_digest=None,
            facts={},
            gaps=[],
            decision=None,
            profile={},
            changed_in=views.CURRENT_TRANSACTION,
        )
    )
    await tx.execute(tables.family_token.delete().where(tables.family_token.c.referral_id == row.id))
    await relating.forget(tx, row.id, Since(at, Cause(uuid7())))
    event = ReferralErased(reference=reference, agency_id=row.agency_id)
    await outbox.append(tx, [Draft(row.id, event, at, Cause(uuid7()))])
    await tx.execute(sql("DELETE FROM event WHERE key = :id AND type <> :kept"), {"id": row.id, "kept": event.type})
    await audit.write(tx, [Entry(actor, "referral.erased", at, row.id)])
    return True
