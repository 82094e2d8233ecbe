"""Who a family is: sealed for storage, with keyed digests for finding it again (families/).

While one index key is changed for another (`keys rotate`), everything that is looked up is looked up under both, the
tokens and the profile of a family are stored under both, and other digests under the current one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.referral.document.model import ReferralDocument
from services.referral.families.profile import Family, Named, Profiles
from shared.crypto import LocalKey, seal, unseal
from shared.encryption_keys import HeldKey

CURSOR_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Sealed:
    """`external` is the agency's own reference, apart from the rest, for it is shown again and again."""

    wrapped_key: bytes
    identity: bytes
    external: bytes | None = None


class Identities:
    """Seals and opens what was sent, and makes blind indexes of it."""

    def __init__(self, *, master: HeldKey, index: HeldKey, are_test_numbers_real: bool = True) -> None:
        self.master, self.index = master, index
        self._are_test_numbers_real = are_test_numbers_real
        self._safe = master.safe
        self._indexes = [key.blind_index() for key in index.given]
        self._profiles = [self._profiles_of(key) for key in index.given]
        self.index_key: Final = b"".join(key.id for key in index.given)
        """Names the keys under which a family's tokens are made now, the current one first."""

    def seal(self, referral_id: UUID, document: bytes, external: str | None = None) -> Sealed:
        """`document` is the JSON text that was sent, kept whole; answers of the referrer come beside it later."""
        key, wrapped = self._safe.new_key()
        text = b'{"document":%b,"answers":[]}' % document
        return Sealed(wrapped, seal(key, text, about=referral_id.bytes), self.seal_external(referral_id, key, external))

    def seal_external(self, referral_id: UUID, key: bytes, external: str | None) -> bytes | None:
        return seal(key, external.encode(), about=referral_id.bytes) if external else None

    def external(self, referral_id: UUID, wrapped_key: bytes | None, sealed: bytes | None) -> str | None:
        """The agency's own reference; None when there is none. Raises UnreadableSecretError."""
        if wrapped_key is None or sealed is None:
            return None
        return unseal(self._safe.unwrap(wrapped_key), sealed, about=referral_id.bytes).decode()

    def unwrap(self, wrapped_key: bytes) -> bytes:
        return self._safe.unwrap(wrapped_key)

    def unseal(self, referral_id: UUID, sealed: Sealed) -> Any:
        """`{"document": what was sent, "answers": [{"at", "notes"}]}`; raises UnreadableSecretError.

        An answer with `of`: `challenge` is what the referrer wrote against a decline.
        """
        return json.loads(unseal(self._safe.unwrap(sealed.wrapped_key), sealed.identity, about=referral_id.bytes))

    def family_of(self, document: ReferralDocument) -> Family:
        """Tokens and profile; under the other index key, too, while there is one."""
        family, *others = (profiles.family_of(document) for profiles in self._profiles)
        for other in others:
            profile = family.profile.model_copy(update={"before": other.profile})
            family = Family(profile, family.relating | other.relating, family.tokens | other.tokens)
        return family

    def tokens_under(self, key: LocalKey, document: ReferralDocument) -> frozenset[bytes]:
        """The tokens of this one key."""
        return self._profiles_of(key).family_of(document).tokens

    def looking_for(self, person: Named, postcode: str | None) -> frozenset[bytes]:
        """The tokens by which a referral about this person is found."""
        return frozenset().union(*(profiles.looking_for(person, postcode) for profiles in self._profiles))

    def digest(self, purpose: str, *values: str | bytes) -> bytes:
        """A keyed digest: of a body, an external reference; nobody without the key can guess values against it."""
        return self._indexes[0].digest(purpose, *values)

    def digests(self, purpose: str, *values: str | bytes) -> tuple[bytes, ...]:
        """To look for: the digest, then the one under the other index key while there is one."""
        return tuple(index.digest(purpose, *values) for index in self._indexes)

    def body_digests(self, agency_id: UUID, document: bytes) -> tuple[bytes, ...]:
        """Tell whether an agency has sent this document before: its canonical text, as it is stored."""
        return self.digests("body", agency_id.bytes, document)

    def external_digests(self, agency_id: UUID, external: str | None) -> tuple[bytes, ...]:
        """By which a referral is found under its agency's own reference; none without one."""
        return self.digests("external", agency_id.bytes, external) if external else ()

    def has_signed(self, signature: bytes, purpose: str, *values: str | bytes) -> bool:
        """Whether it is the beginning of one of the digests."""
        return any(each[: len(signature)] == signature for each in self.digests(purpose, *values))

    def _profiles_of(self, key: LocalKey) -> Profiles:
        return Profiles(key.blind_index(), are_test_numbers_real=self._are_test_numbers_real)


def hexadecimal(digests: Iterable[bytes]) -> list[str]:
    return [each.hex() for each in digests]
