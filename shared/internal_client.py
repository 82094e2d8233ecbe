"""Calls from one of our services to another: the token of the two, short waits, and no answer said by None.

Each call tells the other service who acts, which writes its own audit.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from http import HTTPStatus
from typing import Any, ClassVar, NamedTuple

import httpx
import structlog

log = structlog.get_logger(__name__)


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """Whom TLS trusts, read once for all clients: each would need 30 ms and 1 MB for a list of its own (measured)."""
    return httpx.create_ssl_context()


class Called(NamedTuple):
    """Another service: where it answers internal calls, and the token with which we call it, which nobody else has."""

    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class InternalClient:
    """A connection to another service; CONNECT seconds to reach the service, SECONDS for an answer."""

    SECONDS: ClassVar[float] = 5
    CONNECT: ClassVar[float] = 1

    def __init__(self, called: Called | None = None, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Without a service of its own a client names one, and its headers, at each call."""
        self._http = httpx.AsyncClient(
            base_url=called.url if called else "",
            timeout=httpx.Timeout(self.SECONDS, connect=self.CONNECT),
            headers=called.headers if called else {},
            transport=transport,
            verify=trusted(),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(
        self, missing: str, method: str, path: str, *, actor: str = "", also: int = HTTPStatus.OK, **more: Any
    ) -> httpx.Response | None:
        """An answer of 200 or `also`; None for anything else, with `missing` in the log."""
        try:
            answer = await self._http.request(method, path, headers=acting(actor), **more)
        except httpx.HTTPError as error:
            log.warning(missing, cause=type(error).__name__)
            return None
        if answer.status_code not in (HTTPStatus.OK, also):
            log.warning(missing, status=answer.status_code)
            return None
        return answer


def acting(actor: str) -> dict[str, str]:
    """The header that says which person the call is made for, if any."""
    return {"X-PIR-Actor": actor} if actor else {}
