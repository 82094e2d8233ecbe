"""A message that could not be delivered becomes a work item, so that somebody rings the agency."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import rows
from shared.database import sql
from shared.events import Envelope, MessageUndeliverable, Route, Urgency, WorkItemOpened
from shared.ids import uuid7
from shared.policy import Policy
from shared.working_time import due_at


async def open_item(
    tx: AsyncConnection, event: Envelope[MessageUndeliverable], *, policy: Policy
) -> WorkItemOpened | None:
    """One open item per referral for whatever could not be delivered; None when there is one already.

    Built from the event alone: topics have no order among them, so triage may not have heard of the referral yet.
    """
    at, message = event.heard_at, event.data
    await rows.lock_if_known(tx, event.key)
    opened = WorkItemOpened(
        reference=message.reference,
        agency_id=message.agency_id,
        about=message.about,
        work_item_id=uuid7(),
        route=Route.REVIEW,
        tier=None,
        urgency=Urgency.URGENT,
        due_at=due_at(at, days=policy.working_time.seen_days, hours=policy.working_time),
    )
    created = await tx.execute(
        sql("""
            INSERT INTO work_item (id, referral_id, decision_id, reference, agency_id, about, route, urgency, marks,
                                   state, received_at, due_at, escalate_at)
            SELECT :item, :id, :decision, :reference, :agency, :about, 'review', 'urgent', '["undeliverable"]',
                   'open', :at, :due, :due
            WHERE NOT EXISTS (SELECT 1 FROM work_item WHERE referral_id = :id AND ended_at IS NULL
                              AND marks ? 'undeliverable')
        """),
        {
            "item": opened.work_item_id,
            "id": event.key,
            "decision": await _latest_decision(tx, event.key) or message.message_id,
            "reference": message.reference,
            "agency": message.agency_id,
            "about": message.about.value,
            "at": at,
            "due": opened.due_at,
        },
    )
    return opened if created.rowcount else None


async def _latest_decision(tx: AsyncConnection, referral_id: UUID) -> UUID | None:
    """None before the first; the item then names the message in its stead, for it came of no decision."""
    found: UUID | None = await tx.scalar(
        sql("SELECT id FROM decision WHERE referral_id = :id ORDER BY decided_at DESC, id DESC LIMIT 1"),
        {"id": referral_id},
    )
    return found
