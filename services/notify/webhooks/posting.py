"""One try: POST to a receiver, and what came of it as a code. Nothing of the answer but its status is read.

No redirects, no proxy of the environment, a connection of its own for each try, 15 s for all of it. An answer's body
is not read at all, so that no receiver can keep us reading.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpcore
import httpx
import structlog

from services.notify.webhooks.addresses import Target
from services.notify.webhooks.network import AddressRefusedError, NameUnknownError, Networks
from shared.version import VERSION

log = structlog.get_logger(__name__)

SECONDS: Final = 15.0
GONE: Final = 410
_MAY_SAY_WHEN: Final = (429, 503)
LONGEST_WAIT: Final = timedelta(hours=1)
"""A receiver that asks for more is asked again after this."""


@dataclass(frozen=True, slots=True)
class Answer:
    """No `error`: delivered. Else a code: http-500, timeout, connect, tls, name, address or protocol.

    `is_gone`: the receiver wants no more. `wait`: how long it asks us to leave it alone.
    """

    error: str | None = None
    is_gone: bool = False
    wait: timedelta | None = None


class Poster:
    """Sends to receivers; `trust` are the certificates of authorities, those that httpx comes with unless given."""

    def __init__(self, networks: Networks, *, trust: ssl.SSLContext | None = None, seconds: float = SECONDS) -> None:
        self._networks = networks
        self._trust = trust or httpx.create_ssl_context(trust_env=False)
        self._seconds = seconds

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Answer:
        """Never raises for a receiver."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(target, headers, body, now)
        except Exception as error:  # noqa: BLE001  whatever a receiver does, the others are called
            return Answer(_code(error))

    async def _post(self, target: Target, headers: Mapping[str, str], body: bytes, now: datetime) -> Answer:
        port = None if target.port == {"https": 443, "http": 80}[target.scheme] else target.port
        host = target.host if port is None else f"{target.host}:{port}"
        sent = {
            "host": host,
            "content-type": "application/json",
            "content-length": str(len(body)),
            "user-agent": f"parent-infant-referrals/{VERSION}",
            "connection": "close",
            **headers,
        }
        url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=self._trust, max_connections=1, max_keepalive_connections=0,
                network_backend=self._networks.of(target),
            ) as pool,
            pool.stream("POST", url, headers=list(sent.items()), content=body) as response,
        ):  # fmt: skip
            return _judge(response.status, dict(response.headers), now)


def _judge(status: int, headers: Mapping[bytes, bytes], now: datetime) -> Answer:
    if 200 <= status < 300:  # noqa: PLR2004  the class of success
        return Answer()
    said = {name.lower(): value for name, value in headers.items()}.get(b"retry-after", b"")
    wait = _wait(said.decode("latin-1"), now) if status in _MAY_SAY_WHEN else None
    return Answer(f"http-{status}", is_gone=status == GONE, wait=wait)


def _wait(said: str, now: datetime) -> timedelta | None:
    """Retry-After in seconds or as a date (RFC 9110, 10.2.3); None for neither."""
    if said.isascii() and said.isdecimal():
        return min(timedelta(seconds=int(said[:9])), LONGEST_WAIT)
    with suppress(ValueError, TypeError):  # TypeError: a date without a zone
        return min(max(parsedate_to_datetime(said) - now, timedelta()), LONGEST_WAIT)
    return None


def _code(error: Exception) -> str:
    if isinstance(error, httpcore.ConnectError):
        return "tls" if _is_tls(error) else "connect"
    for kinds, code in _CODES:
        if isinstance(error, kinds):
            return code
    log.error("a call failed in a way of its own", cause=type(error).__name__)  # never its words: they may name whom
    return "protocol"


_CODES: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    ((TimeoutError, httpcore.TimeoutException), "timeout"),
    ((AddressRefusedError,), "address"),
    ((NameUnknownError,), "name"),
    ((httpcore.NetworkError, httpcore.ProtocolError, OSError), "protocol"),
)


def _is_tls(error: BaseException | None) -> bool:
    """A certificate that does not fit, say: httpcore says "connect" of it too."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
