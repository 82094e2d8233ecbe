"""What arrives is decided by the rules: a referral or enquiry, and every amendment with other facts.

Once a person has decided (an override, a confirmed decline, an acceptance) the rules only propose: their decision
stands beside the person's until somebody takes it or leaves it. New danger opens its work at once all the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import decisions, tables
from services.triage.decisions import Decided
from services.triage.work_items import reopening, store
from services.triage.work_items.conditions import UNDELIVERABLE
from services.triage.work_items.deadlines import is_told_since, plan_item
from services.triage.work_items.places import full_routes
from shared import events
from shared.database import sql
from shared.events import DecidedBy, Envelope, Facts, Route
from shared.messaging.outbox import because_of
from shared.policy import Policy

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
        if row.route in opened and UNDELIVERABLE not in row.marks:
            await decisions.bring_in_line(tx, row, made, policy)
        else:
            await store.change(tx, row, **decisions.shown(row, made, policy))
    there = {row.route for row in work if UNDELIVERABLE not in row.marks}
    routes = [route for route in made.decision.routes if route in opened - there]
    if not work and not routes:
        routes = [Route.REVIEW]  # somebody has to see that the facts of a declined family have changed
    await decisions.open_new(tx, [(made, plan_item(route, made, policy)) for route in routes], policy)
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
