"""A person decides: declines, decides otherwise than the rules, takes or leaves their proposal, opens work again.

Two agencies may have referred one family: a person says whether they did, and only then do the agencies hear of it.
`the same family`: this question is answered, here and at the other referral, and work goes on with one of the two.
`not the same`: the rules decide both anew, each as if the other were not there. Opening the item again takes it back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import decisions
from services.triage.decisions import Decided
from services.triage.work_items import bodies, reopening, store
from services.triage.work_items.conditions import OTHER_WITHDRAWN, is_safety, stays_open
from services.triage.work_items.deadlines import MARKS, ItemState
from services.triage.work_items.working import NEEDS_WORDS, Done, StepRequest, refuse
from shared import events
from shared.audit import MACHINE, Actor
from shared.database import sql
from shared.events import (
    ClosureReason,
    DecidedBy,
    Decision,
    Eligibility,
    Facts,
    Hold,
    Link,
    Mode,
    Reason,
    Route,
    Tier,
    Urgency,
)
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft
from shared.policy import Policy
from shared.problems import Problem

KEPT_RULES: Final = (frozenset(MARKS) | {hold.value for hold in Hold}) - {"M8"}
"""Rules that a person's decision keeps: marks and contact holds. M8 is about routes, so it is looked at again."""


async def decline(it: StepRequest[bodies.Decline]) -> Done:
    """A lead confirms, of safety work with words. Other items end with it, but for accepted ones and safety work."""
    row, by = it.row, it.by
    if is_safety(row) and not it.body.note:
        raise refuse("note", "missing", NEEDS_WORDS)
    await it.write("decline", it.body.note)
    await store.propose(it.tx, row.referral_id, None)
    work = await store.open_work(it.tx, row.referral_id)
    others = [each for each in work if each.id != row.id and not stays_open(each, decided_on=row.id)]
    await decisions.close(it.tx, others, ClosureReason.DECIDED_AGAIN, at=by.at, by=by.staff.id, cause=by.cause)
    return Done({"end_reason": it.body.reason.value}, {"reason": it.body.reason})


async def override(it: StepRequest[bodies.Override]) -> Done:
    """A person decides otherwise; the rules' decision stays as it was, beside this one.

    Who decides knows the family: they take this item on, and have the new work.
    """
    tx, row, by, asked = it.tx, it.row, it.by, it.body
    await it.write("override", asked.reason)
    if row.state in (ItemState.OPEN, ItemState.WAITING_FOR_REFERRER):
        holder, opened_at = row.assignee or by.staff.id, row.opened_first_at or by.at
        await store.change(tx, row, state=ItemState.CLAIMED, assignee=holder, opened_first_at=opened_at)
        await outbox.append(tx, [store.about(row, events.WorkItemClaimed, by.at, by.cause)])
    referral = await store.lock(tx, row.referral_id)
    facts = Facts.model_validate(referral.facts)
    machine = await _by_the_rules(it, referral, facts, Actor("staff", by.staff.id))
    in_force = await decisions.decision_in_force(tx, row.referral_id)
    urgency = asked.urgency or Urgency(in_force.decision["urgency"] if in_force else row.urgency)
    full = machine.facts.full_routes
    decision = decision_of_a_person(machine.decision, routes=asked.routes, tier=asked.tier, urgency=urgency, full=full)
    made = replace(machine, decision=decision, decided_by=DecidedBy.PERSON, holder=by.staff.id)
    await decisions.put_in_force(tx, made, it.context.policy, decided_on=row.id)
    return await _as_it_stands(it)


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


async def take_proposal(it: StepRequest[bodies.Nothing]) -> Done:
    """The facts have changed since a person decided: what the rules proposed is in force from now on."""
    tx, referral = it.tx, await store.lock(it.tx, it.row.referral_id)
    found = await tx.execute(sql("DELETE FROM decision WHERE id = :id RETURNING *"), {"id": referral.proposal_id})
    proposed = found.one_or_none()
    if proposed is None:
        raise it.conflict("The rules propose nothing new")
    made = await _by_the_rules(it, referral, Facts.model_validate(proposed.facts), MACHINE)
    kept = Decision.model_validate(proposed.decision)
    made = replace(made, id=proposed.id, version=proposed.version, decision=kept)
    await decisions.put_in_force(tx, made, it.context.policy)
    return await _as_it_stands(it)


async def _by_the_rules(it: StepRequest[Any], referral: Any, facts: Facts, actor: Actor) -> Decided:
    how = {"at": it.by.at, "cause": it.by.cause, "policy": it.context.policy, "actor": actor}
    return await decisions.by_the_rules(it.tx, referral, facts, as_of=referral.decided_as_of, **how)


