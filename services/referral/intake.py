"""POST /referrals below the edge: what is checked becomes rows and one event, in the group writer's transaction."""

from __future__ import annotations

import json
import secrets
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import answers, views
from services.referral.agencies import Agency
from services.referral.amendments import By, Stored, open_for, store
from services.referral.answers import Answer, Keyed
from services.referral.document import keep_dangers
from services.referral.families import links, relating
from services.referral.families.links import Known, told_codes
from services.referral.families.relating import Related, Since
from services.referral.identity import Identities, Sealed
from services.referral.preparing import Prepared, Preparing
from services.referral.reference import new_reference
from services.referral.status import ENDED, Status, Step
from shared import audit
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import Facts, ReferralReceived
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft
from shared.problems import Problem


@dataclass(frozen=True)
class Arrival:
    """One referral, read and checked, on its way into the database."""

    id: UUID
    reference: str
    agency: Agency
    keyed: Keyed
    key_digest: bytes
    external_digest: bytes | None
    body_digest: bytes
    sealed: Sealed
    prepared: Prepared
    received_at: datetime
    cause: Cause

    @cached_property
    def locks(self) -> tuple[bytes, ...]:
        """What no other transaction may touch meanwhile: the key, the external reference, the family."""
        names = [self.key_digest, *self.prepared.family.relating]
        return (*names, self.external_digest) if self.external_digest else tuple(names)

    @property
    def collides_on(self) -> frozenset[Hashable]:
        return frozenset(self.locks)


def another_reference(arrival: Arrival) -> Arrival:
    """The same arrival under a newly drawn reference: the first one may have been somebody else's already."""
    return replace(arrival, reference=new_reference(secrets.randbelow))


class Intake:
    """The group writer's `write`: one transaction for all arrivals of a group."""

    def __init__(self, preparing: Preparing) -> None:
        self._preparing = preparing

    async def admit(self, tx: AsyncConnection, arrivals: Sequence[Arrival]) -> list[Answer | Problem]:
        """One answer each: 201 for a new referral, the first answer again, 200 for a known external reference."""
        await answers.lock(tx, [name for arrival in arrivals for name in arrival.locks])
        settled: dict[UUID, Answer | Problem] = {}
        before = await answers.known(tx, [arrival.keyed for arrival in arrivals])
        for arrival in arrivals:
            if found := before.get((arrival.agency.id, arrival.keyed.key)):
                settled[arrival.id] = found
        open_arrivals = [arrival for arrival in arrivals if arrival.id not in settled]
        firsts = await _first_receipts(tx, open_arrivals)
        for arrival in open_arrivals:
            if arrival.id in firsts:
                settled[arrival.id] = await self._seen_before(tx, arrival, firsts[arrival.id])
        new = [arrival for arrival in open_arrivals if arrival.id not in settled]
        settled |= await self._store_new(tx, new)
        fresh = [
            (arrival.keyed, answer) for arrival in open_arrivals if isinstance(answer := settled[arrival.id], Answer)
        ]
        if fresh:
            await answers.keep(tx, fresh, at=arrivals[0].received_at)
        return [settled[arrival.id] for arrival in arrivals]

    async def _seen_before(self, tx: AsyncConnection, arrival: Arrival, first: sa.Row[Any]) -> Answer | Problem:
        """Rule I1: the same body is the first receipt again; rule I2: a changed body is an amendment.

        What has ended is never answered as if somebody worked on it: a family that comes back is referred anew.
        """
        status = await views.status(tx, first.id)
        is_same = first.body_digest == arrival.body_digest
        if status in ENDED and (is_same or status is not Status.DECLINED):
            words = f"{first.reference} is {status.value}. Send the family again under a new external reference."
            return Problem("ended", words, extra={"reference": first.reference, "referral_status": status.value})
        if is_same:
            return Answer(200, first.receipt | {"status": status.value}, f"/referrals/{first.reference}")
        by = By(arrival.agency, arrival.received_at, arrival.cause)
        try:
            stored = await open_for(tx, self._preparing, first.id, by, Step.AMEND)
            _refuse_a_copy_from_before(stored, arrival, self._preparing.identities)
            document = keep_dangers(stored.document, arrival.prepared.value)
            digest = self._preparing.identities.body_digest(arrival.agency.id, document)
            return await store(tx, self._preparing, stored, document, by, body_digest=digest)
        except Problem as problem:
            return problem

    async def _store_new(self, tx: AsyncConnection, new: Sequence[Arrival]) -> dict[UUID, Answer | Problem]:
        if not new:
            return {}
        policy = self._preparing.policy
        related = await relating.of_new(
            tx, {arrival.id: (_known(arrival), arrival.prepared.family.relating) for arrival in new}, policy
        )
        receipts = {arrival.id: _receipt(arrival, related[arrival.id]) for arrival in new}
        facts = {arrival.id: _with_links(arrival.prepared.facts, related[arrival.id]) for arrival in new}
        await _insert(tx, new, related, receipts, facts)
        await links.keep_tokens(tx, {arrival.id: arrival.prepared.family.tokens for arrival in new})
        await audit.write(tx, [_audited(arrival) for arrival in new])
        await outbox.append(tx, [_announced(arrival, related[arrival.id], facts[arrival.id]) for arrival in new])
        await relating.note_new(tx, related, Since(new[0].received_at, new[0].cause), policy)
        return {arrival.id: Answer(201, receipts[arrival.id], f"/referrals/{arrival.reference}") for arrival in new}


