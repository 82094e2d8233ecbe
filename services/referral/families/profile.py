"""What of a referral says who the family is, as blind indexes: enough to compare two, useless to read.

Also when two names are the same, and which names, dates and numbers say nothing of who somebody is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from services.referral.document.fields import is_valid_nhs_number
from services.referral.document.model import Baby, Caregiver, ReferralDocument
from shared.crypto import BlindIndex
from shared.events import Carer, Safety
from shared.folding import fold

RELATING_CARERS: Final = frozenset({Carer.MOTHER, Carer.FATHER, Carer.ADOPTIVE})
"""Whose other children are this child's siblings. A foster carer's or a grandmother's need not be."""
_NUMBER: Final = r"(?:\d+|one|two|three|first|second|third|a|b|c|i|ii|iii)"
_STAND_IN: Final = re.compile(
    rf"""
    (?:unborn|newborn|new\ born|unnamed|no\ name|the|female|male|girl|boy|live|b)?\ ?
    (?:baby|babe|bb|infant|child|newborn|unborn|bump|foetus|fetus|neonate|boy|girl|son|daughter|female|male)
        (?:\ (?:boy|girl|male|female|of\ .*|o\ .*|{_NUMBER}|not\ named|unnamed|tbc|tba|unknown))*
    | (?:baby|infant|son|daughter|b\ o|bo|mother|mum)\ .*
    | (?:twin|triplet|multiple)(?:\ {_NUMBER})?(?:\ of\ .*)?
    | unknown.* | not\ (?:known|given|named|stated|yet.*|applicable|available|disclosed|recorded) | un\ ?named
    | n\ ?k | n\ ?a | n\ ?s | t\ ?b\ ?[acdn] | to\ be\ (?:confirmed|advised|decided|named)
    | unspecified | none | null | nil
    | no\ (?:name|surname|first\ name|last\ name|given\ name).* | name\ .* | anon(?:ymous)? | test | x+ | z+ | .
    """,
    re.VERBOSE,
)
"""What is written where nobody knows a name: none of it makes two people one."""
STAND_IN_DATES: Final = frozenset({date(1900, 1, 1), date(1901, 1, 1), date(1900, 12, 31)})
"""Days that systems fill in where a date is asked for and nobody knows it."""
DUMMY_NUMBERS: Final = frozenset({"9876543210", "1234567881", "9434765919", "4010232137", "4505577104"})
"""Numbers with a right check digit that stand in manuals and forms as examples."""
_TEST_RANGE: Final = "999"
"""NHS England keeps numbers that begin so for tests: they belong to nobody."""


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
    before: Profile | None = None
    """The same by the other index key, while one is changed for the other."""


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


@dataclass(frozen=True, slots=True)
class Family:
    """Who a referral is about, as blind indexes.

    `relating` are the tokens that two referrals of one family may share; whether they are one `matching` says.
    `tokens` are these and what staff search by: every number, every whole name and date, with and without home.
    """

    profile: Profile
    relating: frozenset[bytes]
    tokens: frozenset[bytes]


class PersonKeys(NamedTuple):
    """What is known of a person and says who it is, in the form in which it is compared."""

    number: str | None
    given: str | None
    family: str | None
    born: date | None

    @property
    def whole_name(self) -> tuple[str, str, str] | None:
        """None unless both names and the date are known and real."""
        return (self.given, self.family, self.born.isoformat()) if self.given and self.family and self.born else None


