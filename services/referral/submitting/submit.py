"""POST /referrals in the batch writer's transaction: each arrival is answered; what is new becomes rows and one event.

First the locks, then the reads (keys, external references, families), then the writes. No two arrivals of a group
share a lock, so nothing that is read depends on what the group writes, except after an amendment.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import facts as coded
from services.referral import views
from services.referral.families import links, relating
from services.referral.families.links import Known, Links, told_codes
from services.referral.families.relating import Related
from services.referral.identity import Identities
from services.referral.reference import new_reference
from services.referral.status import ENDED, Status, status_of
from services.referral.submitting import amend, idempotency
from services.referral.submitting.idempotency import Answer, RequestKey
from services.referral.submitting.prepare import Arrival, Preparing
from shared import audit
from shared.database import sql
from shared.events import Facts, Monitoring, ReferralMonitored, ReferralReceived
from shared.messaging import outbox
from shared.messaging.outbox import Draft
from shared.messaging.statement import Statement
from shared.problems import Problem

REFERENCE_TAKEN: Final = "Your agency has another referral under this reference of yours. Use another one, or none"


MESSAGE_TAKEN: Final = "This message came before, with another request. A new message has an id of its own"
IS_DUPLICATE: Final = {"is_duplicate": True}


def another_reference(arrival: Arrival) -> Arrival:
    """The same arrival under a newly drawn reference: the first one may have been somebody else's already."""
    return replace(arrival, reference=new_reference(secrets.randbelow))


async def admit(tx: AsyncConnection, arrivals: Sequence[Arrival], *, preparing: Preparing) -> list[Answer | Problem]:
    """One answer each: 201 for a new referral, the first answer again, 200 for a known external reference."""
    await idempotency.lock(tx, [name for arrival in arrivals for name in arrival.locks])
    settled = await _known_before(tx, arrivals)
    unanswered = [arrival for arrival in arrivals if arrival.request not in settled]
    firsts = await _first_receipts(tx, unanswered)
    for arrival in unanswered:
        if first := firsts.get(arrival.id):
            settled[arrival.request] = await _sent_before(tx, preparing, arrival, first)
    new = [each for each in unanswered if each.id not in firsts]
    if new:
        asked = {each.id: (_known(each), each.prepared.family.relating) for each in new}
        related = await relating.of_new(tx, asked, preparing.policy)
        settled |= await _store_new(tx, new, related)
        await relating.note_new(tx, related, new[0].by, preparing.policy)
    answers = [(each, answer) for each in unanswered if isinstance(answer := settled[each.request], Answer)]
    answered = [(key, answer) for each, answer in answers for key in _keys(each)]
    await idempotency.keep(tx, answered, at=arrivals[0].by.at)
    return [settled[arrival.request] for arrival in arrivals]


def at_once_with(
    identities: Identities,
) -> Callable[[asyncpg.Connection[Any], Sequence[Arrival]], Awaitable[list[Answer]]] | None:
    """How to write ordinary arrivals at once; None while two index keys are in use.

    What is known may then be known under the other one, where no unique index finds it: `admit` looks for both.
    """
    return None if identities.index.before else admit_at_once


async def admit_at_once(connection: asyncpg.Connection[Any], arrivals: Sequence[Arrival]) -> list[Answer]:
    """As `admit`, in three trips: locks, one statement, commit. Only `at_once_with` says when.

    `connection` is of `driver_of`, which rolls back. Raises what PostgreSQL raises when it is no new referral of a new
    family: a key or external reference that is known is a unique violation, a family that is known a division by zero.
    Then nothing is written, and `admit` does it.
    """
    await connection.execute(f"BEGIN; {idempotency.locking(name for each in arrivals for name in each.locks)}")
    statement = Statement(connection)
    tx = cast("AsyncConnection", statement)
    stored = await _store_new(tx, arrivals, {each.id: Related(each.id, Links()) for each in arrivals})
    answered = [(key, stored[each.request]) for each in arrivals for key in _keys(each)]
    await idempotency.keep(tx, answered, at=arrivals[0].by.at)
    tokens = [token for each in arrivals for token in each.prepared.family.relating]
    await statement.run(_UNLESS_RELATED, {"tokens": tokens})
    await connection.execute("COMMIT")
    return [stored[each.request] for each in arrivals]


_UNLESS_RELATED: Final = sql("""
    SELECT 1 / CASE WHEN EXISTS (SELECT FROM family_token WHERE token = ANY(CAST(:tokens AS bytea[]))) THEN 0 ELSE 1 END
""")


