"""What arrives is decided by the rules: a referral or enquiry, and every amendment with other facts.

Once a person has decided (an override, a confirmed decline, an acceptance) the rules only propose: their decision
stands beside the person's until somebody takes it or leaves it. New danger opens its work at once all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import decision_store, decisions
from services.triage.decision_store import Decided
from services.triage.rules import decide
from services.triage.work_items import reopening, store
from services.triage.work_items.conditions import UNDELIVERABLE
from services.triage.work_items.deadlines import full_routes_of, is_told_since, plan_item
from services.triage.work_items.places import full_routes
from services.triage.work_items.store import NewItem
from shared.audit import MACHINE
from shared.database import sql
from shared.events import (
    DecidedBy,
    Decision,
    EnquiryReceived,
    Envelope,
    Facts,
    ReferralAmended,
    ReferralReceived,
    Route,
)
from shared.ids import uuid7
from shared.messaging.outbox import Cause, because_of
from shared.policy import Policy

Arrived = ReferralReceived | EnquiryReceived

OPENED_AT_ONCE: Final[Mapping[str, frozenset[Route]]] = {
    "S1": frozenset({Route.EMERGENCY_CALL, Route.MASH, Route.MASH_HOME_LA}),
    "S2": frozenset({Route.MASH, Route.MASH_HOME_LA}),
    "S5": frozenset({Route.PNMH_EMERGENCY}),
    "S6": frozenset({Route.MASH, Route.MASH_HOME_LA}),
    "S8": frozenset({Route.BEREAVEMENT_REVIEW}),
    "A1": frozenset({Route.REVIEW}),
}
"""Rules of danger → the routes whose work opens at once when an amendment brings them, whatever a person decided."""


async def arrive(tx: AsyncConnection, events: Sequence[Envelope[Arrived]], *, policy: Policy) -> None:
    """Decide each, keep the decisions, open their work items, announce; for many as few statements as for one."""
    full = await full_routes(tx)
    rows = [_referral_of(event) for event in events]
    await tx.execute(_REFERRALS, {name: [row[name] for row in rows] for name in rows[0]})
    await decisions.open_all(tx, [_first(event, policy, full) for event in events], policy)


def _first(event: Envelope[Arrived], policy: Policy, full: frozenset[Route]) -> Decided:
    data = event.data
    facts = full_routes_of(data.facts, full)
    return Decided(
        id=uuid7(),
        referral_id=event.key,
        reference=data.reference,
        agency_id=data.agency_id,
        version=data.version if isinstance(data, ReferralReceived) else 1,
        received_at=data.received_at,
        started_at=data.received_at,
        facts=facts,
        decision=decide(facts, received_at=data.received_at, policy=policy),
        decided_by=DecidedBy.MACHINE,
        actor=MACHINE,
        at=event.heard_at,
        cause=because_of(event),
        is_first=True,
    )


def _referral_of(event: Envelope[Arrived]) -> dict[str, Any]:
    """The row of what arrived; an enquiry is a family of its own."""
    data = event.data
    row = {
        "id": event.key,
        "reference": data.reference,
        "agency_id": data.agency_id,
        "kind": data.facts.kind.value,
        "version": 1,
        "received_at": data.received_at,
        "family_id": event.key,
        "facts": data.facts.model_dump_json(),
        "linked": "[]",
        "gaps": "[]",
        "correlation_id": event.correlation_id,
    }
    if isinstance(data, ReferralReceived):
        row |= {
            "version": data.version,
            "family_id": data.family_id,
            "linked": json.dumps([each.model_dump(mode="json") for each in data.linked]),
            "gaps": json.dumps(data.gaps),
        }
    return row


_REFERRALS: Final = sql("""
    INSERT INTO referral (id, reference, agency_id, kind, version, received_at, decided_as_of, family_id, facts, linked,
                          gaps, correlation_id)
    SELECT id, reference, agency_id, kind, version, received_at, received_at, family_id, CAST(facts AS jsonb),
           CAST(linked AS jsonb), CAST(gaps AS jsonb), correlation_id
    FROM unnest(CAST(:id AS uuid[]), CAST(:reference AS text[]), CAST(:agency_id AS uuid[]), CAST(:kind AS text[]),
                CAST(:version AS integer[]), CAST(:received_at AS timestamptz[]), CAST(:family_id AS uuid[]),
                CAST(:facts AS text[]), CAST(:linked AS text[]), CAST(:gaps AS text[]), CAST(:correlation_id AS uuid[]))
        AS t(id, reference, agency_id, kind, version, received_at, family_id, facts, linked, gaps, correlation_id)
