"""A person decides: declines, or decides otherwise than the machine."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import bodies, rows, standing
from services.triage.capacity import full_routes
from services.triage.handlers import replace_items, store_decisions
from services.triage.planning import MARKS, counted_from, full_routes_of
from services.triage.rules import decide
from services.triage.steps.step import By, Desk, change, say, write
from shared import outbox
from shared.audit import Actor
from shared.database import sql
from shared.events import (
    ClosureReason,
    DecidedBy,
    Decision,
    Eligibility,
    Facts,
    Hold,
    Mode,
    Reason,
    Route,
    Tier,
    Urgency,
    WorkItemClosed,
    WorkItemDeclined,
)
from shared.ids import uuid7
from shared.outbox import Draft

KEPT_RULES: Final = (frozenset(MARKS) | {hold.value for hold in Hold}) - {"M8"}
"""Rules that a person's decision keeps: marks and contact holds. M8 is about routes, so it is looked at again."""


async def decline(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Decline, by: By, desk: Desk) -> None:
    """A person confirms; every other open item of the referral ends with it, but no safety work that is unread."""
    if body.note:
        await write(tx, row, "decline", body.note, by, desk)
    await change(tx, row, state="declined", ended_at=by.at, end_reason=body.reason.value, escalate_at=None)
    await say(tx, row, WorkItemDeclined, by, reason=body.reason)
    current = await standing.current_items(tx, row.referral_id)
    others = [item for item in current if not item.is_accepted and not item.outlives_decisions]
    await rows.end_items(tx, [item.id for item in others], reason=ClosureReason.DECIDED_AGAIN, at=by.at)
    closed = [
        Draft(
            item.referral_id,
            WorkItemClosed(
                reference=item.reference,
                agency_id=item.agency_id,
                about=item.about,
                work_item_id=item.id,
                route=item.route,
                reason=ClosureReason.DECIDED_AGAIN,
            ),
            by.at,
            by.cause,
        )
        for item in others
    ]
    await outbox.append(tx, closed)


async def override(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Override, by: By, desk: Desk) -> None:
    """A person decides otherwise; the machine's decision stays as it was, beside this one."""
    await write(tx, row, "override", body.reason, by, desk)
    await change(tx, row, opened_first_at=row.opened_first_at or by.at, escalate_at=None)
    referral = (await tx.execute(sql("SELECT * FROM referral WHERE id = :id"), {"id": row.referral_id})).one()
    facts = full_routes_of(Facts.model_validate(referral.facts), await full_routes(tx))
    as_of = counted_from(facts.infant, received_at=referral.received_at, now=by.at)
    urgency = body.urgency or await rows.current_urgency(tx, row.referral_id) or Urgency(row.urgency)
    decided = rows.Decided(
        id=uuid7(),
        referral_id=row.referral_id,
        reference=row.reference,
        agency_id=row.agency_id,
        version=referral.version,
        received_at=referral.received_at,
        facts=facts,
        decision=decision_of_a_person(
            decide(facts, received_at=as_of, policy=desk.policy),
            routes=body.routes,
            tier=body.tier,
            urgency=urgency,
            full=facts.full_routes,
        ),
        decided_by=DecidedBy.PERSON,
        actor=Actor("staff", by.staff.id),
        at=by.at,
        cause=by.cause,
    )
    await store_decisions(tx, [await replace_items(tx, decided, policy=desk.policy)], policy=desk.policy)


def decision_of_a_person(
    machine: Decision, *, routes: tuple[Route, ...], tier: Tier | None, urgency: Urgency, full: Collection[Route]
) -> Decision:
    """A person chooses routes, tier and urgency; contact holds and marks are those of the machine's decision now.

    `full`: routes without a free place; one of them that is chosen has a waiting list.
    """
    words = "A person looked at everything that was sent and decided what would help most."
    kept = tuple(rule for rule in machine.rules if rule in KEPT_RULES)
    waiting = ("M8",) if set(routes) & set(full) else ()
    waits = "A team is full right now. The family keeps its place in line."
    return Decision(
        eligibility=Eligibility.ELIGIBLE,
        mode=Mode.AUTO_ROUTE,
        tier=tier,
        routes=routes,
        urgency=urgency,
        rules=("person", *kept, *waiting),
        reasons=(
            Reason(rule="person", text=words),
            *(reason for reason in machine.reasons if reason.rule in kept),
            *(Reason(rule=rule, text=waits) for rule in waiting),
        ),
        holds=machine.holds,
        policy=machine.policy,
    )