def _keys(arrival: Arrival) -> tuple[RequestKey, ...]:
    """What it must not be sent under again."""
    return (arrival.request, arrival.message) if arrival.message else (arrival.request,)


async def _known_before(tx: AsyncConnection, arrivals: Sequence[Arrival]) -> dict[RequestKey, Answer | Problem]:
    """The first answer to each request that came before; a message that another request brought is a Problem."""
    found = await idempotency.known(tx, [key for arrival in arrivals for key in _keys(arrival)])
    for arrival in arrivals:
        if arrival.message in found and arrival.request not in found:
            found[arrival.request] = Problem("conflict", MESSAGE_TAKEN, extra=IS_DUPLICATE)
    return found


async def _first_receipts(tx: AsyncConnection, arrivals: Sequence[Arrival]) -> dict[UUID, sa.Row[Any]]:
    """The referral that has the arrival's external reference already, by the arrival's id."""
    named = [(arrival, digest) for arrival in arrivals for digest in arrival.external_digests]
    if not named:
        return {}
    rows = await tx.execute(
        sql("""
            SELECT t.arrival, r.id, r.reference, r.body_digest, r.receipt, r.decision, r.decided_by, r.withdrawn_at,
                   r.declined_at, r.facts, r.gaps
            FROM referral r
            JOIN unnest(CAST(:ids AS uuid[]), CAST(:agencies AS uuid[]), CAST(:digests AS bytea[]))
                AS t(arrival, agency_id, digest) ON r.agency_id = t.agency_id AND r.external_digest = t.digest
        """),
        {
            "ids": [arrival.id for arrival, _ in named],
            "agencies": [arrival.by.agency.id for arrival, _ in named],
            "digests": [digest for _, digest in named],
        },
    )
    return {row.arrival: row for row in rows}


async def _sent_before(
    tx: AsyncConnection, preparing: Preparing, arrival: Arrival, first: sa.Row[Any]
) -> Answer | Problem:
    """Rule I1: the same body is the first receipt again; rule I2: a changed body is an amendment.

    What has ended is never answered as if somebody worked on it: a family that comes back is referred anew.
    """
    if arrival.is_new:
        return Problem("conflict", REFERENCE_TAKEN)
    status = status_of(views.progress(first, await views.route_states(tx, first.id)))
    is_same = first.body_digest in arrival.body_digests
    if status in ENDED and (is_same or status is not Status.DECLINED):
        words = f"{first.reference} is {status.value}. Send the family again under a new external reference."
        return Problem("ended", words, extra={"reference": first.reference, "referral_status": status.value})
    if is_same:
        return Answer(
            200, first.receipt | await _news_of(tx, preparing, arrival, first, status), f"/referrals/{first.reference}"
        )
    try:
        return await amend.send_again(tx, preparing, first.id, arrival.prepared.value, arrival.by)
    except Problem as problem:
        return problem


async def _news_of(
    tx: AsyncConnection, preparing: Preparing, arrival: Arrival, first: sa.Row[Any], status: Status
) -> dict[str, Any]:
    """What may have changed since a first receipt. A danger counts that is told now, or is known of since."""
    act_now = coded.act_now(Facts.model_validate(first.facts), preparing.policy) or list(arrival.prepared.act_now)
    told = told_codes((await links.carried(tx, [first.id]))[first.id].linked)
    return {"status": status.value, "act_now": act_now, "links": told, "gaps": first.gaps}


@dataclass(frozen=True, slots=True)
class NewReferral:
    """An arrival among its family: what becomes rows and an event."""

    arrival: Arrival
    related: Related

    @property
    def facts(self) -> Facts:
        facts, codes = self.arrival.prepared.facts, self.related.links.codes
        return facts.model_copy(update={"links": codes}) if codes else facts

    @property
    def receipt(self) -> dict[str, Any]:
        arrival = self.arrival
        return {
            "id": str(arrival.id),
            "reference": arrival.reference,
            "status": Status.RECEIVED.value,
            "received_at": arrival.by.at.isoformat(timespec="milliseconds"),
            "act_now": list(arrival.prepared.act_now),
            "links": told_codes(self.related.links.linked),
            "gaps": list(arrival.prepared.gaps),
        }

    @property
    def announcements(self) -> Iterator[Draft]:
        arrival, prepared = self.arrival, self.arrival.prepared
        event = ReferralReceived.model_construct(
            reference=arrival.reference,
            agency_id=arrival.by.agency.id,
            version=1,
            received_at=arrival.by.at,
            expected_by=prepared.expected_by,
            family_id=self.related.family_id,
            facts=self.facts,
            linked=self.related.links.linked,
            gaps=prepared.gaps,
            household=prepared.household,
        )
        yield Draft(arrival.id, event, arrival.by.at, arrival.by.cause)
        if prepared.monitoring != Monitoring():
            told = ReferralMonitored.model_construct(
                reference=arrival.reference, agency_id=arrival.by.agency.id, monitoring=prepared.monitoring
            )
            yield Draft(arrival.id, told, arrival.by.at, arrival.by.cause)


