"""From a JSON value to everything its rows need, before any transaction: read, coded, sealed, with its digests."""

from __future__ import annotations

import secrets
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from services.referral import facts as coded
from services.referral.agencies import Agency, AgencyActor
from services.referral.contacts.addressee import household_of
from services.referral.document.read import read_referral
from services.referral.document.text import as_stored, is_as_stored, stored
from services.referral.families.profile import Family
from services.referral.identity import Identities, Sealed
from services.referral.postcodes.lookup import Places, PostcodeFiles
from services.referral.reference import new_reference
from services.referral.settings import Settings
from services.referral.submitting.idempotency import RequestKey, request_key
from shared.encryption_keys import HeldKey
from shared.events import Facts, Household, Monitoring
from shared.ids import uuid7
from shared.policy import Policy
from shared.strict_json import canonical
from shared.working_time import day_in_london, due_on


@dataclass(frozen=True, slots=True)
class Prepared:
    """One readable referral. `facts` has no links yet: those are known in the transaction only."""

    value: Any
    family: Family
    facts: Facts
    monitoring: Monitoring
    gaps: tuple[str, ...]
    act_now: tuple[str, ...]
    expected_by: date
    household: Household | None


@dataclass(frozen=True)
class Arrival:
    """One referral, read and checked, on its way into the database; `by.at` is when it was received.

    `is_new`: from a form. An external reference that is known is a mistake there, and no amendment. `message` is the
    name that a message has of its own, beside its request's: it comes once, whatever request brings it.
    """

    id: UUID
    reference: str
    by: AgencyActor
    request: RequestKey
    external_digests: tuple[bytes, ...]
    body_digests: tuple[bytes, ...]
    index_key: bytes
    sealed: Sealed
    prepared: Prepared
    is_new: bool = False
    message: RequestKey | None = None

    @cached_property
    def locks(self) -> tuple[bytes, ...]:
        """What no other transaction may touch meanwhile: the key, the external reference, the family."""
        own = (*self.request.locks, *self.prepared.family.relating, *self.external_digests)
        return (*own, *self.message.locks) if self.message else own

    @property
    def collides_on(self) -> frozenset[Hashable]:
        return frozenset(self.locks)


@dataclass(frozen=True, slots=True)
class AsSent:
    """The request and the message that brought a referral in another form than its document."""

    request: RequestKey
    message: RequestKey


@dataclass(frozen=True, slots=True)
class Preparing:
    """What it takes to read a referral: the policy in force, the places, the keys."""

    policy: Policy
    places: Places
    identities: Identities

    def arrival(
        self, value: object, *, by: AgencyActor, key: str = "", is_new: bool = False, sent: AsSent | None = None
    ) -> Arrival:
        """POST /referrals: `key` is the request's Idempotency-Key. Raises Invalid with every mistake.

        One canonical text of the value tells requests and bodies apart, and is what is sealed; `sent` is what tells
        requests apart when the value was read from something else.
        """
        identities, referral_id = self.identities, uuid7()
        prepared = self.referral(value, agency=by.agency, now=by.at, received_at=by.at)
        external = value.get("external_reference") if isinstance(value, dict) else None
        text = canonical(value)
        document = text if is_as_stored(text) else canonical(stored(value))
        return Arrival(
            id=referral_id,
            reference=new_reference(secrets.randbelow),
            by=by,
            request=sent.request if sent else request_key(identities, by.agency.id, key, "POST /referrals", text),
            external_digests=identities.external_digests(by.agency.id, str(external) if external else None),
            body_digests=identities.body_digests(by.agency.id, document),
            index_key=identities.index_key,
            sealed=identities.seal(referral_id, document, as_stored(str(external)) if external else None),
            prepared=prepared,
            is_new=is_new,
            message=sent.message if sent else None,
        )

    def referral(
        self,
        value: object,
        *,
        agency: Agency,
        now: datetime,
        received_at: datetime,
        consent_sent_at: datetime | None = None,
        answers: Sequence[str] = (),
    ) -> Prepared:
        """Read `value` as it stands `now`; days count from `received_at`. Raises Invalid with every error."""
        submission = read_referral(value, now=now, consent_sent_at=consent_sent_at)
        document = submission.document
        home = self.places.find(document.home)
        facts = coded.facts_of(
            document,
            source_of_agency=agency.source,
            place=home.place,
            today=day_in_london(received_at),
            policy=self.policy,
            answers=answers,
        )
        return Prepared(
            value=value,
            family=self.identities.family_of(document),
            facts=facts,
            monitoring=coded.monitoring_of(document, deprivation_decile=home.deprivation_decile),
            gaps=submission.gaps,
            act_now=tuple(coded.act_now(facts, self.policy)),
            expected_by=self.expected_by(received_at),
            household=household_of(document, facts, received_at=received_at, policy=self.policy),
        )

    def expected_by(self, received_at: datetime) -> date:
        """The day by which the agency hears a decision."""
        times = self.policy.working_time
        return due_on(received_at, days=times.decision_days, hours=times)


def preparing_of(settings: Settings) -> Preparing:
    """What reads a referral in a command: the live policy, the shipped places, the keys."""
    policy = settings.policy_in_force()
    return Preparing(policy, PostcodeFiles(), identities_of(settings))


def identities_of(settings: Settings) -> Identities:
    return Identities(
        master=HeldKey.of("master", "PIR_MASTER_KEY", settings.master_key, settings.master_key_before),
        index=HeldKey.of("index", "PIR_INDEX_KEY", settings.index_key, settings.index_key_before),
        are_test_numbers_real=settings.is_development,
    )