def _refuse_a_copy_from_before(stored: Stored, arrival: Arrival, identities: Identities) -> None:
    """Raises Problem 409: after a PATCH a whole copy, perhaps from a backup, could undo it."""
    if identities.body_digest(arrival.agency.id, stored.document) != stored.row.body_digest:
        words = "It has been changed by PATCH since: a whole copy could undo that. Change it by PATCH"
        more = {"reference": stored.row.reference, "version": stored.row.version}
        raise Problem("conflict", words, extra=more)


def _known(arrival: Arrival) -> Known:
    return Known(
        arrival.id,
        arrival.reference,
        arrival.agency.id,
        arrival.id,
        arrival.prepared.family.profile,
        arrival.received_at,
    )


def _with_links(facts: Facts, related: Related) -> Facts:
    return facts.model_copy(update={"links": related.links.codes}) if related.links.codes else facts


def _receipt(arrival: Arrival, related: Related) -> dict[str, Any]:
    return {
        "id": str(arrival.id),
        "reference": arrival.reference,
        "status": "received",
        "received_at": arrival.received_at.isoformat(timespec="milliseconds"),
        "act_now": list(arrival.prepared.act_now),
        "links": told_codes(related.links.linked),
        "gaps": list(arrival.prepared.gaps),
    }


def _audited(arrival: Arrival) -> Entry:
    return Entry(Actor("agency", arrival.agency.slug), "referral.received", arrival.received_at, arrival.id)


def _announced(arrival: Arrival, related: Related, facts: Facts) -> Draft:
    event = ReferralReceived.model_construct(
        reference=arrival.reference,
        agency_id=arrival.agency.id,
        version=1,
        received_at=arrival.received_at,
        expected_by=arrival.prepared.expected_by,
        family_id=related.family_id,
        facts=facts,
        monitoring=arrival.prepared.monitoring,
        linked=related.links.linked,
        gaps=arrival.prepared.gaps,
    )
    return Draft(arrival.id, event, arrival.received_at, arrival.cause)


async def _first_receipts(tx: AsyncConnection, arrivals: Sequence[Arrival]) -> dict[UUID, sa.Row[Any]]:
    """The referral that has the arrival's external reference already, by the arrival's id."""
    named = [arrival for arrival in arrivals if arrival.external_digest]
    if not named:
        return {}
    rows = await tx.execute(
        sql("""
            SELECT t.arrival, r.id, r.reference, r.body_digest, r.receipt FROM referral r
            JOIN unnest(CAST(:ids AS uuid[]), CAST(:agencies AS uuid[]), CAST(:digests AS bytea[]))
                AS t(arrival, agency_id, digest) ON r.agency_id = t.agency_id AND r.external_digest = t.digest
        """),
        {
            "ids": [arrival.id for arrival in named],
            "agencies": [arrival.agency.id for arrival in named],
            "digests": [arrival.external_digest for arrival in named],
        },
    )
    return {row.arrival: row for row in rows}


_INSERT: Final = sql("""
    WITH fresh AS (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:references AS text[]), CAST(:agencies AS uuid[]), CAST(:externals AS bytea[]),
            CAST(:own AS bytea[]), CAST(:bodies AS bytea[]), CAST(:times AS timestamptz[]), CAST(:expected AS date[]),
            CAST(:families AS uuid[]), CAST(:profiles AS text[]), CAST(:keys AS bytea[]), CAST(:identities AS bytea[]),
            CAST(:facts AS text[]), CAST(:gaps AS text[]), CAST(:receipts AS text[]))
        AS t(id, reference, agency_id, external_digest, external_sealed, body_digest, received_at, expected_by,
             family_id, profile, wrapped_key, identity, facts, gaps, receipt)
    ), told AS (
        INSERT INTO history (referral_id, at, what) SELECT id, received_at, 'received' FROM fresh
    )
    INSERT INTO referral (id, reference, kind, agency_id, external_digest, external_sealed, body_digest, version,
                          received_at, expected_by, family_id, profile, wrapped_key, identity, facts, gaps, receipt,
                          changed_in)
    SELECT id, reference, 'family', agency_id, external_digest, external_sealed, body_digest, 1, received_at,
           expected_by, family_id, CAST(profile AS jsonb), wrapped_key, identity, CAST(facts AS jsonb),
           CAST(gaps AS jsonb), CAST(receipt AS jsonb),
           CAST(CAST(pg_current_xact_id() AS text) AS bigint)
    FROM fresh
""")


async def _insert(
    tx: AsyncConnection,
    new: Sequence[Arrival],
    related: dict[UUID, Related],
    receipts: dict[UUID, dict[str, Any]],
    facts: dict[UUID, Facts],
) -> None:
    await tx.execute(
        _INSERT,
        {
            "ids": [arrival.id for arrival in new],
            "references": [arrival.reference for arrival in new],
            "agencies": [arrival.agency.id for arrival in new],
            "externals": [arrival.external_digest for arrival in new],
            "own": [arrival.sealed.external for arrival in new],
            "bodies": [arrival.body_digest for arrival in new],
            "times": [arrival.received_at for arrival in new],
            "expected": [arrival.prepared.expected_by for arrival in new],
            "families": [related[arrival.id].family_id for arrival in new],
            "profiles": [arrival.prepared.family.profile.model_dump_json() for arrival in new],
            "keys": [arrival.sealed.wrapped_key for arrival in new],
            "identities": [arrival.sealed.identity for arrival in new],
            "facts": [facts[arrival.id].model_dump_json() for arrival in new],
            "gaps": [json.dumps(arrival.prepared.gaps) for arrival in new],
            "receipts": [json.dumps(receipts[arrival.id]) for arrival in new],
        },
    )
