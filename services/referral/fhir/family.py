"""Who is who in a bundle: which Patient is a baby and which a pregnant parent, who cares for the baby, where they live.

A baby is a Patient. One who is not born may have none: then the due date of the pregnant parent tells of it. Beside one
Patient who is a baby, the due date of the parent is that of this baby. A Patient of ten years or more is no baby.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from services.referral.document.model import YOUNGEST_CAREGIVER, years_old
from services.referral.fhir import persons
from services.referral.fhir.collecting import Collected, Members, Said
from services.referral.fhir.envelope import BundleEntry, Envelope
from services.referral.fhir.issues import Issue
from services.referral.fhir.models import Address, Observation, Patient, PersonResource, RelatedPerson
from services.referral.fhir.names import (
    ABSENT,
    CONTACTS_WHO_CARE,
    DUE_DATE,
    MASKED,
    NO_FIXED_ABODE,
    RELATIONSHIP_OF_ROLE,
    RELATIONSHIPS,
    SNOMED,
)
from shared.events import Carer

_A_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T.*", re.DOTALL | re.ASCII)
_NOT_TRUE: Final = frozenset({"entered-in-error", "cancelled"})
_LAST: Final = 10**9
_EARLIEST, _LATEST = timedelta(days=140), timedelta(days=28)
"""How long before and after its due date a baby may be born: at 20 weeks of the 40, and at 44. Beyond, the due date is
that of another pregnancy."""
_WHOSE: Final = "Nobody can tell which baby this due date is of: Observation.focus names the baby."
_PERSONAL: Final = ("phone", "email", "preferred_language", "interpreter_needed")
"""What a baby's own record says for whoever looks after it."""


@dataclass(frozen=True, slots=True)
class DueDate:
    """An estimated date of delivery: whose (`baby`), or of a child who has no Patient; `parent` is who is pregnant."""

    entry: BundleEntry[Observation]
    baby: BundleEntry[Patient] | None
    parent: BundleEntry[Patient] | None

    @property
    def member(self) -> Said:
        """The day as it is written there; with a time after it, the day of that."""
        written = self.entry.resource.value_date_time or ""
        found = _A_DAY.fullmatch(written)
        return Said(found[1] if found else written, self.entry.at("valueDateTime"))


def read_family(envelope: Envelope, told: Collected, today: date) -> None:
    """Put `babies`, `caregivers` and `home`."""
    told.unread += [each.index for each in envelope.of(Observation) if not _is_due_date(each.resource)]
    due_dates = list(_due_dates(envelope, today))
    pregnant = {each.parent.index for each in due_dates if each.parent}
    parents: list[BundleEntry[Patient]] = []
    babies: list[BundleEntry[Patient]] = []
    for patient in envelope.of(Patient):
        is_parent = patient.index in pregnant or _age(patient.resource, today) >= YOUNGEST_CAREGIVER
        (parents if is_parent else babies).append(patient)
    _put_babies(told, babies, due_dates)
    everyone = list(envelope.of(RelatedPerson))
    related = [each for each in everyone if each.resource.active is not False]
    contacts_of = babies if related == everyone else []  # a contact may be the one who is no longer in touch
    of_parents = {each.index for each in parents}
    gone = _say_who_is_gone(envelope, told, parents, pregnant)
    alive = [each for each in parents if not each.resource.has_died]
    relations = [_related(envelope, each, of_parents) for each in related]
    caregivers = _caregivers(told, alive, relations, pregnant, contacts_of)
    _share_with_caregivers(told, babies, caregivers, is_only=len(caregivers) == 1 and not gone)
    told.put_people("caregivers", [(each.members, each.at) for each in caregivers])
    _put_home(told, [*babies, *parents, *related])


def _age(person: PersonResource, today: date) -> int:
    """Whole years; 0 when there is no such day, or none is said."""
    try:
        return years_old(date.fromisoformat(person.birth_date or ""), today)
    except ValueError:
        return 0


def _due_dates(envelope: Envelope, today: date) -> Iterator[DueDate]:
    found = [each for each in envelope.of(Observation) if _is_due_date(each.resource)]
    focused = {
        each.index: baby
        for each in found
        for pointer in each.resource.focus
        if (baby := envelope.find(pointer, Patient))
    }
    of_babies = {baby.index for baby in focused.values()}
    for each in found:
        subject = envelope.find(each.resource.subject, Patient)
        is_baby = subject is not None and (subject.index in of_babies or _is_child(subject.resource, today))
        baby = focused.get(each.index) or (subject if is_baby else None)
        yield DueDate(each, baby, None if is_baby else subject)


