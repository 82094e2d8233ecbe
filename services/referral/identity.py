"""Who a family is: sealed for storage, and blind indexes of it for finding the family again.

A person is recognised by NHS number, or by name, date and postcode together. The same baby makes the
same referral's family; the same carer with another baby makes a sibling's. Name and date alone find a referral for
staff who look for it, and never relate two.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol
from uuid import UUID

from services.referral.document import ReferralDocument
from shared.crypto import BlindIndex, Safe, seal, unseal
from shared.folding import fold

_KINDS: Final = ("baby", "carer")
_ANYBODY: Final = "anybody-name"
Name = tuple[str, str, str]
"""First and last name in one form, and the date of birth."""


@dataclass(frozen=True, slots=True)
class Sealed:
    wrapped_key: bytes
    identity: bytes


@dataclass(frozen=True, slots=True)
class Tokens:
    """Blind indexes (16 bytes each) of the babies and of the carers of one referral.

    `sought` are for staff who look for somebody: too weak to say that two referrals are of one family.
    """

    babies: frozenset[bytes]
    carers: frozenset[bytes]
    sought: frozenset[bytes] = frozenset()

    @property
    def all(self) -> frozenset[bytes]:
        """Those that relate families."""
        return self.babies | self.carers


class Person(Protocol):
    """What a baby, a carer and a search have in common."""

    @property
    def nhs_number(self) -> str | None: ...

    @property
    def given_name(self) -> str | None: ...

    @property
    def family_name(self) -> str | None: ...

    @property
    def date_of_birth(self) -> date | None: ...


class Identities:
    """Seals and opens what was sent, and derives the tokens of it."""

    def __init__(self, *, master_key: bytes, index_key: bytes) -> None:
        self._safe = Safe(master_key)
        self._index = BlindIndex(index_key)

    def seal(self, referral_id: UUID, document: Any) -> Sealed:
        """`document` is the JSON value as it was sent, kept whole; answers of the referrer come beside it later."""
        key, wrapped = self._safe.new_key()
        text = json.dumps({"document": document, "answers": []}, ensure_ascii=False).encode()
        return Sealed(wrapped, seal(key, text, about=referral_id.bytes))

    def unwrap(self, wrapped_key: bytes) -> bytes:
        return self._safe.unwrap(wrapped_key)

    def unseal(self, referral_id: UUID, sealed: Sealed) -> Any:
        """`{"document": what was sent, "answers": [{"at", "notes"}]}`; raises UnreadableSecretError.

        An answer with `of`: `challenge` is what the referrer wrote against a decline.
        """
        return json.loads(unseal(self._safe.unwrap(sealed.wrapped_key), sealed.identity, about=referral_id.bytes))

    def digest(self, purpose: str, *values: str | bytes) -> bytes:
        """A keyed digest: of a body, an external reference; nobody without the key can guess values against it."""
        return self._index.digest(purpose, *values)

    def tokens(self, document: ReferralDocument) -> Tokens:
        postcode = document.home.postcode if document.home else None
        sought: set[bytes] = set()
        babies = self._all("baby", document.babies or (), postcode, sought)
        return Tokens(babies, self._all("carer", document.caregivers or (), postcode, sought), frozenset(sought))

    def tokens_of(self, person: Person, postcode: str | None) -> frozenset[bytes]:
        """The tokens that a referral of this person has, as baby or carer.

        Of the NHS number when there is one, else of the name and date, with the postcode when that is given.
        """
        name = None if person.nhs_number else _name_of(person)
        if name and not postcode:
            return frozenset({self._index.digest(_ANYBODY, *name)})
        return frozenset(token for kind in _KINDS for token in self._related(kind, person, name, postcode))

    def _all(self, kind: str, people: Iterable[Person], postcode: str | None, sought: set[bytes]) -> frozenset[bytes]:
        """What relates these people's referrals; what finds them is added to `sought`."""
        found: list[bytes] = []
        for person in people:
            name = _name_of(person)
            found += self._related(kind, person, name, postcode)
            if name:
                sought.add(self._index.digest(_ANYBODY, *name))
        return frozenset(found)

    def _related(self, kind: str, person: Person, name: Name | None, postcode: str | None) -> Iterator[bytes]:
        nhs = person.nhs_number
        if nhs and len(set(nhs)) > 1:
            yield self._index.digest(f"{kind}-nhs", nhs)
        if name and postcode:
            yield self._index.digest(f"{kind}-name", *name, postcode)


def _name_of(person: Person) -> Name | None:
    """None unless both names and the date are known."""
    given, family, born_on = person.given_name, person.family_name, person.date_of_birth
    return (fold(given), fold(family), born_on.isoformat()) if given and family and born_on else None
