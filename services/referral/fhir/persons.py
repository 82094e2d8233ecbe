"""One person of a bundle: name, dates, numbers, language, ways to be reached, as members of a baby or a caregiver.

Texts are taken as they are written: the document's own checks refuse `2026-05` or a phone with an extension.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from services.referral.fhir.collecting import Members, Said
from services.referral.fhir.envelope import BundleEntry
from services.referral.fhir.models import (
    CodeableConcept,
    ContactPoint,
    HumanName,
    Patient,
    PatientContact,
    PersonResource,
)
from services.referral.fhir.names import (
    COMMUNICATION_NEED,
    CONTACT_RANK,
    ETHNIC_CATEGORY,
    INTERPRETER,
    MESSAGES,
    NHS_NUMBER,
    ONESELF,
    RELATIONSHIP_OF_ROLE,
    RELATIONSHIPS,
    ROLES_OF_A_PARENT,
    SAFE_CONTACT,
    SEX_OF_GENDER,
)
from shared.events import Carer

PHONES: Final = frozenset({"phone", "sms"})


def baby_of(entry: BundleEntry[Patient]) -> Members:
    """What the Patient of a baby says, without its due date."""
    found = dict(_named(entry))
    gender = entry.resource.gender
    if gender is not None:  # another word stays as it is, for the document to refuse
        found["sex"] = Said(SEX_OF_GENDER.get(gender, gender), entry.at("gender"))
    return found


def caregiver_of(entry: BundleEntry[Any]) -> Members:
    """What a RelatedPerson, or the Patient of a pregnant parent, says of a caregiver, without the relationship."""
    return dict(_named(entry)) | dict(ways_to_reach(entry)) | dict(_communication(entry)) | dict(_own_extensions(entry))


def relationship_of(concepts: Sequence[CodeableConcept], *, to_parent: bool = False) -> Carer | str | None:
    """Ours when one is named, else by the HL7 role; `other` for another role; None for none.

    Ours is seen from the baby. A role is seen from whom the record belongs to: the mother of a parent is kin.
    """
    codings = [coding for concept in concepts for coding in concept.coding if coding.code]
    own = next((coding.code for coding in codings if coding.system == RELATIONSHIPS), None)
    if own or not concepts:
        return own
    if to_parent and any(coding.code in ROLES_OF_A_PARENT for coding in codings):
        return Carer.KINSHIP
    known = (RELATIONSHIP_OF_ROLE.get(coding.code or "") for coding in codings)
    return next(filter(None, known), Carer.OTHER)


def is_oneself(contact: PatientContact) -> bool:
    """BaRS writes a patient's own telephone as that of a contact who is the patient."""
    return any(coding.code == ONESELF for concept in contact.relationship for coding in concept.coding)


def rank_of(part: PatientContact | PersonResource) -> int | None:
    """UK Core's ContactRank: 1 is the first to be contacted."""
    return next((each.value_positive_int for _, each in part.extended(CONTACT_RANK)), None)


def name_of(name: HumanName) -> str | None:
    """As one line: for a practitioner, or whoever gave consent."""
    parts = [*name.prefix, *name.given, name.family]
    return name.text or " ".join(part for part in parts if part) or None


def official(names: Sequence[HumanName]) -> int | None:
    """The place of the name to use: the official one, else the first that is not old."""
    by_use = {name.use: place for place, name in reversed(list(enumerate(names)))}
    if "official" in by_use:
        return by_use["official"]
    return next((place for place, name in enumerate(names) if name.use not in {"old", "anonymous"}), None)


def reached_by(systems: Iterable[str], telecom: Sequence[ContactPoint]) -> list[int]:
    """The places of the usable ones, the best rank first."""
    wanted = set(systems)
    usable = [place for place, each in enumerate(telecom) if each.system in wanted and each.use != "old" and each.value]
    return sorted(usable, key=lambda place: telecom[place].rank or len(telecom) + 1)


def ways_to_reach(entry: BundleEntry[PersonResource]) -> Iterator[tuple[str, Said]]:
    """`phone` and `email` of telecom, and of a contact who is the person themself."""
    for member, systems in (("phone", PHONES), ("email", {"email"})):
        if places := [*_telecoms(entry, systems)]:
            yield member, places[0]


