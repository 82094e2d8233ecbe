"""No place is free: the waiting list, and what a family is offered meanwhile."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import bodies
from services.triage.steps.step import By, Desk, change, say
from shared.database import sql
from shared.events import WaitingFor, WorkItemWaiting
from shared.policy import Policy
from shared.problems import FieldError, Problem


def offers(policy: Policy) -> tuple[str, ...]:
    """What the policy has to offer a family that waits, each once."""
    return tuple(dict.fromkeys(places.interim_offer for places in policy.capacity if places.interim_offer))


def offered_by(offer: str | None, policy: Policy) -> str:
    """The route whose places the policy makes this offer for: a code for the audit. `none` without an offer."""
    return next((places.route.value for places in policy.capacity if offer and places.interim_offer == offer), "none")


def _check(offer: str | None, policy: Policy) -> None:
    if offer is not None and offer not in offers(policy):
        known = "; ".join(offers(policy)) or "the policy has none"
        raise Problem("invalid", errors=[FieldError("/offer", "unknown-offer", f"This must be one of: {known}.")])


async def wait(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Wait, by: By, desk: Desk) -> None:
    """On the waiting list, where the whole team sees it: nobody's own, and opened. The deadline stays."""
    _check(body.offer, desk.policy)
    await change(
        tx,
        row,
        state="waiting_list",
        assignee=None,
        interim_offer=body.offer,
        opened_first_at=row.opened_first_at or by.at,
        escalate_at=None,
    )
    await tx.execute(
        sql("""
            UPDATE work_item SET marks = marks || '["waiting_list"]' WHERE id = :id AND NOT marks ? 'waiting_list'
        """),
        {"id": row.id},
    )
    await say(tx, row, WorkItemWaiting, by, waiting_for=WaitingFor.PLACE)


async def offer_interim(tx: AsyncConnection, row: sa.Row[Any], body: bodies.OfferInterim, by: By, desk: Desk) -> None:
    """The item shows the latest offer; the audit trail keeps each, by the route that the policy makes it for."""
    _check(body.offer, desk.policy)
    await change(tx, row, interim_offer=body.offer, opened_first_at=row.opened_first_at or by.at, escalate_at=None)
