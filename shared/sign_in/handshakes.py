"""What must be remembered between leaving for the identity provider and coming back: in a signed cookie, 10 minutes.

Signed with a key made from the client secret, so that every copy of a service can read what another one wrote.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Handshake:
    """One attempt to sign in. `page` is where to go afterwards, `until` the second (Unix time) at which it runs out."""

    state: str
    nonce: str
    verifier: str
    page: str
    until: int


def seal(handshake: Handshake, secret: str) -> str:
    return _serializer(secret).dumps(list(astuple(handshake)))


def unseal(text: str, secret: str, *, at: datetime) -> Handshake | None:
    """The handshake; None when it was not sealed here or has run out."""
    try:
        handshake = Handshake(*_serializer(secret).loads(text))
    except (BadData, TypeError):
        return None
    return handshake if at.timestamp() < handshake.until else None


def _serializer(secret: str) -> URLSafeSerializer:
    signing = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(secret, salt="pir sign-in handshake", signer_kwargs=signing)