""")


async def amend(tx: AsyncConnection, event: Envelope[ReferralAmended], *, policy: Policy) -> None:
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
    row = _referral_of(event)
    kept = {name: row[name] for name in ("id", "version", "facts", "linked", "gaps")}
    await tx.execute(
        sql("""
            UPDATE referral SET version = :version, facts = CAST(:facts AS jsonb), linked = CAST(:linked AS jsonb),
                gaps = CAST(:gaps AS jsonb), decided_as_of = :as_of WHERE id = :id
        """),
        kept | {"as_of": as_of},
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
    decision = await decision_store.decision_in_force(tx, referral_id)
    if decision is not None and decision.decided_by == DecidedBy.PERSON:
        return True
    return await store.is_decided_by_hand(tx, referral_id, since=decision.decided_at if decision else None)


async def _propose(tx: AsyncConnection, made: Decided, policy: Policy) -> None:
    """Beside a person's decision: kept, shown in every open item, in force only for danger that is new."""
    made = replace(made, is_proposal=True)
    danger = set(made.decision.rules) & set(OPENED_AT_ONCE) - await _rules_before(tx, made.referral_id)
    opened = {route for rule in danger for route in OPENED_AT_ONCE[rule]} & set(made.decision.routes) | made.news
    await decision_store.keep(tx, [made])
    work = await store.open_work(tx, made.referral_id)
    for row in work:
        if row.route in opened and UNDELIVERABLE not in row.marks:
            await decisions.bring_in_line(tx, row, made, policy)
        else:
            await store.change(tx, row, **decisions.shown(row, made, policy))
    there = {row.route for row in work if UNDELIVERABLE not in row.marks}
    routes = [route for route in made.decision.routes if route in opened - there]
    if not work and not routes:
        routes = [Route.REVIEW]  # somebody has to see that the facts of a declined family have changed
    await decisions.open_new(tx, [(made, NewItem(uuid7(), plan_item(route, made, policy))) for route in routes], policy)
    await store.propose(tx, made.referral_id, made.id)
    await store.reckon(tx, made.referral_id, policy.working_time)


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


async def take_proposal(tx: AsyncConnection, referral_id: UUID, *, at: datetime, cause: Cause, policy: Policy) -> bool:
    """The rules' proposal becomes the decision in force; False when there is none."""
    referral = await store.lock(tx, referral_id)
    row = await _decision(tx, referral.proposal_id)
    if row is None:
        return False
    await tx.execute(sql("DELETE FROM decision WHERE id = :id"), {"id": row.id})
    made = await decisions.by_the_rules(
        tx, referral, Facts.model_validate(row.facts), as_of=referral.decided_as_of, at=at, cause=cause, policy=policy
    )
    kept = Decision.model_validate(row.decision)
    await decisions.put_in_force(tx, replace(made, id=row.id, version=row.version, decision=kept), policy)
    return True


async def leave_proposal(tx: AsyncConnection, referral_id: UUID) -> bool:
    """The person's decision stays; False when nothing was proposed."""
    referral = await store.lock(tx, referral_id)
    await store.forget_proposal(tx, referral_id)
    return referral.proposal_id is not None


async def _decision(tx: AsyncConnection, decision_id: UUID | None) -> sa.Row[Any] | None:
    found = await tx.execute(sql("SELECT * FROM decision WHERE id = :id"), {"id": decision_id})
    return found.one_or_none()
