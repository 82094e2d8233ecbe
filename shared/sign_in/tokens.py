"""The token of the forms of a session: random, and signed with the id of the person whose pages show it.

So a form that arrives after its session has ended, or is long deleted, still says to whom it was shown.
"""

from __future__ import annotations

import hashlib
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

_SALT: Final = "pir form"


def new_token(secret: str, staff_id: str, *, nonce: str) -> str:
    return _serializer(secret).dumps([staff_id, nonce])


def shown_to(token: str, secret: str) -> str | None:
    """The id of the person; None when the token was not made here."""
    try:
        staff_id, _ = _serializer(secret).loads(token)
    except (BadData, TypeError, ValueError):
        return None
    return str(staff_id)


def _serializer(secret: str) -> URLSafeSerializer:
    signing = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(secret, salt=_SALT, signer_kwargs=signing)