def _is_due_date(observation: Observation) -> bool:
    if observation.status in _NOT_TRUE or observation.value_date_time is None or not observation.code:
        return False
    return any(each.code == DUE_DATE and each.system in (SNOMED, None) for each in observation.code.coding)


def _is_child(patient: Patient, today: date) -> bool:
    return patient.birth_date is not None and _age(patient, today) < YOUNGEST_CAREGIVER


def _put_babies(told: Collected, patients: list[BundleEntry[Patient]], due_dates: list[DueDate]) -> None:
    """In the order of the entries; an unborn child without a Patient stands where its due date stands."""
    found: dict[int, tuple[Members, tuple[str, ...]]] = {
        each.index: (persons.baby_of(each), each.at()) for each in patients
    }
    unborn: dict[str, DueDate] = {}
    for each in due_dates:
        if each.baby is None:
            unborn.setdefault(each.member.value, each)
        elif each.baby.index in found:
            _set_due_date(told, found[each.baby.index][0], each.member)
    if len(unborn) > 1:
        words = "Two due dates, and no Patient to tell whose: Observation.focus names the baby."
        told.issues += [Issue("invariant", words, each.member.at) for each in unborn.values()]
    elif unborn and found:
        _of_the_only_baby(told, patients, next(iter(unborn.values())), found)
    if not found:
        for each in list(unborn.values())[:1]:
            found[each.entry.index] = ({"due_on": each.member}, each.entry.at())
    told.put_people("babies", [found[index] for index in sorted(found)])
    told.names_loss = any(each.resource.has_died for each in patients)


def _of_the_only_baby(
    told: Collected,
    patients: list[BundleEntry[Patient]],
    due_date: DueDate,
    found: Mapping[int, tuple[Members, tuple[str, ...]]],
) -> None:
    """A parent's due date is that of the one Patient who is a baby; of several, or of another pregnancy, a mistake.

    It never becomes a further baby, because a day long past would then read as a loss. In a danger it is words.
    """
    if len(patients) == 1 and _may_be_born(patients[0].resource, due_date.member.value):
        _set_due_date(told, found[patients[0].index][0], due_date.member)
        return
    told.issues.append(Issue("invariant", _WHOSE, due_date.member.at, "required"))
    told.say(due_date.member.value, "A due date, of nobody in particular")


def _may_be_born(baby: Patient, due_on: str) -> bool:
    """False when the birth is too far from the due date; a day that can't be read is for the document to refuse."""
    try:
        born, due = date.fromisoformat(baby.birth_date or ""), date.fromisoformat(due_on)
    except ValueError:
        return True
    return -_EARLIEST <= born - due <= _LATEST


def _set_due_date(told: Collected, baby: Members, due_on: Said) -> None:
    known = baby.setdefault("due_on", due_on)
    if known.value != due_on.value:
        told.issues.append(Issue("invariant", "A baby has one due date, and here are two.", due_on.at))


@dataclass(slots=True)
class _Caregiver:
    """`further` are the second and later numbers and addresses, which the document has no place for."""

    members: Members
    at: tuple[str, ...]
    rank: int
    further: list[str]


def _say_who_is_gone(
    envelope: Envelope, told: Collected, parents: list[BundleEntry[Patient]], pregnant: set[int]
) -> bool:
    """Who has died, or is no longer in touch, is no caregiver: a person reads of them. True when there is anybody."""
    gone: list[tuple[str, _Caregiver, BundleEntry[Any]]] = [
        ("Has died", _parent(each, is_pregnant=each.index in pregnant), each)
        for each in parents
        if each.resource.has_died
    ]
    gone += [
        ("No longer in touch", _related(envelope, each, {parent.index for parent in parents}), each)
        for each in envelope.of(RelatedPerson)
        if each.resource.active is False
    ]
    for what, person, entry in gone:
        place = persons.official(entry.resource.name)
        name = persons.name_of(entry.resource.name[place]) if place is not None else None
        relationship = person.members.get("relationship")
        words = f"{name or 'no name'} ({relationship.value})" if relationship else name or "no name"
        told.say(words, f"{what}, by the sender's record")
    return bool(gone)


def _caregivers(
    told: Collected,
    parents: list[BundleEntry[Patient]],
    related: list[_Caregiver],
    pregnant: set[int],
    babies: list[BundleEntry[Patient]],
) -> list[_Caregiver]:
    """A pregnant parent first, then by ContactRank, then as they stand; a baby's contacts when nobody else is told."""
    people = [_parent(each, is_pregnant=each.index in pregnant) for each in parents]
    people += related
    people.sort(key=lambda each: each.rank)
    if not people:
        people = sorted((each for baby in babies for each in _contacts(baby)), key=lambda each: each.rank)
    for number, each in enumerate(people, start=1):
        told.say(", ".join(each.further), f"Further ways to reach caregiver {number}")
    return people


