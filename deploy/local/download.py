"""Fetches files of known sha256 into a folder: in pieces, again after a hiccup, whole or not at all."""

import hashlib
import http.client
import os
import ssl
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import certifi

from deploy.local.console import COMPOSE, LocalError, StoppedError
from deploy.local.progress import Progress

ATTEMPTS = 4
CHUNK_BYTES = 1 << 16
FINAL = {401, 403, 404}  # answers that asking again does not change


class DamagedError(Exception):
    """What came is not what was asked for."""


def authorities() -> ssl.SSLContext:
    """Trust the system's authorities, SSL_CERT_FILE and certifi's."""
    tls = ssl.create_default_context()
    tls.load_verify_locations(certifi.where())
    return tls


@dataclass(frozen=True, kw_only=True)
class Download:
    """Fetches paths below `base` into `folder`; `is_over` is asked between pieces and ends it."""

    base: str
    folder: Path
    progress: Progress
    is_over: Callable[[], bool]
    tls: ssl.SSLContext = field(default_factory=authorities)

    def fetch(self, path: str, sha256: str) -> None:
        """Fetch one file; LocalError when it cannot be had, StoppedError when it is over."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._try(path, sha256)
            except (OSError, http.client.HTTPException, DamagedError) as error:
                if attempt == ATTEMPTS or getattr(error, "code", None) in FINAL:
                    why = f"could not fetch {path} from {self.base}: {error}"
                    raise LocalError(f"{why}. Set MAVEN_REPO_URL to a mirror you can reach; {COMPOSE}") from error
                time.sleep(0.25 * 2**attempt)
            else:
                return

    def _try(self, path: str, sha256: str) -> None:
        name = path.rsplit("/", 1)[1]
        draft = self.folder / f".{os.getpid()}-{name}"
        try:
            found = self._receive(f"{self.base}/{path}", draft)
            if found != sha256:
                self.progress.add(-draft.stat().st_size)
                raise DamagedError(f"its sha256 is {found}, not {sha256}")
            draft.replace(self.folder / name)
        finally:
            draft.unlink(missing_ok=True)

    def _receive(self, url: str, draft: Path) -> str:
        digest, count = hashlib.sha256(), 0
        try:
            with urllib.request.urlopen(url, timeout=30, context=self.tls) as answer, draft.open("wb") as file:  # noqa: S310  its sha256 is checked
                while chunk := answer.read(CHUNK_BYTES):
                    self._refuse_when_over()
                    file.write(chunk)
                    digest.update(chunk)
                    count += len(chunk)
                    self.progress.add(len(chunk))
        except BaseException:
            self.progress.add(-count)
            raise
        return digest.hexdigest()

    def _refuse_when_over(self) -> None:
        if self.is_over():
            raise StoppedError("stopped while downloading")
