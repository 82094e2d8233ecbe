"""What the identity provider knows us by, and how we prove it: by a shared secret, or by a key of our own.

The key is what CIS2 asks for (`private_key_jwt`, RFC 7523): we sign a short note with it at every exchange of a code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc7523.assertion import private_key_jwt_sign
from joserfc.jwk import RSAKey

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS: Final = 120
"""CIS2 takes 5 minutes at most."""
_PREFERRED: Final = ("RS512", "PS256", "RS256")


@dataclass(frozen=True, slots=True)
class Client:
    """`secret` is the shared one; with a `key` it never leaves us. What seals our own cookies is made from it."""

    id: str
    scopes: str
    secret: str
    key: RSAKey | None = None

    @classmethod
    def with_key(cls, id: str, scopes: str, pem: str) -> Client:  # noqa: A002  the protocol's own word
        """With an RSA key in PEM; raises ValueError when it is none."""
        key = RSAKey.import_key(pem)
        key.ensure_kid()
        return cls(id, scopes, pem, key)

    def public_keys(self) -> dict[str, Any]:
        """Our public half as a key set (JWKS), for the provider to fetch."""
        return {"keys": [self.key.as_dict(private=False) | {"use": "sig"}] if self.key else []}

    def prove(
        self, fields: Mapping[str, str], *, url: str, metadata: Mapping[str, Any], at: datetime
    ) -> tuple[dict[str, str], str]:
        """Headers and body of a request to the token endpoint at `url`, with the proof that it is us."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.key is not None:
            known = metadata.get("token_endpoint_auth_signing_alg_values_supported", ())
            signed = self._sign(self.key, url, known, at=at)
            proof = {"client_id": self.id, "client_assertion_type": ASSERTION, "client_assertion": signed}
            return headers, urlencode({**fields, **proof})
        methods = metadata.get("token_endpoint_auth_methods_supported", ())
        method = "client_secret_post" if "client_secret_post" in methods else "client_secret_basic"
        _, headers, body = ClientAuth(self.id, self.secret, method).prepare("POST", url, headers, urlencode(fields))
        return headers, str(body)

    def _sign(self, key: RSAKey, url: str, known: Collection[str], *, at: datetime) -> str:
        algorithm = next((each for each in _PREFERRED if each in known), _PREFERRED[-1])
        times = {"issued_at": int(at.timestamp()), "expires_in": ASSERTION_SECONDS}
        return str(private_key_jwt_sign(key, self.id, url, alg=algorithm, header={"kid": key.kid}, **times))