def other_ways(entry: BundleEntry[PersonResource]) -> list[str]:
    """The second and further numbers and addresses."""
    return [place.value for systems in (PHONES, {"email"}) for place in [*_telecoms(entry, systems)][1:]]


def _telecoms(entry: BundleEntry[PersonResource], systems: Iterable[str]) -> Iterator[Said]:
    person = entry.resource
    for place in reached_by(systems, person.telecom):
        yield Said(person.telecom[place].value, entry.at("telecom", place, "value"))
    for number, contact in enumerate(person.contact if isinstance(person, Patient) else ()):
        if is_oneself(contact):
            for place in reached_by(systems, contact.telecom):
                yield Said(contact.telecom[place].value, entry.at("contact", number, "telecom", place, "value"))


def named(name: HumanName, at: tuple[str, ...]) -> Iterator[tuple[str, Said]]:
    """`given_name` and `family_name`; a name in one text is a given name. `at` is where the name stands."""
    given = " ".join(part for part in name.given if part)
    if given:
        yield "given_name", Said(given, _in(at, "given"))
    if name.family:
        yield "family_name", Said(name.family, _in(at, "family"))
    if not given and not name.family and name.text:
        yield "given_name", Said(name.text, _in(at, "text"))


def _in(at: tuple[str, ...], element: str) -> tuple[str, ...]:
    return tuple(f"{each}.{element}" for each in at)


def _named(entry: BundleEntry[PersonResource]) -> Iterator[tuple[str, Said]]:
    person = entry.resource
    if (place := official(person.name)) is not None:
        yield from named(person.name[place], entry.at("name", place))
    if person.birth_date is not None:
        yield "date_of_birth", Said(person.birth_date, entry.at("birthDate"))
    for number, each in enumerate(person.identifier):
        if each.system == NHS_NUMBER and each.value is not None:
            yield "nhs_number", Said(each.value, entry.at("identifier", number, "value"))
            break
    for number, extension in person.extended(ETHNIC_CATEGORY):
        if extension.value_codeable_concept and (code := extension.value_codeable_concept.code_of()):
            yield "ethnic_category", Said(code, entry.at("extension", number, "valueCodeableConcept"))


def _communication(entry: BundleEntry[PersonResource]) -> Iterator[tuple[str, Said]]:
    spoken = [
        (bool(each.preferred), number, code)
        for number, each in enumerate(entry.resource.communication)
        if each.language and (code := each.language.code_of())
    ]
    preferred = [each for each in spoken if each[0]]
    if len(found := preferred or spoken) == 1:  # of several languages none is the preferred one unless it is said
        [(_, number, code)] = found
        yield "preferred_language", Said(code, entry.at("communication", number, "language"))
    for number, extension in entry.resource.extended(INTERPRETER):
        if extension.value_boolean is not None:
            yield "interpreter_needed", Said(extension.value_boolean, entry.at("extension", number, "valueBoolean"))


def _own_extensions(entry: BundleEntry[PersonResource]) -> Iterator[tuple[str, Said]]:
    needs = entry.resource.extended(COMMUNICATION_NEED)
    if needs:
        codes = [each.value_code for _, each in needs]
        yield "communication_needs", Said(codes, entry.at("extension", needs[0][0], "valueCode"))
    for number, extension in entry.resource.extended(SAFE_CONTACT):
        if extension.value_string is not None:
            yield "safe_contact", Said(extension.value_string, entry.at("extension", number, "valueString"))
    for number, extension in entry.resource.extended(MESSAGES):
        parts = {part.url: part for part in extension.extension}
        wanted = {
            "channel": parts["channel"].value_code if "channel" in parts else None,
            "is_safe": parts["is-safe"].value_boolean if "is-safe" in parts else None,
            "told_by": parts["told-by"].value_code if "told-by" in parts else None,
        }
        said = {name: value for name, value in wanted.items() if value is not None}
        yield "messages", Said(said, entry.at("extension", number))
