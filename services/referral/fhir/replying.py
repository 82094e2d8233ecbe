"""What we send back: where a referral stands as a ServiceRequest, and the message servicerequest-response around it.

Made from what the agency sees by `GET /referrals`, nothing else. The same answer gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from services.referral.fhir.envelope import Envelope
from services.referral.fhir.names import (
    BUNDLE_PROFILE,
    CATEGORIES,
    DECISION_BY,
    EVENTS,
    EXTERNAL_REFERENCE,
    FIRST_CONTACT_BY,
    NEXT_STEP,
    OUR_RESPONSE,
    PIR_REFERRAL,
    REASONS,
    REFERENCE,
    REFERRAL,
    REJECTED_REASONS,
    RESPONSE,
    STATUS,
    STATUS_REASON,
    STATUSES,
    USE_CASE,
)
from services.referral.fhir.outcomes import Json, hint, outcome, to_ring
from services.referral.status import Status

_STATUS_OF: Final[Mapping[Status, str]] = {
    Status.RECEIVED: "active",
    Status.BEING_REVIEWED: "active",
    Status.WITH_TEAM: "active",
    Status.WAITING_FOR_REFERRER: "on-hold",
    Status.WAITING_LIST: "active",
    Status.ACCEPTED: "active",
    Status.DECLINED: "revoked",
    Status.WITHDRAWN: "revoked",
    Status.CLOSED: "completed",
}
"""Ours → FHIR's; ours is the extension beside it. `declined` stands only once a person has confirmed it."""


def service_request(shown: Mapping[str, Any]) -> Json:
    """From what `GET /referrals/{reference}` shows, or from the answer to a step: reference and status at least."""
    status = Status(shown["status"])
    identifiers = [{"system": REFERENCE, "value": shown["reference"]}]
    if shown.get("external_reference"):
        identifiers.append({"system": EXTERNAL_REFERENCE, "value": shown["external_reference"]})
    said: Json = {
        "resourceType": "ServiceRequest",
        "id": shown["reference"],
        **({"meta": {"versionId": str(shown["version"])}} if shown.get("version") else {}),
        "extension": list(_extensions(status, shown)),
        "identifier": identifiers,
        "status": _STATUS_OF[status],
        "intent": "plan",
        "category": [
            {
                "coding": [
                    {"system": CATEGORIES, "code": REFERRAL},
                    {"system": USE_CASE, "code": PIR_REFERRAL},
                ]
            }
        ],
        "subject": {"display": "the family that was referred"},
    }
    return said | ({"authoredOn": shown["received_at"]} if shown.get("received_at") else {})


def _extensions(status: Status, shown: Mapping[str, Any]) -> Iterator[Json]:
    yield {"url": STATUS, "valueCoding": {"system": STATUSES, "code": status.value}}
    if status is Status.DECLINED:
        reason = {"coding": [{"system": REJECTED_REASONS, "code": "OTH", "display": "Other"}]}
        yield {"url": STATUS_REASON, "valueCodeableConcept": reason}
    if shown.get("next_step"):
        yield {"url": NEXT_STEP, "valueString": shown["next_step"]}
    for url, member in ((DECISION_BY, "decision_by"), (FIRST_CONTACT_BY, "first_contact_by")):
        if shown.get(member):
            yield {"url": url, "valueDate": shown[member]}


def response_to(envelope: Envelope, answer: Mapping[str, Any], *, reason: str, endpoint: str) -> Json:
    """The message that answers this one: `answer` is what the intake answered, kept with the request."""
    name = f"{answer['reference']}/{envelope.id}"
    request_url, outcome_url = (f"urn:uuid:{uuid5(NAMESPACE_URL, f'{name}/{part}')}" for part in ("request", "outcome"))
    hints = list(_hints(envelope, answer))
    header: Json = {
        "resourceType": "MessageHeader",
        "eventCoding": {"system": EVENTS, "code": RESPONSE},
        "source": {"name": "Parent-infant referrals", "endpoint": endpoint},
        "reason": {"coding": [{"system": REASONS, "code": reason}]},
        "response": {
            "identifier": envelope.id,
            "code": "ok",
            **({"details": {"reference": outcome_url}} if hints else {}),
        },
        "focus": [{"reference": request_url}],
        "definition": OUR_RESPONSE,
    }
    entries = [
        (f"urn:uuid:{uuid5(NAMESPACE_URL, f'{name}/header')}", header),
        (request_url, service_request(answer)),
        *([(outcome_url, outcome(hints))] if hints else []),
    ]
    at = answer.get("at") or answer.get("received_at")
    return {
        "resourceType": "Bundle",
        "id": str(uuid5(NAMESPACE_URL, name)),
        "meta": {"profile": [BUNDLE_PROFILE]},
        "type": "message",
        **({"timestamp": at} if at else {}),
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries],
    }


def _hints(envelope: Envelope, answer: Mapping[str, Any]) -> Iterator[Json]:
    """Whom to ring, what is still missing, what a list no longer says, what was not read."""
    yield from to_ring(answer.get("act_now", ()))
    for pointer in answer.get("gaps", ()):
        yield hint(f"Still missing: {pointer}", "gap", severity="warning")
    for pointer in answer.get("dropped", ()):
        yield hint(f"No longer said: {pointer}", "dropped", severity="warning")
    if "repeat" in answer.get("links", ()):
        yield hint("Your agency has an open referral of this family already.", "repeat")
    if envelope.unread:
        words = "These entries hold resources that we do not read; a person of ours does not see them."
        yield hint(words, "not-read", [f"Bundle.entry[{index}]" for index in envelope.unread[:50]])
