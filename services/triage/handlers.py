"""What triage does with each event it hears. One transaction, given; no commit, no clock.

What arrives is decided by the rules: a referral or enquiry, and every amendment with other facts. Once a person has
decided (an override, a confirmed decline, an acceptance) the rules only propose: their decision stands beside the
person's until somebody takes it or leaves it. New danger opens its work at once all the same.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import decisions, tables
from services.triage.decisions import Decided
from services.triage.work_items import deciding, reopening, store
from services.triage.work_items.conditions import (
    FAMILY_REPLIED,
    FAMILY_UNREACHED,
    UNDELIVERABLE,
    WITHDRAWN,
    is_call,
    is_unread_safety,
)
from services.triage.work_items.deadlines import ItemState, first_escalation, is_told_since, plan_item
from services.triage.work_items.places import full_routes
from shared import audit, events
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import ClosureReason, DecidedBy, Envelope, Facts, Route, Urgency
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.dispatch import AtOnce, Handler, Handlers
from shared.messaging.outbox import because_of
from shared.policy import Policy
from shared.working_time import due_at

REFERRER: Final = Actor("agency", "referrer")
"""Which agency it was stands in the referral service's own trail."""

Arrived = events.ReferralReceived | events.EnquiryReceived

OPENED_AT_ONCE: Final[Mapping[str, frozenset[Route]]] = {
    "S1": frozenset({Route.EMERGENCY_CALL, Route.MASH, Route.MASH_HOME_LA}),
    "S2": frozenset({Route.MASH, Route.MASH_HOME_LA}),
    "S5": frozenset({Route.PNMH_EMERGENCY}),
    "S6": frozenset({Route.MASH, Route.MASH_HOME_LA}),
    "S8": frozenset({Route.BEREAVEMENT_REVIEW}),
    "A1": frozenset({Route.REVIEW}),
}
"""Rules of danger → the routes whose work opens at once when an amendment brings them, whatever a person decided."""


async def arrive(tx: AsyncConnection, envelopes: Sequence[Envelope[Arrived]], policy: Policy) -> None:
    """Decide each, keep the decisions, open their work items, announce; for many as few statements as for one."""
    full = await full_routes(tx)
    rows = [_referral_of(event) for event in envelopes]
    await tables.insert(tx, tables.referral, rows)
    made = [
        decisions.made_by_rules(
            SimpleNamespace(**row, released_at=None),
            event.data.facts,
            full=full,
            as_of=event.data.received_at,
            at=event.heard_at,
            cause=because_of(event),
            policy=policy,
        )
        for event, row in zip(envelopes, rows, strict=True)
    ]
    await decisions.open_all(tx, made, policy)


def _referral_of(event: Envelope[Arrived]) -> dict[str, Any]:
    """The row of what arrived; an enquiry is a family of its own."""
    data = event.data
    family = data if isinstance(data, events.ReferralReceived) else None
    return {
        "id": event.key,
        "reference": data.reference,
        "agency_id": data.agency_id,
        "kind": data.facts.kind.value,
        "version": family.version if family else 1,
        "received_at": data.received_at,
        "decided_as_of": data.received_at,
        "family_id": family.family_id if family else event.key,
        "facts": data.facts.model_dump_json(),
        "linked": json.dumps([each.model_dump(mode="json") for each in family.linked] if family else []),
        "gaps": json.dumps(family.gaps if family else []),
        "correlation_id": event.correlation_id,
    }


async def amend(tx: AsyncConnection, event: Envelope[events.ReferralAmended], policy: Policy) -> None:
    """Take over what was amended. Decided anew only when facts changed; as of the receipt, or what counts since.

    A new version with the same facts and safety words has other safety words: they are read like the first.
    Raises LookupError for a referral not known yet: the event is parked, to be replayed after its receipt.
    """
    data, referral = event.data, await store.lock(tx, event.key)
    if referral.withdrawn_at or referral.erased_at or data.version < referral.version:
        return
    before = Facts.model_validate(referral.facts)
    as_of = referral.decided_as_of
    told = data.facts.infant.born_on
    if is_told_since(told, before.infant.born_on, received_at=referral.received_at, now=event.occurred_at):
        as_of = max(as_of, event.occurred_at)
    await tx.execute(
        sql("""
            UPDATE referral SET version = :version, facts = CAST(:facts AS jsonb), linked = CAST(:linked AS jsonb),
                gaps = CAST(:gaps AS jsonb), decided_as_of = :as_of WHERE id = :id
        """),
        _referral_of(event) | {"as_of": as_of},
    )
    has_new_words = data.facts == before and data.facts.safety_words
    if data.version == referral.version or (data.facts == before and not has_new_words):
        return
    made = await decisions.by_the_rules(
        tx, referral, data.facts, as_of=as_of, at=event.heard_at, cause=because_of(event), policy=policy
    )
    made = replace(made, version=data.version, news=frozenset({Route.REVIEW} if has_new_words else ()))
    if not data.by_agency:
        made = replace(made, settled=await reopening.settled_routes(tx, event.key))
    if await _is_a_persons(tx, event.key):
        await _propose(tx, made, policy)
    else:
        await decisions.put_in_force(tx, made, policy)


