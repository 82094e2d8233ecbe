"""HTTP to the identity provider: its metadata and keys, kept for an hour, and every answer as a JSON object.

The metadata must be of the issuer whose address they have (OpenID Connect Discovery 1.0, 4.3), and where they come by
TLS, so must everything that they name. Raises RefusedError: AWAY when the provider can't be reached or answers
nonsense, NOT_BELIEVED when it refuses a code.
"""

from __future__ import annotations

import time
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import structlog
from joserfc.jwk import KeySet

from shared.internal_client import trusted
from shared.sign_in.refusals import Refusal, RefusedError

log = structlog.get_logger(__name__)

KEPT_SECONDS: Final = 3600.0
WELL_KNOWN: Final = "/.well-known/openid-configuration"
_TIMEOUT: Final = httpx.Timeout(5, connect=3)


class Wire:
    """One provider, known by the address of its metadata (`…/.well-known/openid-configuration`)."""

    def __init__(self, metadata_url: str) -> None:
        self._url = metadata_url
        self._http = httpx.AsyncClient(timeout=_TIMEOUT, verify=trusted())
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")

    async def metadata(self) -> dict[str, Any]:
        if time.monotonic() - self._fetched_at > KEPT_SECONDS:
            found = await self.get(self._url)
            if not is_issuer_of(self._url, found.get("issuer")):
                log.error("the identity provider's metadata are of another issuer")
                raise RefusedError(Refusal.AWAY)
            self._metadata, self._keys = found, None
            self._fetched_at = time.monotonic()
        return self._metadata

    async def told(self, name: str) -> str:
        """A member of the metadata that no provider is without."""
        found = (await self.metadata()).get(name)
        if not isinstance(found, str):
            log.error("the identity provider's metadata lacks something", missing=name)
            raise RefusedError(Refusal.AWAY)
        return found

    async def keys(self, *, are_new: bool = False) -> KeySet:
        """Its public keys; fetched again when `are_new`, for a token with a key that we do not know."""
        url = await self.told("jwks_uri")
        if self._keys is None or are_new:
            found: Any = await self.get(url)
            self._keys = KeySet.import_key_set(found)
        return self._keys

    async def get(self, url: str, *, token: str | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._object("GET", url, headers=headers)

    async def post(self, url: str, *, headers: dict[str, str], body: str) -> dict[str, Any]:
        return await self._object("POST", url, headers=headers, content=body)

    async def _object(self, method: str, url: str, **rest: Any) -> dict[str, Any]:
        if self._url.startswith("https://") and not url.startswith("https://"):
            log.error("the identity provider names an address without TLS")
            raise RefusedError(Refusal.AWAY)
        try:
            answer = await self._http.request(method, url, **rest)
            if method == "POST" and answer.is_client_error:
                log.warning("the identity provider refused a code", status=answer.status_code)
                raise RefusedError(Refusal.NOT_BELIEVED)
            found = answer.raise_for_status().json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            log.warning("no identity provider now", cause=type(error).__name__)
            raise RefusedError(Refusal.AWAY) from None
        if not isinstance(found, dict):
            raise RefusedError(Refusal.AWAY)
        return found


def is_issuer_of(metadata_url: str, issuer: object) -> bool:
    """Whether metadata at this address may be this issuer's: the address is the issuer's own and WELL_KNOWN.

    A query is left out (Entra tells the application in one), and so is a port that is the scheme's own (CIS2 names it).
    """
    if not isinstance(issuer, str):
        return False
    return _normal(metadata_url) == _normal(issuer.rstrip("/") + WELL_KNOWN)


def _normal(url: str) -> tuple[str, str | None, int | None, str]:
    """Raises nothing: what is no address equals no other."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme), parts.path
    except ValueError:
        return url, None, None, ""