async def leave_proposal(it: StepRequest[bodies.Nothing]) -> Done:
    """The person's decision stays as it is."""
    referral = await store.lock(it.tx, it.row.referral_id)
    if referral.proposal_id is None:
        raise it.conflict("The rules propose nothing new")
    await store.propose(it.tx, referral.id, None)
    return Done(says=None)


async def _as_it_stands(it: StepRequest[Any]) -> Done:
    """Nothing more to set: the decision has brought the item in line, ended it, or made it more urgent."""
    stands = await store.find(it.tx, it.row.id)
    return Done({"opened_first_at": stands.opened_first_at, "escalate_at": stands.escalate_at}, None)


async def reopen(it: StepRequest[bodies.Reopen]) -> Done:
    """Closed or declined by mistake: a new item goes on where this one stood, accepted if it was.

    Raises Problem 409 when it ended by itself, the referral was withdrawn or erased, or its work is open again already.
    """
    row, by = it.row, it.by
    if not reopening.may_be_reopened(row):
        raise Problem("step-not-allowed", "This ended by itself", extra={"state": row.state})
    item = await reopening.open_again(it.tx, row, mark=None, at=by.at, cause=by.cause, policy=it.context.policy)
    if row.route == Route.REVIEW_DUPLICATE and row.end_reason in JUDGED:
        others = await _judged_with(it.tx, row.referral_id)  # what was said of the two holds no more
        await outbox.append(it.tx, [_judged(row, others, None, by.at, by.cause)])
    await it.write("reopen", it.body.note)
    return Done(says=None, item=item)


JUDGED: Final = {ClosureReason.SAME_FAMILY: True, ClosureReason.NOT_THE_SAME: False}
"""How the item ended → whether it is one family."""


async def judge(it: StepRequest[bodies.Judge], *, reason: ClosureReason) -> Done:
    """Answer the question here and there. Raises Problem 409 when no other agency's referral is linked any more."""
    row, by = it.row, it.by
    others = await linked_as_duplicate(it.tx, row.referral_id)
    if not others:
        raise it.conflict("No other agency's referral is linked to this one any more")
    await it.write("duplicate", it.body.note)
    same_question = [
        each
        for other in others
        for each in await store.open_work(it.tx, other)
        if each.route == Route.REVIEW_DUPLICATE and row.referral_id in await linked_as_duplicate(it.tx, other)
    ]
    await decisions.close(it.tx, same_question, reason, at=by.at, by=by.staff.id, cause=by.cause)
    await outbox.append(it.tx, [_judged(row, others, JUDGED[reason], by.at, by.cause)])
    return Done({"end_reason": reason.value}, {"reason": reason}, detail=reason.value)


async def other_is_withdrawn(tx: AsyncConnection, gone: UUID, *, at: datetime, cause: Cause, policy: Policy) -> None:
    """Work that ended because it went on at a referral that is withdrawn now is open again: a family is never lost."""
    rows = await tx.execute(
        sql("""
            SELECT w.* FROM work_item w JOIN referral r ON r.id = w.referral_id
            WHERE w.end_reason = 'same_family' AND r.withdrawn_at IS NULL AND r.erased_at IS NULL
                AND w.referral_id = ANY(CAST(:others AS uuid[]))
                AND NOT EXISTS (SELECT 1 FROM work_item again WHERE again.reopens = w.id)
        """),
        {"others": await linked_as_duplicate(tx, gone)},
    )
    for row in rows.all():
        await reopening.open_again(tx, row, mark=OTHER_WITHDRAWN, at=at, cause=cause, policy=policy)
        await outbox.append(tx, [_judged(row, [gone], None, at, cause)])


async def linked_as_duplicate(tx: AsyncConnection, referral_id: UUID) -> list[UUID]:
    """Open referrals of other agencies that may be of this family, or are."""
    linked = await tx.scalar(sql("SELECT linked FROM referral WHERE id = :id"), {"id": referral_id})
    return [UUID(each["id"]) for each in linked or () if each["link"] == Link.DUPLICATE]


async def _judged_with(tx: AsyncConnection, referral_id: UUID) -> list[UUID]:
    """The referrals that the latest judgment was about: after `not the same` they are linked no more."""
    value = await tx.scalar(
        sql("SELECT value FROM event WHERE key = :id AND type = :type ORDER BY sequence DESC LIMIT 1"),
        {"id": referral_id, "type": events.FamilyJudged.type},
    )
    return list(events.FamilyJudged.model_validate_json(value).others) if value else []


def _judged(row: Any, others: Sequence[UUID], is_same: bool | None, at: datetime, cause: Cause) -> Draft:
    event = events.FamilyJudged(reference=row.reference, agency_id=row.agency_id, others=tuple(others), is_same=is_same)
    return Draft(row.referral_id, event, at, cause)
