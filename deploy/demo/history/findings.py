"""What single rules say of an invented family, by the names of triage's rules: safety, age, area, consent, need."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from deploy.demo.history.ages import days_pregnant, months_old
from shared.events import (
    RED_FLAGS,
    Carer,
    CareStatus,
    Circumstance,
    Consent,
    Eligibility,
    Facts,
    Link,
    MentalHealth,
    NhsNumber,
    PlaceQuality,
    Route,
    Safety,
    Severity,
    Tier,
    Urgency,
)
from shared.policy import Policy
from shared.working_time import months_later

_ADULT_CARE: Final = frozenset({MentalHealth.MODERATE, MentalHealth.SEVERE, MentalHealth.SEVERE_HISTORY_WELL})
_HARMS: Final = frozenset({Safety.IMMEDIATE_DANGER, Safety.SIGNIFICANT_HARM})


class Found(NamedTuple):
    """What one rule says."""

    rule: str
    routes: tuple[Route, ...] = ()
    tier: Tier | None = None
    urgency: Urgency = Urgency.ROUTINE
    eligibility: Eligibility = Eligibility.ELIGIBLE


def is_held(facts: Facts) -> bool:
    """Safety first: a danger, a harm or a red flag."""
    return facts.mental_health in RED_FLAGS or not _HARMS.isdisjoint(facts.safety)


def safety(facts: Facts, policy: Policy) -> list[Found]:
    mash = Route.MASH if facts.place.authority in (None, policy.authority) else Route.MASH_HOME_LA
    found = []
    if Safety.IMMEDIATE_DANGER in facts.safety:
        found.append(Found("S1", (Route.EMERGENCY_CALL, mash), Tier.STATUTORY, Urgency.NOW))
    if Safety.SIGNIFICANT_HARM in facts.safety:
        found.append(Found("S2", (mash,), Tier.STATUTORY, Urgency.WORKING_DAY))
    if facts.care_status is CareStatus.CP_PLAN:
        found.append(Found("S3", (Route.SOCIAL_WORKER_LINK,)))
    if facts.mental_health in RED_FLAGS:
        found.append(Found("S5", (Route.PNMH_EMERGENCY,), Tier.PNMH, Urgency.FOUR_HOURS))
    if Safety.DOMESTIC_ABUSE in facts.safety:
        found += [Found("S7"), Found("C2")]
    return found


def eligible(facts: Facts, on: date, policy: Policy) -> list[Found]:
    """Age and area, and consent where it is not given."""
    return [_age(facts, on, policy), _place(facts, on, policy), *_consent(facts)]


def _age(facts: Facts, on: date, policy: Policy) -> Found:
    born_on = facts.infant.born_on
    if born_on is None:
        no_date = Found("E7", (Route.REVIEW,), eligibility=Eligibility.PROVISIONAL)
        return Found("E1") if facts.infant.due_on else no_date
    ends_on = months_later(born_on, policy.age.support_ends_months)
    if on < ends_on:
        return Found("E4")
    if (on - ends_on).days <= policy.age.grace_days:
        return Found("E5", (Route.REVIEW,), eligibility=Eligibility.PROVISIONAL)
    return Found("E6", (Route.SIGNPOST_AGE,), eligibility=Eligibility.NOT_ELIGIBLE)


def _place(facts: Facts, on: date, policy: Policy) -> Found:
    place = facts.place
    if place.quality is not PlaceQuality.KNOWN:
        return Found("E12", (Route.REVIEW_LOCATION,), eligibility=Eligibility.PROVISIONAL)
    if place.authority != policy.authority:
        return Found("E10", (Route.SIGNPOST_AREA,), eligibility=Eligibility.NOT_ELIGIBLE)
    if place.ward and policy.is_open(place.ward, on):
        return Found("E8")
    return Found("E9", (Route.PHASE_HOLD, Route.CONSULTATION), eligibility=Eligibility.NOT_YET)


def _consent(facts: Facts) -> list[Found]:
    if facts.consent is Consent.GIVEN:
        return []
    if is_held(facts):
        return [Found("E13s")]
    if facts.consent is Consent.REFUSED:
        return [Found("E13", (Route.ADVICE_TO_REFERRER,), eligibility=Eligibility.NOT_ELIGIBLE)]
    return [Found("E14", (Route.INFO_REQUEST,), eligibility=Eligibility.PROVISIONAL)]


def own_care(facts: Facts) -> list[Found]:
    """The adult's own mental health, with consent."""
    if facts.mental_health not in _ADULT_CARE or facts.consent is not Consent.GIVEN:
        return []
    urgency = Urgency.URGENT if facts.mental_health is MentalHealth.SEVERE else Urgency.ROUTINE
    is_mother = facts.carer is Carer.MOTHER
    return [Found("N6" if is_mother else "N6f", (Route.PNMH if is_mother else Route.ADULT_MH,), Tier.PNMH, urgency)]