async def _is_a_persons(tx: AsyncConnection, referral_id: UUID) -> bool:
    """Whether a person's decision stands: an override, an acceptance, or a decline that nobody has taken back."""
    decision = await decisions.decision_in_force(tx, referral_id)
    if decision is not None and decision.decided_by == DecidedBy.PERSON:
        return True
    return await store.is_decided_by_hand(tx, referral_id, since=decision.decided_at if decision else None)


async def _propose(tx: AsyncConnection, made: Decided, policy: Policy) -> None:
    """Beside a person's decision: kept, shown in every open item, in force only for danger that is new."""
    made = replace(made, is_proposal=True)
    danger = set(made.decision.rules) & set(OPENED_AT_ONCE) - await _rules_before(tx, made.referral_id)
    opened = {route for rule in danger for route in OPENED_AT_ONCE[rule]} & set(made.decision.routes) | made.news
    await decisions.keep(tx, [made])
    work = await store.open_work(tx, made.referral_id)
    for row in work:
        if row.route in opened and not is_call(row):
            await decisions.bring_in_line(tx, row, made, policy)
        else:
            await store.change(tx, row, **decisions.shown(row, made, policy))
    there = {row.route for row in work if not is_call(row)}
    routes = [route for route in made.decision.routes if route in opened - there]
    if not work and not routes:
        routes = [Route.REVIEW]  # somebody has to see that the facts of a declined family have changed
    await decisions.open_new(tx, [(made, plan_item(route, made, policy)) for route in routes], policy)
    await store.propose(tx, made.referral_id, made.id)
    was = {row.id: row.due_at for row in work}
    await store.reckon(tx, made.referral_id, policy.working_time, at=made.at, cause=made.cause, was=was)


async def _rules_before(tx: AsyncConnection, referral_id: UUID) -> set[str]:
    """What the rules found last, in force or proposed."""
    found = await tx.scalar(
        sql("""
            SELECT decision -> 'rules' FROM decision WHERE referral_id = :id AND decided_by = 'machine'
            ORDER BY version DESC, decided_at DESC LIMIT 1
        """),
        {"id": referral_id},
    )
    return set(found or ())


async def run_clocks_again(tx: AsyncConnection, event: Envelope[events.ReferralInformed], policy: Policy) -> None:
    """The referrer answered: what had been asked before goes on where it was; unopened, it escalates."""
    times = policy.working_time
    await store.lock(tx, event.key)
    for row in await store.open_work(tx, event.key):
        if row.state != ItemState.WAITING_FOR_REFERRER or row.waiting_since >= event.occurred_at:
            continue
        escalate_at = row.escalate_at
        if row.opened_first_at is None:
            escalate_at = first_escalation(Urgency(row.urgency), since=event.occurred_at, times=times)
        await store.run_clock(tx, row, event.occurred_at)
        state = ItemState.CLAIMED if row.assignee else ItemState.OPEN
        await store.change(tx, row, state=state, escalate_at=escalate_at)
    await store.reckon(tx, event.key, times, at=event.heard_at, cause=because_of(event))
    await audit.write(tx, [Entry(REFERRER, "referral.informed", event.occurred_at, event.key)])


async def withdraw(tx: AsyncConnection, event: Envelope[events.ReferralWithdrawn], policy: Policy) -> None:
    """Withdrawn: open work ends. Safety work that nobody has read and taken stays, marked, until a person closes it."""
    await store.lock(tx, event.key)
    await tx.execute(
        sql("UPDATE referral SET withdrawn_at = :at WHERE id = :id"), {"id": event.key, "at": event.occurred_at}
    )
    work = await store.open_work(tx, event.key)
    for row in filter(is_unread_safety, work):
        await store.change(tx, row, marks=[*row.marks, WITHDRAWN])
    ends = [row for row in work if not is_unread_safety(row)]
    at, cause = event.heard_at, because_of(event)
    await decisions.close(tx, ends, ClosureReason.WITHDRAWN, at=at, by=REFERRER.id, cause=cause)
    await deciding.other_is_withdrawn(tx, event.key, at=at, cause=cause, policy=policy)
    await audit.write(tx, [Entry(REFERRER, "referral.withdrawn", event.occurred_at, event.key)])


async def challenge(tx: AsyncConnection, event: Envelope[events.ReferralChallenged], policy: Policy) -> None:
    """The referrer challenges a decline: its work is open again, for another lead than the one who declined."""
    await audit.write(tx, [Entry(REFERRER, "referral.challenged", event.occurred_at, event.key)])
    await reopening.challenge(tx, event.key, at=event.heard_at, cause=because_of(event), policy=policy)


