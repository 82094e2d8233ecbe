"""Logout tokens as an identity provider of the tests makes them (OpenID Connect Back-Channel Logout 1.0, 2.4)."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local.identity_provider import IdentityProvider
from shared.sign_in.logout import EVENT


def a_logout_token(provider: IdentityProvider, *, key: ECKey | None = None, **claims: Any) -> str:
    """Signed by the provider's key, or by another one."""
    now = int(time.time())
    whole = {"iss": provider.url, "aud": provider.client_id, "iat": now, "jti": uuid4().hex, "events": {EVENT: {}}}
    header = {"alg": "ES256", "kid": provider._key.kid, "typ": "logout+jwt"}
    return jwt.encode(header, whole | claims, key or provider._key)
