"""From a document to the bundle that says it: what a sender does.

`services/referral/fhir/reading.py` gives the document back. One thing has no form here: consent that was given, without when.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from services.referral.fhir.checks import Intent
from services.referral.fhir.names import (
    ACT_CODE,
    BUNDLE_PROFILE,
    CATEGORIES,
    CONSENT_SCOPE,
    CONTACT_RANK,
    DUE_DATE,
    EVENTS,
    EXTERNAL_REFERENCE,
    ODS_SYSTEMS,
    OUR_CANCELLATION,
    OUR_DEFINITION,
    PIR_REFERRAL,
    QUESTIONNAIRE,
    REASONS,
    REFERENCE,
    REFERRAL,
    REQUEST,
    SEX_OF_GENDER,
    SNOMED,
    USE_CASE,
)
from services.referral.fhir.questions import VALUE_OF, ItemType, LinkedQuestion, questions
from shared.events import Carer, Consent
from tests.fhir_elements import (
    HUMAN_LANGUAGE,
    address_of,
    coding,
    compact,
    concept,
    extension,
    extensions_of,
    person,
    relationship,
    telecom,
)

Json = dict[str, Any]
CONSENT_CATEGORIES: Final = "https://fhir.nhs.uk/CodeSystem/consent-categories-bars"
DIRECT_CARE: Final = "DRC"
GENDER_OF_SEX: Final = {sex: gender for gender, sex in SEX_OF_GENDER.items()}
_WITHOUT_SECONDS: Final = re.compile(r"(T[0-9]{2}:[0-9]{2})(?=[Z+-])")
_BY_CONSENT: Final = frozenset({"/consent/status", "/consent/given_by", "/consent/recorded_at"})
_STATUS: Final = {Intent.NEW: "active", Intent.UPDATE: "active", Intent.WITHDRAW: "revoked"}
_REASON: Final = {Intent.NEW: "new", Intent.UPDATE: "update", Intent.WITHDRAW: "update"}
_DENIED: Final = {Consent.GIVEN: ("permit", "OPTIN"), Consent.REFUSED: ("deny", "OPTOUT")}


@dataclass(frozen=True, slots=True)
class Envoy:
    """Who sends it, as what: a new `bundle_id` for each message; `reference` is ours, of a referral sent before."""

    bundle_id: str
    ods_code: str
    intent: Intent = Intent.NEW
    reference: str = ""


def write_bundle(document: Mapping[str, Any], envoy: Envoy) -> Json:
    """The message bundle; nulls and empty lists say nothing."""
    writer = _Writer(document, envoy)
    resources = list(writer.resources())
    return {
        "resourceType": "Bundle",
        "id": envoy.bundle_id,
        "meta": {"profile": [BUNDLE_PROFILE]},
        "type": "message",
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in resources],
    }


class _Writer:
    def __init__(self, document: Mapping[str, Any], envoy: Envoy) -> None:
        self._envoy = envoy
        self._document = document
        self._babies: list[Json] = document.get("babies") or []
        self._carers: list[Json] = document.get("caregivers") or []
        is_due_alone = len(self._babies) == 1 and _is_due_alone(self._babies[0])
        self._unborn = self._babies[0] if is_due_alone else None
        self._is_mother_patient = bool(
            self._unborn and self._carers and self._carers[0].get("relationship") == Carer.MOTHER
        )

    def resources(self) -> Iterator[tuple[str, Json]]:
        yield self._url("header"), self._header()
        yield self._url("request"), self._request()
        if self._envoy.intent is not Intent.WITHDRAW:
            yield from self._family()
            yield from self._referrer()
            yield from self._consent()
            if answers := [*self._answers()]:
                yield (
                    self._url("answers"),
                    {
                        "resourceType": "QuestionnaireResponse",
                        "questionnaire": QUESTIONNAIRE,
                        "status": "completed",
                        "item": answers,
                    },
                )
        yield (
            self._url("sender"),
            {
                "resourceType": "Organization",
                "identifier": [{"system": ODS_SYSTEMS[0], "value": self._envoy.ods_code}],
            },
        )

    def _url(self, name: str) -> str:
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{self._envoy.bundle_id}/{name}')}"

    def _to(self, name: str) -> Json:
        return {"reference": self._url(name)}

    def _header(self) -> Json:
        is_withdrawal = self._envoy.intent is Intent.WITHDRAW
        return {
            "resourceType": "MessageHeader",
            "eventCoding": coding(EVENTS, REQUEST),
            "sender": self._to("sender"),
            "source": {"endpoint": f"{ODS_SYSTEMS[0]}|{self._envoy.ods_code}"},
            "reason": concept(coding(REASONS, _REASON[self._envoy.intent])),
            "focus": [self._to("request")],
            "definition": OUR_CANCELLATION if is_withdrawal else OUR_DEFINITION,
        }

    def _request(self) -> Json:
        external, reference = self._document.get("external_reference"), self._envoy.reference
        notes = self._document.get("notes")
        return compact(
            {
                "resourceType": "ServiceRequest",
                "language": self._document.get("written_in"),
                "identifier": [
                    *([{"system": REFERENCE, "value": reference}] if reference else []),
                    *([{"system": EXTERNAL_REFERENCE, "value": external}] if external else []),
                ],
                "status": _STATUS[self._envoy.intent],
                "intent": "plan",
                "category": [concept(coding(CATEGORIES, REFERRAL), coding(USE_CASE, PIR_REFERRAL))],
                "subject": self._subject(),
                "requester": self._to("role") if self._document.get("referrer") else None,
                "note": [{"text": notes}] if notes else None,
            }
        )

    def _subject(self) -> Json:
        """Whom RelatedPersons belong to, too; a child who has no Patient is named in words."""
        if self._envoy.intent is Intent.WITHDRAW:
            return {"display": "the family that was referred"}
        if self._is_mother_patient:
            return self._to("caregiver-0")
        if self._unborn is not None or not self._babies:
            return {"display": "an unborn baby"}
        return self._to(f"baby-{len(self._babies) - 1}")

    def _family(self) -> Iterator[tuple[str, Json]]:
        home = address_of(self._document.get("home") or {})
        for number, baby in enumerate(self._babies):
            if self._unborn is None:
                yield self._url(f"baby-{number}"), self._patient(baby, home if number == 0 else None)
            if baby.get("due_on"):
                yield self._url(f"due-date-{number}"), self._due_date(number, baby)
        for number, carer in enumerate(self._carers):
            is_first = number == 0 and (self._unborn is not None or not self._babies)
            yield self._url(f"caregiver-{number}"), self._carer(number, carer, home if is_first else None)

    def _patient(self, baby: Json, home: Json | None) -> Json:
        gender = {"gender": GENDER_OF_SEX[baby["sex"]]} if baby.get("sex") else {}
        return compact({"resourceType": "Patient", **person(baby), **gender, "address": [home] if home else None})

    def _due_date(self, number: int, baby: Json) -> Json:
        return compact(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": concept(coding(SNOMED, DUE_DATE, display="Estimated date of delivery")),
                "subject": self._to("caregiver-0") if self._is_mother_patient else None,
                "focus": [self._to(f"baby-{number}")] if self._unborn is None else None,
                "valueDateTime": baby["due_on"],
            }
        )

    def _carer(self, number: int, carer: Json, home: Json | None) -> Json:
        shared = {
            "telecom": telecom(carer),
            "address": [home] if home else None,
            "communication": [
                {"language": concept(coding(HUMAN_LANGUAGE, carer["preferred_language"])), "preferred": True}
            ]
            if carer.get("preferred_language")
            else None,
        }
        said = person(carer)
        extensions = [*said.pop("extension", []), *extensions_of(carer)]
        if number == 0 and self._is_mother_patient:
            return compact({"resourceType": "Patient", **said, **shared, "extension": extensions})
        extensions.append(extension(CONTACT_RANK, valuePositiveInt=number + 1))
        more = {"patient": self._subject(), "relationship": relationship(carer), "extension": extensions}
        return compact({"resourceType": "RelatedPerson", **said, **shared, **more})

    def _referrer(self) -> Iterator[tuple[str, Json]]:
        referrer = self._document.get("referrer")
        if not referrer:
            return
        role = {
            "resourceType": "PractitionerRole",
            "practitioner": self._to("practitioner"),
            "organization": self._to("sender"),
            "code": [concept(text=referrer["role"])] if referrer.get("role") else None,
            "telecom": telecom(referrer),
        }
        yield self._url("role"), compact(role)
        name = [{"text": referrer["name"]}] if referrer.get("name") else None
        yield self._url("practitioner"), compact({"resourceType": "Practitioner", "name": name})

    def _consent(self) -> Iterator[tuple[str, Json]]:
        consent = self._document.get("consent") or {}
        if consent.get("status") not in _DENIED:
            return
        kind, rule = _DENIED[consent["status"]]
        at = consent.get("recorded_at")
        yield (
            self._url("consent"),
            compact(
                {
                    "resourceType": "Consent",
                    "status": "active",
                    "scope": concept(coding(CONSENT_SCOPE, "patient-privacy")),
                    "category": [concept(coding(CONSENT_CATEGORIES, DIRECT_CARE))],
                    "dateTime": _moment(at) if at else None,
                    "performer": [{"display": consent["given_by"]}] if consent.get("given_by") else None,
                    "policyRule": concept(coding(ACT_CODE, rule)),
                    "provision": {"type": kind},
                }
            ),
        )

    def _answers(self) -> Iterator[Json]:
        """Each member that no other resource says, as an answer."""
        has_consent = (self._document.get("consent") or {}).get("status") in _DENIED
        has_home = bool((self._babies and self._unborn is None) or self._carers)  # a Patient or RelatedPerson has it
        for question in questions().values():
            is_said = (has_consent and question.pointer in _BY_CONSENT) or (
                has_home and question.pointer.startswith("/home/")
            )
            value = _value_at(self._document, question)
            if not is_said and value not in (None, []):
                values = value if question.repeats else [value]
                yield {"linkId": question.pointer, "answer": [_answer(question, each) for each in values]}


def _is_due_alone(baby: Json) -> bool:
    return {name for name, value in baby.items() if value is not None} == {"due_on"}


def _value_at(document: Mapping[str, Any], question: LinkedQuestion) -> Any:
    part: Any = document
    for step in question.members:
        part = part.get(step) if isinstance(part, Mapping) else None
    return part


def _answer(question: LinkedQuestion, value: Any) -> Json:
    element = VALUE_OF[question.type]
    if question.type is ItemType.CHOICE:
        return {element: coding(question.system, value)}
    return {element: _moment(value) if question.type is ItemType.DATE_TIME else value}


def _moment(time: str) -> str:
    """FHIR's times have seconds, and capital letters."""
    return _WITHOUT_SECONDS.sub(r"\1:00", time.upper())
