"""Who a family is: sealed for storage, with keyed digests for finding it again (families/)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.referral.families.profile import Profiles
from shared.crypto import BlindIndex, Safe, seal, unseal


@dataclass(frozen=True, slots=True)
class Sealed:
    """`external` is the agency's own reference, apart from the rest, for it is shown again and again."""

    wrapped_key: bytes
    identity: bytes
    external: bytes | None = None


class Identities:
    """Seals and opens what was sent, and makes blind indexes of it."""

    def __init__(self, *, master_key: bytes, index_key: bytes, are_test_numbers_real: bool = True) -> None:
        self._safe = Safe(master_key)
        self._index = BlindIndex(index_key)
        self.profiles = Profiles(self._index, are_test_numbers_real=are_test_numbers_real)

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

    def body_digest(self, agency_id: UUID, document: bytes) -> bytes:
        """Tells whether an agency has sent this document before: its canonical text, as it is stored."""
        return self.digest("body", agency_id.bytes, document)

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
