"""Envelope encryption and blind indexes, behind two small classes so that a KMS can replace the key in memory.

Each referral has a data key of its own (AES-256-GCM); the data key is stored wrapped (RFC 3394) by a master key from
outside the database. Destroy the wrapped key and nobody can read what it sealed. (A backup made before holds the
wrapped key too: it is forgotten with the backup, or when the master key is replaced. See docs/records.md.)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import Annotated, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from pydantic import AfterValidator, SecretStr

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class UnreadableSecretError(Exception):
    """What is stored does not open with this key: a wrong master key, or somebody changed it."""


def read_key(text: str) -> bytes:
    """32 bytes from base64url text; raises ValueError (without the text) otherwise."""
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError("a key must be 32 bytes in base64url")
    return key


def _checked(value: SecretStr) -> SecretStr:
    read_key(value.get_secret_value())
    return value


Key = Annotated[SecretStr, AfterValidator(_checked)]
"""A setting that holds a key: a wrong one ends the start, without being shown."""


class Safe:
    """Seals and opens text under data keys that one master key wraps."""

    def __init__(self, master_key: bytes) -> None:
        self._master_key = master_key

    def new_key(self) -> tuple[bytes, bytes]:
        """A fresh data key and its wrapped form, the only one to store."""
        key = os.urandom(KEY_BYTES)
        return key, aes_key_wrap(self._master_key, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return aes_key_unwrap(self._master_key, wrapped)
        except InvalidUnwrap:
            raise UnreadableSecretError("the data key does not open") from None


def seal(key: bytes, text: bytes, *, about: bytes) -> bytes:
    """Nonce and ciphertext; `about` (the row's id) is bound to it, so that a value can't be moved to another row."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, text, about)


def unseal(key: bytes, sealed: bytes, *, about: bytes) -> bytes:
    """The text; raises UnreadableSecretError for a wrong key, a wrong row or a changed value."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except InvalidTag:
        raise UnreadableSecretError("the text does not open") from None


class BlindIndex:
    """Keyed digests for looking values up without storing them: equal values, equal digests, for one purpose each."""

    def __init__(self, key: bytes) -> None:
        self._base = hmac.new(key, digestmod=hashlib.sha256)

    def digest(self, purpose: str, *values: str | bytes) -> bytes:
        """16 bytes. Values are length-prefixed, so that ("ab", "c") and ("a", "bc") differ."""
        code = self._base.copy()
        for value in (purpose, *values):
            raw = value.encode() if isinstance(value, str) else value
            code.update(len(raw).to_bytes(4, "big") + raw)
        return code.digest()[:16]
