"""What we take, told in FHIR: capabilities, message definitions, the questionnaire, the code systems.

All is made from ReferralDocument and the code lists, so it can't say anything else than what is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from services.referral.document.codes import SOURCES
from services.referral.fhir.names import (
    BUNDLE_PROFILE,
    CATEGORIES,
    EVENTS,
    FHIR_VERSION,
    OUR_CANCELLATION,
    OUR_DEFINITION,
    OUR_RESPONSE,
    PIR_REFERRAL,
    PROCESS_MESSAGE,
    QUESTIONNAIRE,
    REQUEST,
    RESPONSE,
    USE_CASE,
    ours,
)
from services.referral.fhir.questions import VALUE_OF, ItemType, LinkedQuestion, codes, questions
from services.referral.front import choices
from services.referral.front.form import Choice
from services.referral.status import NEXT_STEP, Status
from shared.events import WithdrawalReason
from shared.version import VERSION

Json = dict[str, Any]

PUBLISHED: Final = "2026-11-30"
"""The day from which this form of messages holds; FHIR wants one in each definition."""
PUBLISHER: Final = "Parent-infant referrals"

_FOCUS: Final = (
    ("MessageHeader", 1, "1"),
    ("ServiceRequest", 1, "1"),
    ("Patient", 0, "*"),
    ("RelatedPerson", 0, "*"),
    ("Observation", 0, "*"),
    ("PractitionerRole", 1, "*"),
    ("Practitioner", 1, "*"),
    ("Organization", 1, "*"),
    ("Consent", 0, "*"),
    ("Flag", 0, "*"),
    ("QuestionnaireResponse", 0, "*"),
    ("CarePlan", 0, "*"),
    ("Condition", 0, "*"),
    ("Encounter", 0, "*"),
    ("HealthcareService", 0, "*"),
)
_FOCUS_OF_CANCELLATION: Final = (("MessageHeader", 1, "1"), ("ServiceRequest", 1, "1"), ("Organization", 1, "*"))
_DEFINITIONS: Final = {
    OUR_DEFINITION: ("PirReferral", "A referral of a family, or news of it", REQUEST, _FOCUS),
    OUR_CANCELLATION: ("PirReferralCancelled", "A referral taken back", REQUEST, _FOCUS_OF_CANCELLATION),
}


def capability_statement(base: str) -> Json:
    """`base` is the address of `/fhir` as others reach it."""
    read = [{"code": "read"}]
    return {
        "resourceType": "CapabilityStatement",
        "url": ours("CapabilityStatement", PIR_REFERRAL),
        "version": VERSION,
        "name": "ParentInfantReferrals",
        "title": "Parent-infant referrals: BaRS-shaped messages",
        "status": "active",
        "date": PUBLISHED,
        "publisher": PUBLISHER,
        "kind": "instance",
        "software": {"name": PUBLISHER, "version": VERSION},
        "implementation": {"description": "Intake of referrals to parent-infant relationship services", "url": base},
        "fhirVersion": FHIR_VERSION,
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "Authorization: Bearer and the key of the agency; definitions are open."},
                "resource": [
                    {"type": "ServiceRequest", "interaction": read, "versioning": "no-version"},
                    {
                        "type": "MessageDefinition",
                        "interaction": [{"code": "search-type"}],
                        "searchParam": [{"name": "context", "type": "token"}],
                    },
                    {"type": "Questionnaire", "interaction": read},
                    {"type": "CodeSystem", "interaction": read},
                ],
                "operation": [{"name": "process-message", "definition": PROCESS_MESSAGE}],
            }
        ],
        "messaging": [
            {
                "endpoint": [
                    {
                        "protocol": {
                            "system": "http://terminology.hl7.org/CodeSystem/message-transport",
                            "code": "http",
                        },
                        "address": f"{base}/$process-message",
                    }
                ],
                "supportedMessage": [{"mode": "receiver", "definition": each} for each in _DEFINITIONS],
            }
        ],
    }


def message_definitions(base: str) -> Json:
    """Those that we take, as a search gives them."""
    found = [_message_definition(url) for url in _DEFINITIONS]
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "link": [{"relation": "self", "url": f"{base}/MessageDefinition"}],
        "entry": [{"fullUrl": each["url"], "resource": each, "search": {"mode": "match"}} for each in found],
    }


def _message_definition(url: str) -> Json:
    name, title, event, focus = _DEFINITIONS[url]
    use_case = {"coding": [{"system": USE_CASE, "code": PIR_REFERRAL}]}
    return {
        "resourceType": "MessageDefinition",
        "id": url.rpartition(":")[2],
        "url": url,
        "version": VERSION,
        "name": name,
        "title": title,
        "status": "active",
        "date": PUBLISHED,
        "publisher": PUBLISHER,
        "useContext": [
            {
                "code": {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": "workflow"},
                "valueCodeableConcept": use_case,
            }
        ],
        "eventCoding": {"system": EVENTS, "code": event},
        "category": "consequence",
        "focus": [
            {"code": "Bundle", "profile": BUNDLE_PROFILE, "min": 1, "max": "1"},
            *({"code": code, "min": least, "max": most} for code, least, most in focus),
        ],
        "responseRequired": "always",
        "allowedResponse": [{"message": OUR_RESPONSE, "situation": f"{RESPONSE}, at once, as the answer of the call"}],
    }


def questionnaire() -> Json:
    """A question for each member that no other resource says; its linkId is the JSON pointer of the member."""
    return {
        "resourceType": "Questionnaire",
        "id": PIR_REFERRAL,
        "url": QUESTIONNAIRE,
        "version": VERSION,
        "name": "PirReferral",
        "title": "What a referral says beside people, words and consent",
        "status": "active",
        "date": PUBLISHED,
        "publisher": PUBLISHER,
        "item": [_item(each) for each in questions().values()],
    }


def _item(question: LinkedQuestion) -> Json:
    item: Json = {
        "linkId": question.pointer,
        "text": " ".join(question.members).replace("_", " "),
        "type": question.type.value,
        "repeats": question.repeats,
    }
    if question.longest and VALUE_OF[question.type] == "valueString":
        item["maxLength"] = question.longest
    if question.type is ItemType.CHOICE:
        words = _words_of(question.code_list)
        item["answerOption"] = [
            {"valueCoding": {"system": question.system, "code": code, "display": words[code]}}
            for code in codes()[question.code_list]
        ]
    return item


def code_system(name: str) -> Json | None:
    """One of ours; None when there is none of this name."""
    if name not in code_lists():
        return None
    url = ours("CodeSystem", name)
    return {
        "resourceType": "CodeSystem",
        "id": name,
        "url": url,
        "version": VERSION,
        "name": "".join(part.title() for part in name.split("-")),
        "status": "active",
        "date": PUBLISHED,
        "publisher": PUBLISHER,
        "caseSensitive": True,
        "content": "complete",
        "concept": [{"code": code, "display": words} for code, words in _words_of(name).items()],
    }


@cache
def code_lists() -> dict[str, tuple[str, ...]]:
    """Every code system of ours: its name → its codes."""
    return codes() | {
        "relationship": tuple(each.value for each in choices.CARERS),
        "communication-need": tuple(each.value for each in choices.COMMUNICATION_NEEDS),
        "withdrawal-reason": tuple(WithdrawalReason),
        "status": tuple(Status),
        "use-case": (PIR_REFERRAL,),
    }


_CHOICES: Final[Mapping[str, tuple[Choice, ...]]] = {
    "care-status": choices.CARE_STATUSES,
    "circumstance": choices.CIRCUMSTANCES,
    "communication-need": choices.COMMUNICATION_NEEDS,
    "complex-history": choices.COMPLEX_HISTORY,
    "consent": choices.CONSENT,
    "domain": choices.DOMAINS,
    "mental-health": (*choices.RED_FLAG_CHOICES, *choices.OTHER_MENTAL_HEALTH),
    "relationship": choices.CARERS,
    "risk-factor": choices.RISK_FACTORS,
    "safety": choices.SAFETY,
    "severity": choices.SEVERITIES,
    "strength": choices.STRENGTHS,
    "tier": choices.REQUESTED_TIERS,
}
"""The words that people read for the same codes on our forms."""


@cache
def _words_of(name: str) -> dict[str, str]:
    """Code → words; the code itself, written apart, where our forms have none."""
    words = {each.value: each.label for each in _CHOICES.get(name, ())}
    words |= {"source": SOURCES, "status": {status.value: said for status, said in NEXT_STEP.items()}}.get(name, {})
    words |= {"use-case": {PIR_REFERRAL: f"Referral to parent-infant support ({CATEGORIES}|referral)"}}.get(name, {})
    return {str(code): words.get(code, str(code).replace("_", " ")) for code in code_lists()[name]}
