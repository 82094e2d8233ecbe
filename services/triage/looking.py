"""Who looks at whom: for a reason, so many an hour, and written down here before the look itself.

The referral service writes its own side.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.triage.work_items import item
from services.triage.work_items.item import VIEWED
from shared import audit
from shared.access import Permission, Staff
from shared.audit import Actor, Entry
from shared.database import sql
from shared.problems import FieldError, Problem

SEARCHED: Final = "identity.searched"

MOST_AN_HOUR: Final = 120
"""Looks and searches of one person within an hour: twice a busy one.

A busy hour has about 20 calls, with a search and a look each, and 20 families of one's own: 60. Who goes through a
list makes 120 in a few minutes.
"""
HOUR: Final = timedelta(hours=1)


class LookReason(StrEnum):
    """Why somebody opens who a family is; `assigned` is the system's own, for the item of whoever looks."""

    TEAM_QUEUE = "team_queue"
    COVERING = "covering"
    RANG = "rang"
    SAFEGUARDING = "safeguarding"
    QUALITY_REVIEW = "quality_review"
    ASSIGNED = "assigned"


GIVEN: Final = tuple(each for each in LookReason if each is not LookReason.ASSIGNED)
"""What a person may give as their reason."""


def read_reason(code: str | None) -> LookReason | None:
    """The reason given as `why` of an address; raises Problem 422 with the codes for any other, never with it."""
    if code is None or code in GIVEN:
        return LookReason(code) if code else None
    raise Problem("invalid", errors=[FieldError("/query/why", "enum", f"One of {', '.join(GIVEN)}")])


async def look(
    engine: AsyncEngine, item_id: UUID, staff: Staff, *, at: datetime, why: LookReason | None = None
) -> LookReason | None:
    """The reason, written into the audit trail before anything is looked at; None when nobody is to be seen.

    An open item of one's own needs none. A person has opened the item now, so it no longer escalates.
    Raises Problem 404 for no such item, 429 past the limit.
    """
    if not staff.may(Permission.SEE_IDENTITY):
        return None
    async with engine.begin() as tx:
        holder = await item.holder_of(tx, item_id)
        is_own = holder.is_open and holder.assignee == staff.id
        reason = why or (LookReason.ASSIGNED if is_own else None)
        if reason:
            await write_counted(tx, Entry(Actor("staff", staff.id), VIEWED, at, holder.referral_id, reason.value))
            await item.mark_opened(tx, item_id, at=at)
    return reason


async def write_counted(tx: AsyncConnection, entry: Entry) -> None:
    """A look or a search, into the audit trail; raises Problem 429 after MOST_AN_HOUR of this person within the hour.

    Everything counts but one's own work: of it each family counts once, or the pages of one's own day would use the
    hour up. It does count, or claiming everything would be a way round the limit. A lock for each person holds until
    the transaction ends, so that requests at once are counted one after the other.
    """
    who, since = entry.actor.id, entry.at - HOUR
    await tx.execute(
        sql("SELECT pg_advisory_xact_lock(hashtextextended('looks of ' || CAST(:who AS text), 0))"), {"who": who}
    )
    row = (await tx.execute(_USED, {"who": who, "since": since, "about": entry.referral_id})).one()
    is_free = row.is_known and entry.detail == LookReason.ASSIGNED
    if row.used >= MOST_AN_HOUR and not is_free:
        seconds = max(1, int((row.first_at - since).total_seconds()))
        raise Problem("too-many-looks", headers={"Retry-After": str(seconds)})
    await audit.write(tx, [entry])


_USED: Final = sql(f"""
    SELECT count(*) FILTER (WHERE NOT is_own) + count(DISTINCT referral_id) FILTER (WHERE is_own) AS used,
        coalesce(bool_or(is_own AND referral_id = CAST(:about AS uuid)), FALSE) AS is_known, min(at) AS first_at
    FROM (
        SELECT at, referral_id, coalesce(detail = '{LookReason.ASSIGNED}', FALSE) AS is_own FROM audit
        WHERE actor_kind = 'staff' AND actor_id = :who AND at > :since AND action IN ('{VIEWED}', '{SEARCHED}')
    ) AS recent
""")  # noqa: S608  the codes are this module's own
