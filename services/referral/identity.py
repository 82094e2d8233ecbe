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
    wrapped_key: bytes
    identity: bytes


class Identities:
    """Seals and opens what was sent, and makes blind indexes of it."""

    def __init__(self, *, master_key: bytes, index_key: bytes, are_test_numbers_real: bool = True) -> None:
        self._safe = Safe(master_key)
        self._index = BlindIndex(index_key)
        self.profiles = Profiles(self._index, are_test_numbers_real=are_test_numbers_real)

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
