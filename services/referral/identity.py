"""Who a family is: sealed for storage, and blind indexes of it for finding the family again.

A person is recognised by NHS number, or by name, date and postcode together. The same baby makes the
same referral's family; the same carer with another baby makes a sibling's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.referral.document import ReferralDocument
from shared.crypto import BlindIndex, Safe, seal, unseal
from shared.policy import fold


@dataclass(frozen=True, slots=True)
class Sealed:
    wrapped_key: bytes
    identity: bytes


@dataclass(frozen=True, slots=True)
class Tokens:
    """Blind indexes (16 bytes each) of the babies and of the carers of one referral."""

    babies: frozenset[bytes]
    carers: frozenset[bytes]

    @property
    def all(self) -> frozenset[bytes]:
        return self.babies | self.carers


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
        """`{"document": what was sent, "answers": [{"at", "notes"}]}`; raises UnreadableSecretError."""
        return json.loads(unseal(self._safe.unwrap(sealed.wrapped_key), sealed.identity, about=referral_id.bytes))

    def digest(self, purpose: str, *values: str | bytes) -> bytes:
        """A keyed digest: of a body, an external reference; nobody without the key can guess values against it."""
        return self._index.digest(purpose, *values)

    def tokens(self, document: ReferralDocument) -> Tokens:
        postcode = document.home.postcode if document.home else None
        babies = frozenset(
            token
            for baby in document.babies or ()
            for token in self._person(
                "baby", baby.nhs_number, baby.given_name, baby.family_name, baby.date_of_birth, postcode
            )
        )
        carers = frozenset(
            token
            for carer in document.caregivers or ()
            for token in self._person(
                "carer", carer.nhs_number, carer.given_name, carer.family_name, carer.date_of_birth, postcode
            )
        )
        return Tokens(babies, carers)

    def _person(
        self,
        kind: str,
        nhs: str | None,
        given: str | None,
        family: str | None,
        born_on: date | None,
        postcode: str | None,
    ) -> Iterator[bytes]:
        if nhs and len(set(nhs)) > 1:
            yield self._index.digest(f"{kind}-nhs", nhs)
        if given and family and born_on and postcode:
            yield self._index.digest(f"{kind}-name", fold(given), fold(family), born_on.isoformat(), postcode)
