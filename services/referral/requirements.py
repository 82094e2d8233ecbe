"""GET /requirements: what an agency has to know before it sends anything; open to all, made from the policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final

from services.referral.asked import Topic
from services.referral.document.codes import ETHNIC_CATEGORIES, SOURCES, CommunicationNeed, Gender, Strength
from services.referral.document.model import ReferralDocument
from services.referral.status import MAY_CHALLENGE, NEXT_STEP, NEXT_STEP_OF_ENQUIRY
from shared import events
from shared.pages import facts, wording
from shared.policy import Policy

REQUIRED: Final = (
    "/referrer/name",
    "/referrer/role",
    "/referrer/email",
    "/babies/0",
    "/caregivers/0/relationship",
    "/caregivers/0 (a given or a family name)",
    "/consent/status",
    "/concern/severity",
)
_WORDS: Final = {**facts.OF_CODES, **wording.OF_CODES}
_CODE_LISTS: Final[dict[str, type[StrEnum]]] = {
    "consent": events.Consent,
    "severity": events.Severity,
    "domains": events.Domain,
    "risk_factors": events.RiskFactor,
    "complex_history": events.ComplexHistory,
    "safety": events.Safety,
    "mental_health": events.MentalHealth,
    "care_status": events.CareStatus,
    "relationship": events.Carer,
    "circumstances": events.Circumstance,
    "requested_tier": events.Tier,
    "withdrawal_reason": events.WithdrawalReason,
}
_OF_ANSWERS: Final[dict[str, type[StrEnum]]] = {
    "kind": events.Kind,
    "eligibility": events.Eligibility,
    "mode": events.Mode,
    "tier": events.Tier,
    "urgency": events.Urgency,
    "route": events.Route,
}
_LINKS_TOLD: Final = {
    "repeat": "Your own agency has an open referral of this family",
    "duplicate": "Another agency referred this family too, and a person has confirmed it",
}


def _spelled(codes: type[StrEnum]) -> dict[str, str]:
    """Codes that are their own words."""
    return {code.value: code.value.replace("_", " ").capitalize() for code in codes}


def _in_words(lists: Mapping[str, type[StrEnum]]) -> dict[str, dict[str, str]]:
    return {name: {code.value: _WORDS[codes][code] for code in codes} for name, codes in lists.items()}


SENT: Final[dict[str, dict[str, str]]] = {
    **_in_words(_CODE_LISTS),
    "strengths": _spelled(Strength),
    "communication_needs": _spelled(CommunicationNeed) | {"bsl": "British Sign Language"},
    "sex": {code.value: code.name.replace("_", " ").capitalize() for code in Gender},
    "source": dict(SOURCES),
    "ethnic_category": dict(ETHNIC_CATEGORIES),
}
"""Member → each code that it takes, in words."""
ANSWERED: Final[dict[str, dict[str, str]]] = {**_in_words(_OF_ANSWERS), "links": _LINKS_TOLD, "asked": _spelled(Topic)}
"""The same of answers."""


def area_of(policy: Policy, on: date) -> dict[str, Any]:
    """Which council it is, and which of its wards are open on that day."""
    open_wards = [{"code": ward.code, "name": ward.name} for ward in policy.wards if policy.is_open(ward.code, on)]
    return {"authority": policy.authority, "name": policy.authority_name, "wards_open_today": open_wards}


def requirements(policy: Policy, on: date) -> dict[str, Any]:
    """All of it as of the day `on`."""
    return {
        "required": list(REQUIRED),
        "required_in_danger": "With one of the codes in `dangers` anything else may be missing: send what you have.",
        "dangers": {"safety": sorted(events.DANGERS), "mental_health": sorted(events.RED_FLAGS)},
        "code_lists": {name: list(words) for name, words in SENT.items()},
        "code_meanings": SENT | ANSWERED,
        "age_window": {
            "from": "pregnancy",
            "until": "the day before the second birthday",
            "months": policy.age.support_ends_months,
            "looked_at_by_a_person_until_days_after": policy.age.grace_days,
        },
        "area": area_of(policy, on),
        "routes": [route.value for route in events.Route],
        "what_happens_next": {
            "receipt": "Your team's inbox gets a receipt with the reference at once.",
            "decision_within_working_days": policy.working_time.decision_days,
            "first_contact_within_working_days": policy.working_time.first_contact_days,
            "challenge": MAY_CHALLENGE,
            "statuses": {status.value: words for status, words in NEXT_STEP.items()},
            "statuses_of_enquiries": {status.value: words for status, words in NEXT_STEP_OF_ENQUIRY.items()},
        },
        "ring_now": {
            "words": "This is not an emergency service. If somebody is in danger now, ring yourself.",
            "numbers": [ring.model_dump() for ring in policy.ring],
        },
        "policy": policy.ref.model_dump(),
        "schema": ReferralDocument.model_json_schema(),
    }
