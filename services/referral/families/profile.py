"""What of a referral says who the family is, as blind indexes: enough to compare two, useless to read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

from services.referral.document import Baby, Caregiver, ReferralDocument
from services.referral.families.names import day_key, name_key, number_key
from shared.crypto import BlindIndex
from shared.events import Carer

RELATING_CARERS: Final = frozenset({Carer.MOTHER, Carer.FATHER, Carer.ADOPTIVE})
"""Whose other children are this child's siblings. A foster carer's or a grandmother's need not be."""


class Person(BaseModel):
    """Keyed digests (16 hexadecimal digits) of the parts that are known and say something.

    `day` is of the day of birth. A baby's days stand beside it as they are, as in the facts; a parent's do not.
    """

    model_config = ConfigDict(frozen=True)

    nhs: str | None = None
    given: str | None = None
    family: str | None = None
    day: str | None = None
    born: date | None = None
    due: date | None = None
    carer: Carer | None = None


class Profile(BaseModel):
    """The babies and parents of one referral, and where they live."""

    model_config = ConfigDict(frozen=True)

    home: str | None = None
    babies: tuple[Person, ...] = ()
    parents: tuple[Person, ...] = ()
    is_private: bool = False
    """Nobody outside is told of a link: a contact hold for violence, a withheld home, or an adoption."""


class Named(Protocol):
    """What a baby, a caregiver and a search have in common."""

    @property
    def nhs_number(self) -> str | None: ...
    @property
    def given_name(self) -> str | None: ...
    @property
    def family_name(self) -> str | None: ...
    @property
    def date_of_birth(self) -> date | None: ...


class Profiles:
    """Makes profiles and tokens. `are_test_numbers_real`: in development, where every number is a test number."""

    def __init__(self, index: BlindIndex, *, are_test_numbers_real: bool) -> None:
        self._index = index
        self._are_test_numbers_real = are_test_numbers_real

    def of(self, document: ReferralDocument, *, is_private: bool) -> Profile:
        postcode = document.home.postcode if document.home else None
        return Profile(
            home=self._digest("home", postcode),
            babies=tuple(self._person(each) for each in document.babies),
            parents=tuple(self._person(each) for each in _parents(document)),
            is_private=is_private,
        )

    def relating(self, document: ReferralDocument) -> frozenset[bytes]:
        """Tokens that two referrals of one family may share; whether they are one `matching` says."""
        postcode = document.home.postcode if document.home else None
        people: list[Named] = [*document.babies, *_parents(document)]
        return frozenset(token for each in people for token in self._relating(each, postcode))

    def sought(self, people: Iterable[Named], postcode: str | None) -> frozenset[bytes]:
        """Tokens for staff who look for somebody: every number, every whole name and date, with and without home."""
        found: set[bytes] = set()
        for each in people:
            found |= self._relating(each, postcode)
            if each.nhs_number and len(set(each.nhs_number)) > 1:
                found.add(self._index.digest("nhs", each.nhs_number))
            if name := _whole_name(each):
                found.add(self._index.digest("name", *name))
        return frozenset(found)

    def looking_for(self, person: Named, postcode: str | None) -> frozenset[bytes]:
        """The token that a referral about this person has: of the NHS number when it is given, else of the name."""
        if person.nhs_number:
            return frozenset({self._index.digest("nhs", person.nhs_number)})
        name = _whole_name(person)
        if not name:
            return frozenset()
        return frozenset({self._index.digest("name", *name, *([postcode] if postcode else []))})

    def _relating(self, person: Named, postcode: str | None) -> set[bytes]:
        number = number_key(person.nhs_number, are_test_numbers_real=self._are_test_numbers_real)
        found = {self._index.digest("nhs", number)} if number else set()
        if (name := _whole_name(person)) and postcode:
            found.add(self._index.digest("name", *name, postcode))
        return found

    def _person(self, person: Baby | Caregiver) -> Person:
        number = number_key(person.nhs_number, are_test_numbers_real=self._are_test_numbers_real)
        born, is_baby = day_key(person.date_of_birth), isinstance(person, Baby)
        return Person(
            nhs=self._digest("profile-nhs", number),
            given=self._digest("profile-given", name_key(person.given_name)),
            family=self._digest("profile-family", name_key(person.family_name)),
            day=self._digest("profile-day", born.isoformat() if born else None),
            born=born if is_baby else None,
            due=day_key(person.due_on) if isinstance(person, Baby) else None,
            carer=person.relationship if isinstance(person, Caregiver) else None,
        )

    def _digest(self, purpose: str, value: str | None) -> str | None:
        return self._index.digest(purpose, value)[:8].hex() if value else None


def _parents(document: ReferralDocument) -> list[Caregiver]:
    return [each for each in document.caregivers if each.relationship in RELATING_CARERS]


def _whole_name(person: Named) -> tuple[str, str, str] | None:
    """None unless both names and the date are known and real."""
    given, family = name_key(person.given_name), name_key(person.family_name)
    born = day_key(person.date_of_birth)
    return (given, family, born.isoformat()) if given and family and born else None
