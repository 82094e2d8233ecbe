"""The stand-in for GOV.UK Notify as `make run` starts it: a process of its own, on a free port, beside the servers."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

from deploy.local.govuk_notify import DEFAULT_PORT, KEY_VARIABLE, TOKEN_VARIABLE, new_key, settings_for
from deploy.local.ports import free_port

STOP_SECONDS = 5


class GovukProcess:
    """Its key and token last as long as it does; nobody waits for it, because nothing is sent while it starts."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.key, self.token, self.url = new_key(), secrets.token_urlsafe(32), ""
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, notify_url: str) -> None:
        port = free_port(DEFAULT_PORT)
        self.url = f"http://127.0.0.1:{port}"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        callback = f"{notify_url}/callbacks/govuk-notify"
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "deploy.local.govuk_notify", "--port", str(port), "--callback", callback],
                env={**os.environ, KEY_VARIABLE: self.key, TOKEN_VARIABLE: self.token},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def environment(self) -> dict[str, str]:
        """For the notify service alone."""
        return settings_for(self.url, self.key, self.token)

    @property
    def found(self) -> dict[str, str]:
        """For dev.json; the key is worth nothing anywhere else."""
        return {"govuk_notify_url": self.url, "govuk_notify_key": self.key}

    def stop(self) -> None:
        if self._child is not None:
            self._child.terminate()
            try:
                self._child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._child.kill()
            self._child = None