class Profiles:
    """Makes profiles and tokens. `are_test_numbers_real`: in development, where every number is a test number."""

    def __init__(self, index: BlindIndex, *, are_test_numbers_real: bool) -> None:
        self._index = index
        self._are_test_numbers_real = are_test_numbers_real

    def family_of(self, document: ReferralDocument) -> Family:
        """Each person's names are folded once, for the profile and for every token."""
        postcode = document.home.postcode if document.home else None
        babies: list[Person] = []
        parents: list[Person] = []
        relating: set[bytes] = set()
        tokens: set[bytes] = set()
        people: list[Baby | Caregiver] = [*document.babies, *document.caregivers]
        for each in people:
            keys = self._keys(each)
            shared = self._relating(keys, postcode)
            tokens |= shared | self._searched_by(each.nhs_number, keys)
            if isinstance(each, Baby):
                babies.append(self._person(keys, born=keys.born, due=day_key(each.due_on)))
            elif each.relationship in RELATING_CARERS:
                parents.append(self._person(keys, carer=each.relationship))
            else:
                continue
            relating |= shared
        profile = Profile(
            home=self._digest("home", postcode),
            babies=tuple(babies),
            parents=tuple(parents),
            is_private=_is_private(document),
        )
        return Family(profile, frozenset(relating), frozenset(tokens))

    def looking_for(self, person: Named, postcode: str | None) -> frozenset[bytes]:
        """The token that a referral about this person has: of the NHS number when it is given, else of the name."""
        if person.nhs_number:
            return frozenset({self._index.digest("nhs", person.nhs_number)})
        name = self._keys(person).whole_name
        if not name:
            return frozenset()
        return frozenset({self._index.digest("name", *name, *([postcode] if postcode else []))})

    def _keys(self, person: Named) -> PersonKeys:
        return PersonKeys(
            number_key(person.nhs_number, are_test_numbers_real=self._are_test_numbers_real),
            name_key(person.given_name),
            name_key(person.family_name),
            day_key(person.date_of_birth),
        )

    def _relating(self, keys: PersonKeys, postcode: str | None) -> set[bytes]:
        found = {self._index.digest("nhs", keys.number)} if keys.number else set()
        if keys.whole_name and postcode:
            found.add(self._index.digest("name", *keys.whole_name, postcode))
        return found

    def _searched_by(self, number: str | None, keys: PersonKeys) -> set[bytes]:
        """Staff find a number with a wrong check digit too, but not one of ten equal digits."""
        found = set()
        if number and number != keys.number and len(set(number)) > 1:  # keys.number is in `_relating`
            found.add(self._index.digest("nhs", number))
        if keys.whole_name:
            found.add(self._index.digest("name", *keys.whole_name))
        return found

    def _person(
        self, keys: PersonKeys, *, born: date | None = None, due: date | None = None, carer: Carer | None = None
    ) -> Person:
        return Person(
            nhs=self._digest("profile-nhs", keys.number),
            given=self._digest("profile-given", keys.given),
            family=self._digest("profile-family", keys.family),
            day=self._digest("profile-day", keys.born.isoformat() if keys.born else None),
            born=born,
            due=due,
            carer=carer,
        )

    def _digest(self, purpose: str, value: str | None) -> str | None:
        return self._index.digest(purpose, value)[:8].hex() if value else None


def _is_private(document: ReferralDocument) -> bool:
    """Nobody outside hears that this family is known elsewhere: under C2, with a withheld home, or in an adoption."""
    is_adoption = any(each.relationship is Carer.ADOPTIVE for each in document.caregivers)
    return Safety.DOMESTIC_ABUSE in document.safety or bool(document.home and document.home.withheld) or is_adoption


def name_key(name: str | None) -> str | None:
    """The form in which two names are compared: letters alone, in one piece. None for no name and for a stand-in.

    Case, accents, apostrophes, hyphens and spaces do not matter; vowel signs of other scripts do.
    """
    folded = fold(name or "")
    return None if not folded or _STAND_IN.fullmatch(folded) else folded.replace(" ", "")


def day_key(day: date | None) -> date | None:
    return None if day in STAND_IN_DATES else day


def number_key(number: str | None, *, are_test_numbers_real: bool) -> str | None:
    """An NHS number that can be somebody's; None for a wrong check digit, a dummy, and a test number in live use."""
    if not number or number in DUMMY_NUMBERS or not is_valid_nhs_number(number):
        return None
    return None if number.startswith(_TEST_RANGE) and not are_test_numbers_real else number
