"""A real API server without nodes and controllers: what it takes is stored, and no pod ever runs.

KUBEBUILDER_ASSETS names a folder with the programs `kube-apiserver` and `etcd`, as for controller-runtime's envtest.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.local.ports import free_port
from tests.servers import endings

PATIENCE_SECONDS: Final = 120.0
ISSUER: Final = "https://kubernetes.default.svc"


class ApiServer:
    """Listens on 127.0.0.1 alone; data, keys and logs are in `folder`."""

    def __init__(self, assets: Path, folder: Path) -> None:
        self._assets, self._folder = assets, folder
        self._port, self._token = free_port(), secrets.token_urlsafe(16)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Returns when it is ready. Raises AssertionError with the end of its log when it is not in time."""
        endings.append(self._running.close)
        store, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._start(
            "etcd",
            *("--data-dir", self._folder / "etcd", "--unsafe-no-fsync"),
            *("--listen-client-urls", store, "--advertise-client-urls", store),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"default={peers}"),
        )
        key, tokens = self._folder / "service-accounts.pem", self._folder / "tokens.csv"
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        tokens.write_text(f"{self._token},admin,admin,system:masters\n", encoding="utf-8")
        self._start(
            "kube-apiserver",
            *("--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port", self._port),
            *("--cert-dir", self._folder / "certificates", "--token-auth-file", tokens, "--authorization-mode", "RBAC"),
            *("--service-cluster-ip-range", "10.0.0.0/24", "--service-account-issuer", ISSUER),
            *("--service-account-key-file", key, "--service-account-signing-key-file", key),
        )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def kubectl(self, *words: object, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """As an administrator; `given` on its standard input."""
        return subprocess.run(
            [
                Path(sys.executable).with_name("kubectl"),
                *("--server", f"https://127.0.0.1:{self._port}", "--token", self._token),
                *("--certificate-authority", self._folder / "certificates" / "apiserver.crt"),
                *map(str, words),
            ],
            input=given,
            capture_output=True,
            text=True,
            env=os.environ | {"HOME": str(self._folder), "KUBECONFIG": ""},
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def does(self, *words: object, given: str | None = None) -> str:
        """What kubectl said; AssertionError when it failed, or the server warned."""
        done = self.kubectl(*words, given=given)
        assert done.returncode == 0, done.stderr
        assert "Warning:" not in done.stderr, done.stderr
        return done.stdout

    def finds(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        """The object as it is stored."""
        stored: dict[str, Any] = json.loads(self.does("get", kind, name, "--namespace", namespace, "--output", "json"))
        return stored

    def _start(self, name: str, *arguments: object) -> None:
        log = self._running.enter_context((self._folder / f"{name}.log").open("wb"))
        command: Sequence[str] = [str(self._assets / name), *map(str, arguments)]
        process = self._running.enter_context(subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder))
        self._running.callback(process.kill)

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while self.kubectl("get", "--raw", "/readyz").stdout != "ok":
            log = (self._folder / "kube-apiserver.log").read_text(encoding="utf-8")
            assert time.monotonic() < until, log[-3000:]
            time.sleep(0.5)
