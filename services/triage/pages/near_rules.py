"""Which rules nearly fired: decide again with one fact nudged, and say what would be different. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

from services.triage.rules import CATALOGUE, decide
from services.triage.rules.model import day_of_receipt, days_pregnant, support_ends_on, unborn_due_on
from shared.events import Consent, Decision, Domain, Facts, Kind, Place, PlaceQuality, RiskFactor, Severity
from shared.policy import Policy
from shared.working_time import months_later

BIRTHDAY_DAYS: Final = 28
PREGNANCY_DAYS: Final = 14
OPENING_DAYS: Final = 60
"""How near a day has to be to be worth a word: a month, two weeks, two months."""

LADDER: Final = (Severity.NONE, Severity.MILD, Severity.MODERATE, Severity.SEVERE)

_GIVES: Final = {
    "N2": "would make this longer-term work",
    "N3": "would make this short-term work",
    "N4": "would make this targeted help",
    "A2": "would bring it to a person: it would be far from what was asked for",
    "A4": "would bring it to a person: the facts would not fit together",
    "E5": "would bring it to a person: the child would be just past the age",
    "E6": "would propose to decline: the child would be past the age",
    "E6p": "would bring it to a person: born early, and past the age",
    "E8": "would open the service to the family: their ward would be open",
    "M1": "would mean first contact sooner",
    "M7": "would make it urgent: little time would be left",
    "M8": "would put the family on a waiting list: that team is full",
    "S4": "would make it urgent: the birth would be near",
}
"""What a rule would do, in words that follow the nudge; other rules are told with their meaning."""

C = TypeVar("C", bound=StrEnum)


class Near(NamedTuple):
    """A rule that would appear, and the sentence that says so."""

    rule: str
    text: str


class Nudge(NamedTuple):
    """One fact a little different, or the same facts a little later."""

    words: str
    facts: Facts
    received_at: datetime


def near(facts: Facts, *, received_at: datetime, policy: Policy) -> list[Near]:
    """The rules that one nudge would add, each rule once, in the order of the nudges; none for an enquiry."""
    if facts.kind is not Kind.FAMILY:
        return []
    now = set(decide(facts, received_at=received_at, policy=policy).rules)
    found: dict[str, Near] = {}
    for nudge in nudges(facts, received_at=received_at, policy=policy):
        then = decide(nudge.facts, received_at=nudge.received_at, policy=policy)
        for rule in then.rules:
            if rule not in now and rule in CATALOGUE:
                found.setdefault(rule, Near(rule, f"{nudge.words} {_gives(rule)} ({rule})."))
    return list(found.values())


def _gives(rule: str) -> str:
    meaning = CATALOGUE[rule].meaning.partition(":")[0].replace("`", "")
    return _GIVES.get(rule) or f"would also bring in this rule: {meaning[:1].lower()}{meaning[1:].rstrip('.')}"


def nudges(facts: Facts, *, received_at: datetime, policy: Policy) -> Iterator[Nudge]:
    """Every nudge that is possible here: need first, then time."""
    concern = facts.concern
    if domain := _another(Domain, concern.domains):
        more = concern.model_copy(update={"domains": (*concern.domains, domain)})
        yield Nudge("One more area of concern", facts.model_copy(update={"concern": more}), received_at)
    if factor := _another(RiskFactor, facts.risk_factors):
        more_risk = {"risk_factors": (*facts.risk_factors, factor)}
        yield Nudge("One more risk factor", facts.model_copy(update=more_risk), received_at)
    if concern.severity in LADDER[:-1]:
        worse = concern.model_copy(update={"severity": LADDER[LADDER.index(concern.severity) + 1]})
        yield Nudge("A concern one step more severe", facts.model_copy(update={"concern": worse}), received_at)
    today = day_of_receipt(received_at)
    for day, what in sorted(_days_ahead(facts, on=today, policy=policy)):
        days = (day - today).days
        after = f"{days} day{'' if days == 1 else 's'}"
        yield Nudge(f"A referral {after} later ({what})", facts, received_at + timedelta(days=days))


def _another(codes: type[C], named: Sequence[C]) -> C | None:
    """A code that is not named yet: the rules only count them."""
    return next((code for code in codes if code not in named), None)


def _days_ahead(facts: Facts, *, on: date, policy: Policy) -> Iterator[tuple[date, str]]:
    """Days that change something and are near: the end of support, late pregnancy, the opening of the ward."""
    born_on, due_on = facts.infant.born_on, unborn_due_on(facts.infant)
    if born_on:
        ends, short = support_ends_on(born_on, policy.age), months_later(born_on, policy.priority.time_short_months)
        if 0 < (ends - on).days <= BIRTHDAY_DAYS:
            yield ends, "the birthday on which support ends"
        if 0 < (short - on).days <= BIRTHDAY_DAYS:
            yield short, f"at {policy.priority.time_short_months} months old"
    if due_on:
        missing = policy.priority.late_pregnancy_days - days_pregnant(due_on, on, policy.age)
        if 0 < missing <= PREGNANCY_DAYS:
            yield on + timedelta(days=missing), "late in the pregnancy"
    ward = policy.ward_by_code.get(facts.place.ward or "")
    if ward and ward.opens_on and 0 < (ward.opens_on - on).days <= OPENING_DAYS:
        yield ward.opens_on, f"when the service opens in {ward.name}"


def without_the_decline(facts: Facts, *, received_at: datetime, policy: Policy) -> Decision:
    """What the need alone would have given: as if consent, age and place were no question."""
    ward = next(ward.code for ward in policy.wards if ward.opens_on)
    opened = max(received_at.date(), *(ward.opens_on for ward in policy.wards if ward.opens_on))
    infant = facts.infant.model_copy(update={"born_on": opened - timedelta(days=365), "due_on": None})
    place = Place(ward=ward, authority=policy.authority, quality=PlaceQuality.KNOWN)
    clear = facts.model_copy(update={"infant": infant, "place": place, "consent": Consent.GIVEN})
    as_of = received_at + timedelta(days=(opened - received_at.date()).days)
    return decide(clear, received_at=as_of, policy=policy)