def level(facts: Facts, own_care: list[Found]) -> Found | None:
    """How much help; None when the adult's own care is all that is needed."""
    severity, domains = facts.concern.severity, len(facts.concern.domains)
    if severity is Severity.UNKNOWN:
        came_themselves = (facts.source or "").startswith("B")
        return Found("N7", (Route.REVIEW_CALL_BACK if came_themselves else Route.REVIEW,))
    if severity is Severity.SEVERE and (domains > 2 or facts.complex_history):  # noqa: PLR2004  three areas
        return Found("N2", (Route.PIR_LONG,), Tier.SPECIALIST_LONG)
    if severity in (Severity.SEVERE, Severity.MODERATE) or domains > 1:
        return Found("N3", (Route.PIR_SHORT,), Tier.SPECIALIST_SHORT)
    if severity is Severity.MILD or len(facts.risk_factors) > 1:
        return Found("N4", (Route.TARGETED,), Tier.TARGETED)
    return None if own_care else Found("N5", (Route.UNIVERSAL,), Tier.UNIVERSAL)


def doubts(facts: Facts, found: Found | None) -> list[Found]:
    """More help asked for than there seems to be need of, or a move ahead: a person looks."""
    doubted = {
        "A2": facts.requested_tier is not None and found is not None and found.tier is Tier.UNIVERSAL,
        "A3": Circumstance.PLANNED_MOVE_OUT in facts.circumstances,
    }
    return [Found(rule, (Route.REVIEW,)) for rule, is_so in doubted.items() if is_so]


def duplicate(facts: Facts) -> list[Found]:
    return [Found("I3", (Route.REVIEW_DUPLICATE,))] if Link.DUPLICATE in facts.links else []


def words(facts: Facts) -> list[Found]:
    """Safety words in the notes."""
    return [Found("A1", (Route.REVIEW,), urgency=Urgency.WORKING_DAY)] if facts.safety_words else []


def young(facts: Facts, policy: Policy) -> list[Found]:
    is_young = facts.carer_age is not None and facts.carer_age < policy.priority.young_carer_years
    return [Found("X2", (Route.SAFEGUARDING_LEAD,))] if is_young else []


def marks(facts: Facts) -> list[Found]:
    fired = {
        "Q1": facts.nhs_number is NhsNumber.INVALID,
        "Q3": Link.RE_REFERRAL in facts.links,
        "Q4": Link.REPEAT in facts.links,
    }
    return [Found(rule) for rule, is_so in fired.items() if is_so]


def modifiers(facts: Facts, on: date, policy: Policy) -> list[Found]:
    """How soon, never whether: M1 to M7."""
    infant, priority = facts.infant, policy.priority
    months = months_old(infant.born_on, on) if infant.born_on else None
    due_on = None if infant.born_on else infant.due_on
    pregnant = days_pregnant(due_on, on, policy.age.pregnancy_days) if due_on else None
    fired = {
        "M1": (pregnant is not None and pregnant >= priority.late_pregnancy_days)
        or (months is not None and months < priority.young_baby_months),
        "M2": due_on is not None and (due_on - on).days <= priority.due_soon_days,
        "M3": infant.count > 1,
        "M4": Link.SIBLING_OPEN in facts.links,
        "M5": facts.carer is Carer.FATHER,
        "M6": facts.accessible_information,
        "M7": months is not None and months >= priority.time_short_months,
    }
    urgency = {"M2": Urgency.URGENT, "M7": Urgency.URGENT}
    return [Found(rule, urgency=urgency.get(rule, Urgency.ROUTINE)) for rule, is_so in fired.items() if is_so]
