"""The public keys (JWKS) of whoever signs staff tokens, from a file or an address, read again as they change."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

log = structlog.get_logger(__name__)

KEPT_SECONDS: Final = 3600.0
"""So long a key that is withdrawn is still believed."""
PAUSE_SECONDS: Final = 30.0
"""Between two readings because of unknown keys: whoever invents key ids must not make us read all the time."""
_TIMEOUT: Final = httpx.Timeout(5, connect=3)
_UNREADABLE: Final = (OSError, ValueError, TypeError, KeyError, JoseError, httpx.HTTPError, httpx.InvalidURL)
_NO_KEYS: Final = KeySet([])


class PublicKeys:
    """Called from the threads that check tokens, where reading may take its time; one reads, the others wait.

    A file that can't be read at the start is an error; later, and for an address, what was known stays in force and
    the log says so.
    """

    def __init__(self, source: Path | str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._source, self._now, self._lock = source, now, threading.Lock()
        self._read_at = self._tried_at = float("-inf")
        self._keys = _NO_KEYS
        if isinstance(source, Path):
            self._keys = self._read()
            self._read_at = self._tried_at = now()

    def known(self, *, is_one_unknown: bool = False) -> KeySet:
        """The keys, an hour old at most; read anew when a token names one that is not among them."""
        with self._lock:
            at = self._now()
            is_old = at - self._read_at >= KEPT_SECONDS
            if (is_old or is_one_unknown) and at - self._tried_at >= PAUSE_SECONDS:
                self._tried_at = at
                try:
                    self._keys, self._read_at = self._read(), at
                except _UNREADABLE as error:
                    log.warning("the keys of staff tokens can't be read", cause=type(error).__name__)
            return self._keys

    def _read(self) -> KeySet:
        if isinstance(self._source, Path):
            return KeySet.import_key_set(json.loads(self._source.read_text(encoding="utf-8")))
        return KeySet.import_key_set(httpx.get(self._source, timeout=_TIMEOUT).raise_for_status().json())
