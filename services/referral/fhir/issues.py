"""One mistake in a bundle: its kind, where, and what would be right. Never what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.strict_json import FieldError

MOST_ISSUES: Final = 100
"""More are cut off: an answer must stay small whatever was sent."""

_KINDS: Final[Mapping[str, str]] = {
    "required": "required",
    "too-long": "too-long",
    "too-many": "structure",
    "wrong-type": "structure",
    "not-an-object": "structure",
    "not-in-list": "code-invalid",
    "conflict": "invariant",
    "fixed": "not-supported",
    "unknown-member": "not-supported",
}
"""Kind of error of the document → FHIR's issue type; any other is `value`."""

_WHERE_TO_SAY_IT: Final[Mapping[str, tuple[str, ...]]] = {
    "/babies": ("Patient",),
    "/caregivers": ("RelatedPerson",),
    "/home": ("Patient.address",),
    "/referrer": ("PractitionerRole",),
    "/referrer/name": ("Practitioner.name",),
    "/referrer/role": ("PractitionerRole.code",),
    "/referrer/email": ("PractitionerRole.telecom",),
    "/referrer/phone": ("PractitionerRole.telecom",),
    "/consent": ("Consent",),
    "/consent/status": ("Consent",),
    "/consent/recorded_at": ("Consent.dateTime",),
    "/consent/given_by": ("Consent.performer",),
    "/external_reference": ("ServiceRequest.identifier",),
    "/written_in": ("ServiceRequest.language",),
    "/notes": ("ServiceRequest.note",),
}
"""Where a member of the document belongs in a bundle that does not say it; all others are answers to our questions."""
_AN_ANSWER: Final = ("QuestionnaireResponse.item",)


@dataclass(frozen=True, slots=True)
class Issue:
    """`kind` is FHIR's issue type, `problem` our own finer code; `expressions` are simple FHIRPaths."""

    kind: str
    detail: str
    expressions: tuple[str, ...] = ()
    problem: str = ""


Places = Mapping[str, tuple[str, ...]]
"""JSON pointer of the document → where the bundle says it."""


def located(index: int, resource: str, path: str = "") -> tuple[str, ...]:
    """An element of the entry `index`, seen from its resource and from the bundle."""
    return f"{resource}{path}", f"Bundle.entry[{index}].resource{path}"


def path_of(place: Sequence[int | str]) -> str:
    """`("name", 0, "given")` → `.name[0].given`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)


def of_document(errors: Iterable[FieldError], places: Places) -> list[Issue]:
    """What the document's own checks found, said where the bundle has it."""
    return [_of_document(error, places) for error in errors]


def _of_document(error: FieldError, places: Places) -> Issue:
    kind = _KINDS.get(error.code, "value")
    expressions, detail = _place_of(error.pointer, places), error.detail
    if expressions == _AN_ANSWER:
        detail = f"{detail} The question is {error.pointer} of our Questionnaire."
    elif error.pointer not in places:
        detail = f"{detail} It is {error.pointer} of the referral."
    return Issue(kind, detail, expressions, error.code)


def _place_of(pointer: str, places: Places) -> tuple[str, ...]:
    """Where the member is said, else the nearest that holds it, else where it belongs."""
    at = pointer
    while at:
        if found := places.get(at):
            return found
        if belongs := _WHERE_TO_SAY_IT.get(at):
            return belongs
        at = at.rpartition("/")[0]
    return _AN_ANSWER
