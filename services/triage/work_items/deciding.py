"""A person decides: declines, decides otherwise than the rules, takes or leaves their proposal, opens work again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import arrivals, decision_store, decisions
from services.triage.work_items import bodies, places, store
from services.triage.work_items.conditions import CHALLENGED, UNDELIVERABLE, is_safety, outlives
from services.triage.work_items.deadlines import MARKS, ItemState, call_again, first_escalation
from services.triage.work_items.working import NEEDS_WORDS, Done, StaffActor, StepContext, refuse, write
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
    PlaceKind,
    Reason,
    Route,
    Tier,
    Urgency,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemOpened,
)
from shared.ids import uuid7
from shared.outbox import Cause
from shared.policy import Policy
from shared.problems import Problem

KEPT_RULES: Final = (frozenset(MARKS) | {hold.value for hold in Hold}) - {"M8"}
"""Rules that a person's decision keeps: marks and contact holds. M8 is about routes, so it is looked at again."""
NOT_BY_A_PERSON: Final = frozenset({ClosureReason.WITHDRAWN, ClosureReason.DECIDED_AGAIN, None})
"""Ends that followed from something else (None: an erasure): there is no mistake to undo."""


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


def may_be_reopened(row: Any) -> bool:
    """Ended by a person, and of a route that has no other open item in the way (the step looks)."""
    return row.ended_at is not None and row.end_reason not in NOT_BY_A_PERSON


async def reopen(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.Reopen, by: StaffActor, context: StepContext
) -> Done:
    """Closed or declined by mistake: a new item goes on where this one stood, accepted if it was.

    Raises Problem 409 when it ended by itself, the referral was withdrawn or erased, or its work is open again already.
    """
    if not may_be_reopened(row):
        raise Problem("step-not-allowed", "This ended by itself", extra={"state": row.state})
    item = await open_again(tx, row, mark=None, at=by.at, cause=by.cause, policy=context.policy)
    await write(tx, row, "reopen", body.note, by, context)
    return Done(says=None, item=item)


async def challenge(tx: AsyncConnection, referral_id: UUID, *, at: datetime, cause: Cause, policy: Policy) -> None:
    """The last decline is challenged: its work is open again, marked; nothing when it is open already."""
    await store.lock(tx, referral_id)
    found = await tx.execute(_LAST_DECLINED, {"id": referral_id})
    row = found.one_or_none()
    if row is not None and not await _is_open_already(tx, row):
        await open_again(tx, row, mark=CHALLENGED, at=at, cause=cause, policy=policy)


_LAST_DECLINED: Final = sql("""
    SELECT * FROM work_item WHERE referral_id = :id AND state = 'declined' ORDER BY ended_at DESC, id DESC LIMIT 1
""")


async def _is_open_already(tx: AsyncConnection, row: sa.Row[Any]) -> bool:
    """Whether its work goes on in another item. To ring an agency is other work, though it is on the same route."""
    return any(
        each.route == row.route and UNDELIVERABLE not in (*each.marks, *row.marks)
        for each in await store.open_work(tx, row.referral_id)
    )


async def open_again(
    tx: AsyncConnection, row: sa.Row[Any], *, mark: str | None, at: datetime, cause: Cause, policy: Policy
) -> UUID:
    """A new item in place of an ended one, with its deadline, holder and place; announced. Raises Problem 409."""
    referral = await store.lock(tx, row.referral_id)
    if referral.withdrawn_at or referral.erased_at:
        raise Problem("conflict", "The referral was withdrawn or erased", extra={"state": row.state})
    if await _is_open_already(tx, row):
        raise Problem("conflict", "This work is open already", extra={"state": row.state})
    if row.place is not None:
        await places.check_free(tx, row, PlaceKind(row.place))
    item, is_accepted = uuid7(), row.accepted_at is not None
    state = (
        ItemState.ACCEPTED if is_accepted else ItemState.CLAIMED if row.assignee and mark is None else ItemState.OPEN
    )
    escalate_at = None
    if not is_accepted:
        unopened_until = first_escalation(Urgency(row.urgency), since=at, times=policy.working_time)
        escalate_at = unopened_until if state is ItemState.OPEN else call_again(row, now=at)
    await tx.execute(
        sql("""
            INSERT INTO work_item (id, referral_id, decision_id, reference, agency_id, about, route, tier, urgency,
                marks, state, assignee, received_at, counts_from, base_due_at, due_at, opened_first_at, escalate_at,
                place, interim_offer, accepted_at, first_contact_at, first_contact_on, reopens)
            SELECT :item, referral_id, decision_id, reference, agency_id, about, route, tier, urgency,
                marks || CAST(:marks AS jsonb), CAST(:state AS text),
                CASE WHEN :state <> 'open' THEN assignee END, received_at, counts_from, base_due_at, due_at,
                CASE WHEN :state <> 'open' THEN opened_first_at END,
                CAST(:escalate AS timestamptz),
                place, interim_offer, accepted_at, first_contact_at, first_contact_on, id
            FROM work_item WHERE id = :id
        """),
        {
            "item": item,
            "id": row.id,
            "marks": f'["{mark}"]' if mark else "[]",
            "state": state.value,
            "escalate": escalate_at,
        },
    )
    new = (await tx.execute(sql("SELECT * FROM work_item WHERE id = :id"), {"id": item})).one()
    opened = {"tier": row.tier, "urgency": row.urgency, "due_at": row.due_at, "reopens": True}
    said = [store.about(new, WorkItemOpened, at, cause, **opened)]
    if is_accepted:
        said.append(store.about(new, WorkItemAccepted, at, cause, place=row.place))
    elif state is ItemState.CLAIMED:
        said.append(store.about(new, WorkItemClaimed, at, cause))
    await outbox.append(tx, said)
    await store.reckon(tx, row.referral_id, policy.working_time)
    return item
