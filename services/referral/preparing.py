"""From a JSON value to everything its rows need, before any transaction: the part that only computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.referral import facts as coded
from services.referral.agencies import Agency
from services.referral.document import read_referral
from services.referral.identity import Identities, Tokens
from services.referral.places import Places
from shared.events import Facts, Monitoring
from shared.policy import Policy
from shared.working_time import day_in_london, due_on


@dataclass(frozen=True, slots=True)
class Prepared:
    """One readable referral. `facts` has no links yet: those are known in the transaction only."""

    value: Any
    tokens: Tokens
    is_baby_named: bool
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
            tokens=self.identities.tokens(document),
            is_baby_named=bool(document.babies and document.babies[0].given_name),
            facts=facts,
            monitoring=coded.monitoring_of(document, deprivation_decile=home.deprivation_decile),
            gaps=submission.gaps,
            act_now=tuple(coded.act_now(facts, self.policy)),
            expected_by=self.expected_by(received_at),
        )

    def expected_by(self, received_at: datetime) -> date:
        """The day by which the agency hears a decision."""
        times = self.policy.working_time
        return due_on(received_at, days=times.decision_days, hours=times)
