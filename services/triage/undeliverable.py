"""A message that could not be delivered becomes a work item, so that somebody rings the agency."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import sql
from shared.events import Kind, Route, Urgency, WorkItemOpened
from shared.ids import uuid7
from shared.policy import Policy
from shared.working_time import due_at


async def open_item(tx: AsyncConnection, referral_id: UUID, *, at: datetime, policy: Policy) -> WorkItemOpened | None:
    """One open item per referral for whatever could not be delivered; None when there is one already."""
    known = (
        await tx.execute(
            sql(
                "SELECT r.reference, r.agency_id, r.kind, d.id AS decision_id FROM referral r LEFT JOIN decision d"
                " ON d.referral_id = r.id WHERE r.id = :id ORDER BY d.decided_at DESC LIMIT 1"
            ),
            {"id": referral_id},
        )
    ).one_or_none()
    if known is None or known.decision_id is None:
        raise LookupError("a message about a referral that triage has not decided yet")
    opened = WorkItemOpened(
        reference=known.reference,
        agency_id=known.agency_id,
        about=Kind(known.kind),
        work_item_id=uuid7(),
        route=Route.REVIEW,
        tier=None,
        urgency=Urgency.URGENT,
        due_at=due_at(at, days=policy.working_time.seen_days, cutoff=policy.working_time.cutoff),
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
            "id": referral_id,
            "decision": known.decision_id,
            "reference": known.reference,
            "agency": known.agency_id,
            "about": known.kind,
            "at": at,
            "due": opened.due_at,
        },
    )
    return opened if created.rowcount else None