async def _store_new(
    tx: AsyncConnection, arrivals: Sequence[Arrival], related: Mapping[UUID, Related]
) -> dict[RequestKey, Answer]:
    new = [NewReferral(arrival, related[arrival.id]) for arrival in arrivals]
    answers = [Answer(201, each.receipt, f"/referrals/{each.arrival.reference}") for each in new]
    await _insert(tx, new, [answer.text for answer in answers])
    await links.keep_tokens(tx, {each.id: each.prepared.family.tokens for each in arrivals})
    await audit.write(tx, [each.by.entry("referral.received", each.id) for each in arrivals])
    await outbox.append(tx, [draft for each in new for draft in each.announcements])
    return {each.request: answer for each, answer in zip(arrivals, answers, strict=True)}


def _known(arrival: Arrival) -> Known:
    profile = arrival.prepared.family.profile
    return Known(arrival.id, arrival.reference, arrival.by.agency.id, arrival.id, profile, arrival.by.at)


_INSERT: Final = sql("""
    WITH fresh AS (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:references AS text[]), CAST(:agencies AS uuid[]), CAST(:externals AS bytea[]),
            CAST(:own AS bytea[]), CAST(:bodies AS bytea[]), CAST(:times AS timestamptz[]), CAST(:expected AS date[]),
            CAST(:families AS uuid[]), CAST(:profiles AS text[]), CAST(:keys AS bytea[]), CAST(:identities AS bytea[]),
            CAST(:facts AS text[]), CAST(:gaps AS text[]), CAST(:receipts AS text[]), CAST(:index_keys AS bytea[]))
        AS t(id, reference, agency_id, external_digest, external_sealed, body_digest, received_at, expected_by,
             family_id, profile, wrapped_key, identity, facts, gaps, receipt, index_key)
    ), told AS (
        INSERT INTO history (referral_id, at, what) SELECT id, received_at, 'received' FROM fresh
    )
    INSERT INTO referral (id, reference, kind, agency_id, external_digest, external_sealed, body_digest, version,
                          received_at, expected_by, family_id, profile, wrapped_key, identity, facts, gaps, receipt,
                          index_key, changed_in)
    SELECT id, reference, 'family', agency_id, external_digest, external_sealed, body_digest, 1, received_at,
           expected_by, family_id, CAST(profile AS jsonb), wrapped_key, identity, CAST(facts AS jsonb),
           CAST(gaps AS jsonb), CAST(receipt AS jsonb), index_key,
           CAST(CAST(pg_current_xact_id() AS text) AS bigint)
    FROM fresh
""")


async def _insert(tx: AsyncConnection, new: Sequence[NewReferral], receipts: Sequence[str]) -> None:
    arrivals = [each.arrival for each in new]
    await tx.execute(
        _INSERT,
        {
            "ids": [arrival.id for arrival in arrivals],
            "references": [arrival.reference for arrival in arrivals],
            "agencies": [arrival.by.agency.id for arrival in arrivals],
            "externals": [next(iter(arrival.external_digests), None) for arrival in arrivals],
            "own": [arrival.sealed.external for arrival in arrivals],
            "bodies": [arrival.body_digests[0] for arrival in arrivals],
            "times": [arrival.by.at for arrival in arrivals],
            "expected": [arrival.prepared.expected_by for arrival in arrivals],
            "families": [each.related.family_id for each in new],
            "profiles": [arrival.prepared.family.profile.model_dump_json() for arrival in arrivals],
            "keys": [arrival.sealed.wrapped_key for arrival in arrivals],
            "identities": [arrival.sealed.identity for arrival in arrivals],
            "facts": [each.facts.model_dump_json() for each in new],
            "gaps": [json.dumps(arrival.prepared.gaps) for arrival in arrivals],
            "receipts": receipts,
            "index_keys": [arrival.index_key for arrival in arrivals],
        },
    )
