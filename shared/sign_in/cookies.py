"""The cookies: for a session, for the minutes of a sign-in, for the key to what is kept. All of this very host, by TLS.

A name that starts with `__Host-` makes browsers refuse the cookie unless it is Secure, without a domain and for `/`:
another host of the same domain can't plant one. Browsers take 127.0.0.1 and localhost for as good as TLS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

SESSION: Final = "__Host-pir-session"
HANDSHAKE: Final = "__Host-pir-sign-in"
KEPT: Final = "__Host-pir-kept"


@dataclass(frozen=True, slots=True)
class Names:
    """What a service calls its own: browsers send cookies to every port of a host, so each has names of its own."""

    session: str = SESSION
    handshake: str = HANDSHAKE
    kept: str = KEPT

    @classmethod
    def of(cls, pages: str) -> Names:
        """Those of the pages that are called so: `reports`."""
        return cls(*(f"__Host-pir-{pages}-{name}" for name in ("session", "sign-in", "kept")))


_ATTRIBUTES: Final[dict[str, Any]] = {"path": "/", "secure": True, "httponly": True, "samesite": "lax"}
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def give(response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """Lax, not Strict: the identity provider sends people back to us. Without `seconds` it ends with the browser."""
    response.set_cookie(name, value, max_age=seconds, **_ATTRIBUTES)


def take(response: Response, name: str) -> None:
    response.delete_cookie(name, **_ATTRIBUTES)


def is_token(value: str) -> bool:
    """Whether it looks like a token of ours (256 bits in base64url); anything else is not worth a look-up."""
    return bool(_TOKEN.fullmatch(value))