def _parent(entry: BundleEntry[Patient], *, is_pregnant: bool) -> _Caregiver:
    members = persons.caregiver_of(entry)
    if is_pregnant:
        members["relationship"] = Said(Carer.MOTHER.value, entry.at())
    oneself = next((each for each in entry.resource.contact if persons.is_oneself(each)), None)
    own_rank = persons.rank_of(oneself) if oneself else None
    return _Caregiver(members, entry.at(), own_rank or (0 if is_pregnant else _LAST), persons.other_ways(entry))


def _related(envelope: Envelope, entry: BundleEntry[RelatedPerson], parents: set[int]) -> _Caregiver:
    """`parents` are the indexes of their entries."""
    members = persons.caregiver_of(entry)
    patient = envelope.find(entry.resource.patient, Patient)
    to_parent = patient is not None and patient.index in parents
    relationship = persons.relationship_of(entry.resource.relationship, to_parent=to_parent)
    if relationship is not None:
        members["relationship"] = Said(str(relationship), entry.at("relationship"))
    return _Caregiver(members, entry.at(), persons.rank_of(entry.resource) or _LAST, persons.other_ways(entry))


def _contacts(entry: BundleEntry[Patient]) -> Iterator[_Caregiver]:
    for number, contact in enumerate(entry.resource.contact):
        codes = {coding.code for concept in contact.relationship for coding in concept.coding}
        is_ours = any(c.system == RELATIONSHIPS for concept in contact.relationship for c in concept.coding)
        if persons.is_oneself(contact) or not (is_ours or codes & (CONTACTS_WHO_CARE | RELATIONSHIP_OF_ROLE.keys())):
            continue
        at = entry.at("contact", number)
        members = dict(persons.named(contact.name, entry.at("contact", number, "name"))) if contact.name else {}
        further: list[str] = []
        for member, systems in (("phone", persons.PHONES), ("email", {"email"})):
            places = persons.reached_by(systems, contact.telecom)
            if places:
                where = entry.at("contact", number, "telecom", places[0], "value")
                members[member] = Said(contact.telecom[places[0]].value, where)
            further += [str(contact.telecom[place].value) for place in places[1:]]
        relationship = persons.relationship_of(contact.relationship)
        members["relationship"] = Said(str(relationship), entry.at("contact", number, "relationship"))
        yield _Caregiver(members, at, persons.rank_of(contact) or _LAST, further)


def _share_with_caregivers(
    told: Collected, babies: list[BundleEntry[Patient]], people: list[_Caregiver], *, is_only: bool
) -> None:
    """The phone and the language of a baby are those of its only caregiver; of several nobody can tell whose."""
    for baby in babies:
        said = {name: each for name, each in persons.caregiver_of(baby).items() if name in _PERSONAL}
        if is_only:
            people[0].members = said | people[0].members
            continue
        for name, each in said.items():
            words = ("yes" if each.value else "no") if isinstance(each.value, bool) else each.value
            told.say(words, f"On the baby's record, {name.replace('_', ' ')}")


def _put_home(told: Collected, people: list[BundleEntry[Any]]) -> None:
    """The first address of a baby, else of a parent, else of a carer; an old one is none."""
    for entry in people:
        for number, address in enumerate(entry.resource.address):
            if address.use != "old" and (home := _home_of(address)):
                at = entry.at("address", number)
                for member, value in home.items():
                    told.put(f"/home/{member}", value, at)
                if "postcode" in home:
                    told.places["/home/postcode"] = entry.at("address", number, "postalCode")
                return


def _home_of(address: Address) -> dict[str, Any]:
    """One kind of home: masked is withheld; a temporary one that says nothing, or the pseudo postcode, is none."""
    if any(each.value_code == MASKED for _, each in address.extended(ABSENT)):
        return {"withheld": True}
    postcode = address.postal_code
    lines = [line for line in (*address.line, address.city, address.district) if line]
    if not lines and not postcode and address.text:
        lines = [address.text]
    is_nowhere = (postcode or "").replace(" ", "").upper() in ("", NO_FIXED_ABODE.replace(" ", ""))
    if address.use == "temp" and is_nowhere and not lines:
        return {"no_fixed_abode": True}
    return ({"postcode": postcode} if postcode else {}) | ({"address_lines": lines} if lines else {})
