"""Open work items when another decision comes: what is known of each, and what the decision changes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.planning import FOR_A_PERSON_TO_CLOSE, UNDELIVERABLE, ItemState
from services.triage.rows import Decided
from shared.database import sql
from shared.events import DecidedBy, Kind, Route, Urgency


@dataclass(frozen=True, slots=True)
class Item:
    """An open work item, as far as events about it and another decision need."""

    id: UUID
    referral_id: UUID
    reference: str
    agency_id: UUID
    about: Kind
    route: Route
    urgency: Urgency
    marks: tuple[str, ...]
    state: str
    assignee: str | None
    due_at: datetime
    escalate_at: datetime | None
    opened_first_at: datetime | None
    is_accepted: bool
    is_persons: bool
    """Made by a person's decision: the machine neither closes it nor takes it over."""

    @property
    def is_undeliverable(self) -> bool:
        """Asks to ring an agency; no route of a decision, though it is in the queue of one."""
        return UNDELIVERABLE in self.marks

    @property
    def outlives_decisions(self) -> bool:
        """Unread safety work and agencies to ring: a person closes them."""
        is_unread = self.opened_first_at is None and not self.is_accepted
        return self.is_undeliverable or (is_unread and self.route in FOR_A_PERSON_TO_CLOSE)


async def current_items(tx: AsyncConnection, referral_id: UUID) -> list[Item]:
    """The open items of a referral, locked."""
    rows = await tx.execute(
        sql("""
            SELECT w.*, d.decided_by FROM work_item w LEFT JOIN decision d ON d.id = w.decision_id
            WHERE w.referral_id = :id AND w.ended_at IS NULL ORDER BY w.id FOR UPDATE OF w
        """),
        {"id": referral_id},
    )
    return [
        Item(
            id=row.id,
            referral_id=row.referral_id,
            reference=row.reference,
            agency_id=row.agency_id,
            about=Kind(row.about),
            route=Route(row.route),
            urgency=Urgency(row.urgency),
            marks=tuple(row.marks),
            state=row.state,
            assignee=row.assignee,
            due_at=row.due_at,
            escalate_at=row.escalate_at,
            opened_first_at=row.opened_first_at,
            is_accepted=row.accepted_at is not None,
            is_persons=row.decided_by == DecidedBy.PERSON,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What another decision changes of an open item; `is_raised` when it is more urgent than before."""

    item: Item
    urgency: Urgency
    due_at: datetime
    escalate_at: datetime | None
    marks: list[str]
    is_raised: bool

    @property
    def is_resumed(self) -> bool:
        """More urgent work does not wait for the referrer; a request for information still does."""
        is_waiting = self.item.state == ItemState.WAITING_FOR_REFERRER
        return self.is_raised and is_waiting and self.item.route is not Route.INFO_REQUEST

    @property
    def state(self) -> str:
        if not self.is_resumed:
            return self.item.state
        return "claimed" if self.item.assignee else "open"


async def refresh_items(tx: AsyncConnection, decided: Decided, items: Sequence[Refreshed]) -> None:
    """Bring open items up to date; raised ones count as unopened. A person's item stays a person's."""
    for each in items:
        keeps_decision = each.item.is_persons and decided.decided_by is DecidedBy.MACHINE
        await tx.execute(
            sql("""
                UPDATE work_item SET urgency = :urgency, due_at = :due, escalate_at = :escalate, tier = :tier,
                    marks = CAST(:marks AS jsonb), state = :state,
                    decision_id = CASE WHEN :keeps THEN decision_id ELSE CAST(:decision AS uuid) END,
                    waiting_since = CASE WHEN :resumed THEN NULL ELSE waiting_since END,
                    opened_first_at = CASE WHEN :raised THEN NULL ELSE opened_first_at END,
                    escalations = CASE WHEN :raised THEN 0 ELSE escalations END
                WHERE id = :id
            """),
            {
                "id": each.item.id,
                "urgency": each.urgency.value,
                "due": each.due_at,
                "escalate": each.escalate_at,
                "tier": decided.decision.tier,
                "marks": json.dumps(each.marks),
                "state": each.state,
                "decision": decided.id,
                "keeps": keeps_decision,
                "resumed": each.is_resumed,
                "raised": each.is_raised,
            },
        )
