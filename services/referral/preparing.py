"""From a JSON value to everything its rows need, before any transaction: the part that only computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.referral import facts as coded
from services.referral.agencies import Agency
from services.referral.document import ReferralDocument, read_referral
from services.referral.families.profile import Profile
from services.referral.identity import Identities
from services.referral.postcodes.lookup import Places, PostcodeFiles
from services.referral.settings import Settings
from shared.crypto import read_key
from shared.events import Carer, Facts, Monitoring, Safety
from shared.policy import Policy, load_all
from shared.working_time import day_in_london, due_on


@dataclass(frozen=True, slots=True)
class Family:
    """Who a referral is about, as blind indexes.

    `relating` are the tokens that other referrals of the family share; `tokens` are these and what staff search by.
    """

    profile: Profile
    relating: frozenset[bytes]
    tokens: frozenset[bytes]


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


@dataclass(frozen=True, slots=True)
class Preparing:
    """What it takes to read a referral: the policy in force, the places, the keys."""

    policy: Policy
    places: Places
    identities: Identities

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
            links=(),
            today=day_in_london(received_at),
            policy=self.policy,
            answers=answers,
        )
        return Prepared(
            value=value,
            family=self.family_of(document),
            facts=facts,
            monitoring=coded.monitoring_of(document, deprivation_decile=home.deprivation_decile),
            gaps=submission.gaps,
            act_now=tuple(coded.act_now(facts, self.policy)),
            expected_by=self.expected_by(received_at),
        )

    def family_of(self, document: ReferralDocument) -> Family:
        profiles, postcode = self.identities.profiles, document.home.postcode if document.home else None
        relating = profiles.relating(document)
        return Family(
            profile=profiles.of(document, is_private=_is_private(document)),
            relating=relating,
            tokens=relating | profiles.sought([*document.babies, *document.caregivers], postcode),
        )

    def expected_by(self, received_at: datetime) -> date:
        """The day by which the agency hears a decision."""
        times = self.policy.working_time
        return due_on(received_at, days=times.decision_days, hours=times)


def _is_private(document: ReferralDocument) -> bool:
    """Nobody outside hears that this family is known elsewhere: under C2, with a withheld home, or in an adoption."""
    is_adoption = any(each.relationship is Carer.ADOPTIVE for each in document.caregivers)
    return Safety.DOMESTIC_ABUSE in document.safety or bool(document.home and document.home.withheld) or is_adoption


def preparing_of(settings: Settings) -> Preparing:
    """What reads a referral in a command: the live policy, the shipped places, the keys."""
    policy = load_all(settings.policies_dir)[settings.policy]
    return Preparing(policy, PostcodeFiles(), identities_of(settings))


def identities_of(settings: Settings) -> Identities:
    return Identities(
        master_key=read_key(settings.master_key.get_secret_value()),
        index_key=read_key(settings.index_key.get_secret_value()),
        are_test_numbers_real=settings.is_development,
    )