async def restrict(tx: AsyncConnection, event: Envelope[events.ReferralRestricted], _: Policy) -> None:
    """Staff read on the family's page what they may still do. Work and clocks go on: the child may be in danger."""
    since = event.occurred_at if event.data.is_restricted else None
    await tx.execute(
        sql("UPDATE referral SET restricted_at = CAST(:since AS timestamptz) WHERE id = :id"),
        {"id": event.key, "since": since},
    )


async def erase(tx: AsyncConnection, event: Envelope[events.ReferralErased], _: Policy) -> None:
    """Erased: the key of what staff wrote is destroyed, facts and decisions go, and the work ends."""
    for statement in _ERASE:
        await tx.execute(statement, {"id": event.key, "at": event.occurred_at})


_ERASE: Final = (
    sql("""
        UPDATE referral SET wrapped_key = NULL, erased_at = :at, facts = '{}', linked = '[]', gaps = '[]',
            proposal_id = NULL, family_id = id, stops = '[]', decided_as_of = received_at, released_at = NULL,
            withdrawn_at = NULL, restricted_at = NULL
        WHERE id = :id
    """),
    sql("""
        UPDATE event SET value = replace(value, CAST(CAST(:id AS uuid) AS text), '00000000-0000-0000-0000-000000000000')
        WHERE type = 'family.judged.v1' AND position(CAST(CAST(:id AS uuid) AS text) IN value) > 0
    """),
    sql("DELETE FROM decision WHERE referral_id = :id"),
    sql("DELETE FROM staff_text WHERE referral_id = :id"),
    sql("DELETE FROM event WHERE key = :id"),
    store.FORGET,
)


async def ring_about_message(tx: AsyncConnection, event: Envelope[events.MessageUndeliverable], policy: Policy) -> None:
    """A message could not be delivered, at once or after every retry: somebody rings the agency, or the family."""
    is_to_family = event.data.audience is events.Audience.HOUSEHOLD
    await _call(tx, event, FAMILY_UNREACHED if is_to_family else UNDELIVERABLE, event.data.message_id, policy)


async def hear_a_reply(tx: AsyncConnection, event: Envelope[events.FamilyReplied], policy: Policy) -> None:
    """The family has answered a text, and what they wrote is not kept: somebody rings them."""
    await _call(tx, event, FAMILY_REPLIED, event.id, policy)


async def _call(
    tx: AsyncConnection, event: Envelope[events.AboutReferral], mark: str, without_decision: UUID, policy: Policy
) -> None:
    """One open work item per referral and mark, so that somebody rings.

    Built from the event alone: topics have no order among them, so triage may not have heard of the referral yet.
    """
    at, message = event.heard_at, event.data
    await store.lock_if_known(tx, event.key)
    if await store.is_called(tx, event.key, mark):
        return
    decision = await decisions.decision_in_force(tx, event.key)
    due = due_at(at, days=policy.working_time.seen_days, hours=policy.working_time)
    times = {"received_at": at, "counts_from": at, "base_due_at": due, "due_at": due, "escalate_at": due}
    row = SimpleNamespace(
        **times,
        id=uuid7(),
        referral_id=event.key,
        decision_id=decision.id if decision else without_decision,
        reference=message.reference,
        agency_id=message.agency_id,
        about=message.about.value,
        route=Route.REVIEW.value,
        urgency=Urgency.URGENT.value,
        marks=[mark],
        state=ItemState.OPEN.value,
    )
    await store.insert(tx, [row])
    opened = {"tier": None, "urgency": row.urgency, "due_at": due}
    await outbox.append(tx, [store.about(row, events.WorkItemOpened, at, because_of(event), **opened)])


def handlers(policy: Policy) -> Handlers:
    """What triage does with each event it hears."""

    def each(handle: Callable[[AsyncConnection, Envelope[Any], Policy], Awaitable[None]]) -> Handler:
        async def one_by_one(envelopes: Sequence[Envelope[Any]], tx: AsyncConnection) -> None:
            for event in envelopes:
                await handle(tx, event, policy)

        return one_by_one

    async def many(envelopes: Sequence[Envelope[Arrived]], tx: AsyncConnection) -> None:
        await arrive(tx, envelopes, policy)

    return {
        events.ReferralReceived: AtOnce(many),
        events.EnquiryReceived: AtOnce(many),
        events.ReferralAmended: each(amend),
        events.ReferralInformed: each(run_clocks_again),
        events.ReferralWithdrawn: each(withdraw),
        events.ReferralChallenged: each(challenge),
        events.ReferralRestricted: each(restrict),
        events.ReferralErased: each(erase),
        events.MessageUndeliverable: each(ring_about_message),
        events.FamilyReplied: each(hear_a_reply),
    }
