"""Envelope encryption and blind indexes, behind small classes so that a KMS can replace the key in memory.

Each referral has a data key of its own (AES-256-GCM); the data key is stored wrapped (RFC 3394) by a master key from
outside the database. Destroy the wrapped key and nobody can read what it sealed. (A backup made before holds the
wrapped key too: it is forgotten with the backup, or when the master key is replaced. See docs/records.md.)

    stored form of a data key:  01 | 4 bytes: id of the master key | the key, wrapped      since keys have names
                                the key, wrapped (40 bytes)                                before
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import Annotated, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from pydantic import AfterValidator, BeforeValidator, SecretStr

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ID_BYTES: Final = 4
NAMED: Final = b"\x01"
"""The first byte of a stored form that says under which key it is."""
_UNNAMED_BYTES: Final = KEY_BYTES + 8


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


def _checked_other(value: SecretStr | None) -> SecretStr | None:
    return _checked(value) if value else None


OtherKey = Annotated[SecretStr | None, BeforeValidator(lambda value: value or None), AfterValidator(_checked_other)]
"""A setting for the key before, while a key is being changed; empty is none."""


def subkey(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose alone (HKDF-SHA256): who learns one learns neither the key nor another."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"pir {purpose}".encode()).derive(key)


class KeyWrapper(Protocol):
    """What keeps data keys under a key that has a name: the port behind which a key service (KMS) can stand."""

    @property
    def id(self) -> bytes:
        """4 bytes that name the key and tell nothing of it."""

    def wrap(self, key: bytes) -> bytes:
        """The stored form: NAMED, the id, and whatever opens again."""

    def unwrap(self, stored: bytes) -> bytes:
        """The data key; raises UnreadableSecretError for what another key wrapped, and for what was changed."""


class LocalKey:
    """A key in the memory of this process, from a setting.

    `writes_names` False: it writes the form from before keys had names, which an older version beside it can read.
    """

    def __init__(self, key: bytes) -> None:
        self._key, self._wrapping = key, subkey(key, "wrapping")
        self.id = subkey(key, "id")[:ID_BYTES]
        self.writes_names = True

    def wrap(self, key: bytes) -> bytes:
        if not self.writes_names:
            return aes_key_wrap(self._key, key)
        return NAMED + self.id + aes_key_wrap(self._wrapping, key)

    def blind_index(self) -> BlindIndex:
        """What an index key is for."""
        return BlindIndex(self._key)

    def unwrap(self, stored: bytes) -> bytes:
        """Of both forms."""
        named = key_id_of(stored)
        try:
            if named is None:
                return aes_key_unwrap(self._key, stored)
            if named == self.id:
                return aes_key_unwrap(self._wrapping, stored[1 + ID_BYTES :])
        except InvalidUnwrap:
            pass
        raise UnreadableSecretError("the data key does not open")


def key_id_of(stored: bytes) -> bytes | None:
    """Which key wrapped it; None for the form without a name, empty for what is neither."""
    if len(stored) == _UNNAMED_BYTES:
        return None
    return stored[1 : 1 + ID_BYTES] if stored.startswith(NAMED) else b""


class Safe:
    """Seals and opens text under data keys that a master key wraps; `before` is the other one that still opens."""

    def __init__(self, current: KeyWrapper, before: KeyWrapper | None = None) -> None:
        self.current = current
        self._keys = [current, before] if before else [current]

    def new_key(self) -> tuple[bytes, bytes]:
        """A fresh data key and its wrapped form, the only one to store."""
        key = os.urandom(KEY_BYTES)
        return key, self.current.wrap(key)

    def unwrap(self, stored: bytes) -> bytes:
        """Raises UnreadableSecretError."""
        named = key_id_of(stored)
        for key in self._keys:
            if named in (None, key.id):
                try:
                    return key.unwrap(stored)
                except UnreadableSecretError:
                    continue
        raise UnreadableSecretError("the data key does not open")

    def wrap_again(self, stored: bytes) -> bytes:
        """The same data key under the current key."""
        return self.current.wrap(self.unwrap(stored))


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
