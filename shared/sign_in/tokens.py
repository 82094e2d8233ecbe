"""The token of the forms of a session: random, and signed with the id of the person whose pages show it.

So a form that arrives after its session has ended, or is long deleted, still says to whom it was shown.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer

_SALT: Final = "pir form"


def new_token(secret: str, person_id: str, *, nonce: str) -> str:
    return _serializer(secret).dumps([person_id, nonce])


def shown_to(token: str, secret: str, *, within: timedelta | None = None) -> str | None:
    """The id of the person; None when the token was not made here, or not `within` this time."""
    try:
        person_id, _ = _serializer(secret).loads(token, max_age=int(within.total_seconds()) if within else None)
    except (BadData, TypeError, ValueError):
        return None
    return str(person_id)


def _serializer(secret: str) -> URLSafeTimedSerializer:
    signing = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeTimedSerializer(secret, salt=_SALT, signer_kwargs=signing)
