"""Who looks at whom: written down here before the look itself; the referral service writes its own side."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.triage.work_items import item
from services.triage.work_items.item import VIEWED
from shared import audit
from shared.access import Staff
from shared.audit import Actor, Entry


class LookReason(StrEnum):
    """Why somebody opens who a family is; `assigned` is the page's own, for the item of whoever looks."""

    TEAM_QUEUE = "team_queue"
    COVERING = "covering"
    RANG = "rang"
    SAFEGUARDING = "safeguarding"
    QUALITY_REVIEW = "quality_review"
    ASSIGNED = "assigned"


async def record_look(
    engine: AsyncEngine, item_id: UUID, referral_id: UUID, staff: Staff, *, at: datetime, why: LookReason | None = None
) -> None:
    """Before the look itself. A person has opened the item now, so it no longer escalates."""
    async with engine.begin() as tx:
        await item.mark_opened(tx, item_id, at=at)
        await audit.write(tx, [Entry(Actor("staff", staff.id), VIEWED, at, referral_id, why and why.value)])
