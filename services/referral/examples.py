"""An example of each body and answer, for the OpenAPI document: an invented family. A test sends and compares them."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from services.referral import answers
from services.referral.requirements_answer import Requirements

REFERRER: Final = {"name": "Ada Okoro", "role": "Health visitor", "email": "a.okoro@example.org"}
REFERRAL: Final[dict[str, Any]] = {
    "external_reference": "HV-2026-0417",
    "referrer": REFERRER,
    "babies": [{"given_name": "Robin", "family_name": "Shah", "date_of_birth": "2026-05-02"}],
    "caregivers": [
        {"relationship": "mother", "given_name": "Sana", "family_name": "Shah", "phone": "07700 900123"},
    ],
    "home": {"postcode": "NG6 8GB"},
    "consent": {"status": "given"},
    "concern": {"severity": "moderate", "domains": ["main_carer"]},
}
CHANGE: Final = {"risk_factors": ["isolation", "low_mood"]}
INFORMATION: Final = {"notes": "She agrees, and is best reached in the morning."}
WITHDRAWAL: Final = {"reason": "moved_away"}
CHALLENGE: Final = {"notes": "They have moved to Bulwell since."}
ENQUIRY: Final = {
    "kind": "consultation",
    "referrer": REFERRER,
    "topic": "Watching a baby who rarely cries",
    "people": 3,
}

_REFERENCE: Final = "PIR-4K7-29M"
_AT: Final = "2026-06-15T09:00:00.000+00:00"
_RECEIPT: Final[dict[str, Any]] = {
    "id": "01976f2e-9c40-7000-8000-5d1b6c0f2a11",
    "reference": _REFERENCE,
    "status": "received",
    "received_at": _AT,
    "act_now": [],
    "links": [],
    "gaps": [],
}
_N3: Final = "Some things feel hard right now. A short time with our own team can help parent and baby feel close."
_ITEM: Final[dict[str, Any]] = {
    "reference": _REFERENCE,
    "kind": "family",
    "external_reference": "HV-2026-0417",
    "status": "with_team",
    "dangers": [],
    "act_now": [],
    "received_at": _AT,
    "version": 1,
    "decision": {
        "eligibility": "eligible",
        "mode": "auto_route",
        "tier": "specialist_short",
        "urgency": "routine",
        "routes": [{"route": "pir_short", "status": "open"}],
        "reasons": [{"rule": "N3", "text": _N3}],
        "policy": {"id": "nottingham", "version": 3},
    },
    "links": [],
    "gaps": [],
    "asked": [],
    "next_step": "The team will get in touch with the family.",
    "decision_by": None,
    "first_contact_by": "2026-07-13",
    "expected_by": "2026-07-13",
}
_REQUIREMENTS: Final[dict[str, Any]] = {
    "required": ["/referrer/name", "/consent/status"],
    "required_in_danger": "With one of the codes in `dangers` anything else may be missing: send what you have.",
    "dangers": {"safety": ["immediate_danger"], "mental_health": ["self_harm_new"]},
    "code_lists": {"consent": ["given", "refused"]},
    "code_meanings": {"consent": {"given": "The family agrees", "refused": "The family does not agree"}},
    "age_window": {
        "from": "pregnancy",
        "until": "the day before the second birthday",
        "months": 24,
        "looked_at_by_a_person_until_days_after": 28,
    },
    "area": {
        "authority": "E06000018",
        "name": "Nottingham",
        "wards_open_today": [{"code": "E05012275", "name": "Bulwell"}],
    },
    "routes": ["pir_short", "targeted"],
    "what_happens_next": {
        "receipt": "Your team's inbox gets a receipt with the reference at once.",
        "decision_within_working_days": 5,
        "first_contact_within_working_days": 20,
        "challenge": "If you see a decline differently, you can ask us once to look again.",
        "statuses": {"received": "We are reading the referral now."},
        "statuses_of_enquiries": {"received": "We are reading it now."},
    },
    "ring_now": {
        "words": "This is not an emergency service. If somebody is in danger now, ring yourself.",
        "numbers": [{"who": "Emergency services", "phone": "999", "when": "Somebody is in danger now"}],
    },
    "policy": {"id": "nottingham", "version": 3},
    "schema": {"title": "ReferralDocument", "type": "object"},
}
OF_ANSWERS: Final[dict[type[BaseModel], dict[str, Any]]] = {
    answers.Receipt: _RECEIPT,
    answers.Amended: _RECEIPT | {"status": "with_team", "version": 2, "dropped": []},
    answers.Informed: {
        "reference": _REFERENCE,
        "status": "with_team",
        "received_at": _AT,
        "act_now": [],
        "dropped": [],
    },
    answers.Withdrawn: {"reference": _REFERENCE, "status": "withdrawn", "act_now": []},
    answers.Shown: _ITEM
    | {
        "other_help": [],
        "history": [{"at": _AT, "what": "received", "text": "We received the referral.", "detail": None}],
    },
    answers.Feed: {"items": [_ITEM], "next": "AAAAAAAAB9cBl28unEBwAIAAXRtsDyoR"},
    answers.Questions: {
        "reference": _REFERENCE,
        "status": "waiting_for_referrer",
        "items": [{"at": _AT, "about": "information", "words": "Which postcode is it?", "is_open": True}],
    },
    Requirements: _REQUIREMENTS,
}
