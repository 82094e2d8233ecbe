"""The addresses of signing in, and which addresses a person may be sent to afterwards: our own pages only."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

HOME: Final = "/staff"
SIGN_IN: Final = "/staff/sign-in"
START: Final = "/staff/sign-in/start"
KEYS: Final = "/staff/sign-in/keys"
CALLBACK: Final = "/staff/signed-in"
SIGN_OUT: Final = "/staff/sign-out"
SIGNED_OUT: Final = "/staff/signed-out"
BACK_CHANNEL: Final = "/staff/back-channel-logout"

LONGEST: Final = 500
_OWN: Final = frozenset({SIGN_IN, START, KEYS, CALLBACK, SIGN_OUT, SIGNED_OUT, BACK_CHANNEL})
_PAGE: Final = re.compile(r"/staff(?:/[A-Za-z0-9_.~%-]+)*/?(?:\?[A-Za-z0-9_.~%&=+,:;@!$'()*/?-]*)?", re.ASCII)


def local_page(address: str | None) -> str:
    """The address itself when it is one of the staff pages, else their home: never another site, never a sign-in."""
    if not address or len(address) > LONGEST or not _PAGE.fullmatch(address):
        return HOME
    path = unquote(address.partition("?")[0])
    if path.rstrip("/") in _OWN or any(part in (".", "..") or "\\" in part for part in path.split("/")):
        return HOME
    return HOME if "//" in path else address
