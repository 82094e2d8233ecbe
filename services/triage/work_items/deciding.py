"""A person decides: declines, decides otherwise than the rules, takes or leaves their proposal, opens work again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import arrivals, decision_store, decisions
from services.triage.work_items import bodies, duplicates, reopening, store
from services.triage.work_items.conditions import CHALLENGED, is_safety, outlives
from services.triage.work_items.deadlines import MARKS, ItemState
from services.triage.work_items.working import NEEDS_WORDS, Done, StaffActor, StepContext, refuse, write
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
    WorkItemClaimed,
)
from shared.messaging import outbox
from shared.problems import Problem

KEPT_RULES: Final = (frozenset(MARKS) | {hold.value for hold in Hold}) - {"M8"}
"""Rules that a person's decision keeps: marks and contact holds. M8 is about routes, so it is looked at again."""


async def decline(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.Decline, by: StaffActor, context: StepContext
) -> Done:
    """A lead confirms, of safety work with words. Other items end with it, but for accepted and unread safety work.

    After a challenge another lead than the first decides: raises Problem 409 for the same.
    """
    if row.reopens is not None and CHALLENGED in row.marks:
        first = await tx.scalar(sql("SELECT ended_by FROM work_item WHERE id = :id"), {"id": row.reopens})
        if first == by.staff.id:
            words = "The referrer challenged your decision: another lead decides"
            raise Problem("conflict", words, extra={"state": row.state})
    if is_safety(row) and not body.note:
        raise refuse("note", "missing", NEEDS_WORDS)
    if body.note:
        await write(tx, row, "decline", body.note, by, context)
    await arrivals.leave_proposal(tx, row.referral_id)
    others = [each for each in await store.open_work(tx, row.referral_id) if each.id != row.id and not outlives(each)]
    at, by_id = by.at, by.staff.id
    await decisions.close(tx, others, ClosureReason.DECIDED_AGAIN, at=at, by=by_id, cause=by.cause)
    return Done({"end_reason": body.reason.value}, {"reason": body.reason})


async def override(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.Override, by: StaffActor, context: StepContext
) -> Done:
    """A person decides otherwise; the rules' decision stays as it was, beside this one. Who decides takes it on."""
    await write(tx, row, "override", body.reason, by, context)
    if row.state in (ItemState.OPEN, ItemState.WAITING_FOR_REFERRER):
        holder = row.assignee or by.staff.id
        await store.change(
            tx, row, state=ItemState.CLAIMED, assignee=holder, opened_first_at=row.opened_first_at or by.at
        )
        await outbox.append(tx, [store.about(row, WorkItemClaimed, by.at, by.cause)])
    referral = await store.lock(tx, row.referral_id)
    machine = await decisions.by_the_rules(
        tx,
        referral,
        Facts.model_validate(referral.facts),
        as_of=referral.decided_as_of,
        at=by.at,
        cause=by.cause,
        policy=context.policy,
        actor=Actor("staff", by.staff.id),
    )
    in_force = await decision_store.decision_in_force(tx, row.referral_id)
    so_far = in_force.decision["urgency"] if in_force else row.urgency
    decision = decision_of_a_person(
        machine.decision,
        routes=body.routes,
        tier=body.tier,
        urgency=body.urgency or Urgency(so_far),
        full=machine.facts.full_routes,
    )
    made = replace(machine, decision=decision, decided_by=DecidedBy.PERSON)
    await decisions.put_in_force(tx, made, context.policy)
    return await _as_it_stands(tx, row)


def decision_of_a_person(
    machine: Decision, *, routes: tuple[Route, ...], tier: Tier | None, urgency: Urgency, full: Collection[Route]
) -> Decision:
    """A person chooses routes, tier and urgency; contact holds and marks are those of the rules' decision now.

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


async def take_proposal(
    tx: AsyncConnection, row: sa.Row[Any], _: bodies.Nothing, by: StaffActor, context: StepContext
) -> Done:
    """The facts have changed since a person decided: what the rules propose is in force from now on."""
    if not await arrivals.take_proposal(tx, row.referral_id, at=by.at, cause=by.cause, policy=context.policy):
        raise Problem("conflict", "The rules propose nothing new", extra={"state": row.state})
    return await _as_it_stands(tx, row)


async def leave_proposal(
    tx: AsyncConnection, row: sa.Row[Any], _: bodies.Nothing, __: StaffActor, ___: StepContext
) -> Done:
    """The person's decision stays as it is."""
    if not await arrivals.leave_proposal(tx, row.referral_id):
        raise Problem("conflict", "The rules propose nothing new", extra={"state": row.state})
    return Done(says=None)


async def _as_it_stands(tx: AsyncConnection, row: sa.Row[Any]) -> Done:
    """Nothing more to set: the decision has brought the item in line, ended it, or made it more urgent."""
    stands = (await tx.execute(sql("SELECT * FROM work_item WHERE id = :id"), {"id": row.id})).one()
    seen = {"opened_first_at": stands.opened_first_at, "escalate_at": stands.escalate_at}
    return Done(seen, None)


async def reopen(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.Reopen, by: StaffActor, context: StepContext
) -> Done:
    """Closed or declined by mistake: a new item goes on where this one stood, accepted if it was.

    Raises Problem 409 when it ended by itself, the referral was withdrawn or erased, or its work is open again already.
    """
    if not reopening.may_be_reopened(row):
        raise Problem("step-not-allowed", "This ended by itself", extra={"state": row.state})
    item = await reopening.open_again(tx, row, mark=None, at=by.at, cause=by.cause, policy=context.policy)
    await duplicates.take_back(tx, row, by)
    await write(tx, row, "reopen", body.note, by, context)
    return Done(says=None, item=item)
