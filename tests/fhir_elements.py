"""Elements of the bundles that a sender writes: codings, people, addresses, ways to be reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.referral.fhir.names import (
    ABSENT,
    COMMUNICATION_NEED,
    ETHNIC_CATEGORY,
    INTERPRETER,
    MASKED,
    MESSAGES,
    NHS_NUMBER,
    NO_FIXED_ABODE,
    RELATIONSHIPS,
    SAFE_CONTACT,
)
from shared.events import Carer

Json = dict[str, Any]

_UK_CORE: Final = "https://fhir.hl7.org.uk/"
ETHNIC_CATEGORIES_ENGLAND: Final = _UK_CORE + "CodeSystem/UKCore-EthnicCategoryEngland"
HUMAN_LANGUAGE: Final = _UK_CORE + "CodeSystem/UKCore-HumanLanguage"
VERIFICATION: Final = _UK_CORE + "StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
VERIFICATION_CODES: Final = _UK_CORE + "CodeSystem/UKCore-NHSNumberVerificationStatus"
ROLE_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
ROLE_OF_RELATIONSHIP: Final[Mapping[str, str]] = {
    Carer.MOTHER: "MTH",
    Carer.FATHER: "FTH",
    Carer.PARTNER: "DOMPART",
    Carer.KINSHIP: "EXT",
    Carer.FOSTER: "PRNFOST",
    Carer.ADOPTIVE: "ADOPTP",
}


def coding(system: str, code: str, **more: str) -> Json:
    return {"system": system, "code": code, **more}


def concept(*codings: Json, text: str | None = None) -> Json:
    return ({"coding": list(codings)} if codings else {}) | ({"text": text} if text else {})


def extension(url: str, **value: Any) -> Json:
    return {"url": url, **value}


def compact(resource: Json) -> Json:
    """Without members that say nothing."""
    return {name: value for name, value in resource.items() if value not in (None, [], {}, "")}


def person(person: Json) -> Json:
    """Name, birth date, NHS number and ethnic category."""
    given, family, number = person.get("given_name"), person.get("family_name"), person.get("nhs_number")
    category = person.get("ethnic_category")
    name = {"use": "official", **({"family": family} if family else {}), **({"given": [given]} if given else {})}
    not_traced = concept(coding(VERIFICATION_CODES, "number-present-but-not-traced"))
    return {
        "name": [name] if given or family else None,
        "birthDate": person.get("date_of_birth"),
        "identifier": [
            {
                "extension": [extension(VERIFICATION, valueCodeableConcept=not_traced)],
                "system": NHS_NUMBER,
                "value": number,
            }
        ]
        if number
        else None,
        "extension": [
            extension(ETHNIC_CATEGORY, valueCodeableConcept=concept(coding(ETHNIC_CATEGORIES_ENGLAND, category)))
        ]
        if category
        else [],
    }


def telecom(person: Json) -> list[Json]:
    return [{"system": name, "value": person[name]} for name in ("phone", "email") if person.get(name)]


def relationship(carer: Json) -> list[Json]:
    relationship = carer.get("relationship")
    if not relationship:
        return []
    role = ROLE_OF_RELATIONSHIP.get(relationship)
    return [concept(coding(RELATIONSHIPS, relationship), *([coding(ROLE_CODE, role)] if role else []))]


def extensions_of(carer: Json) -> Iterator[Json]:
    if carer.get("interpreter_needed") is not None:
        yield extension(INTERPRETER, valueBoolean=carer["interpreter_needed"])
    for need in carer.get("communication_needs") or ():
        yield extension(COMMUNICATION_NEED, valueCode=need)
    if carer.get("safe_contact"):
        yield extension(SAFE_CONTACT, valueString=carer["safe_contact"])
    if (wanted := carer.get("messages")) is not None:
        yield {"url": MESSAGES, "extension": list(_parts_of(wanted))}


def _parts_of(wanted: Json) -> Iterator[Json]:
    if wanted.get("channel"):
        yield extension("channel", valueCode=wanted["channel"])
    if wanted.get("is_safe") is not None:
        yield extension("is-safe", valueBoolean=wanted["is_safe"])
    if wanted.get("told_by"):
        yield extension("told-by", valueCode=wanted["told_by"])


def address_of(home: Mapping[str, Any]) -> Json | None:
    if home.get("withheld"):
        return {"extension": [extension(ABSENT, valueCode=MASKED)]}
    if home.get("no_fixed_abode"):
        return {"use": "temp", "postalCode": NO_FIXED_ABODE}
    said = compact({"line": home.get("address_lines"), "postalCode": home.get("postcode")})
    return {"use": "home", **said} if said else None
