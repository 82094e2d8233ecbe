"""Prometheus and Alertmanager as servers of `make run`: on free ports, tended as PostgreSQL and Kafka are."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import httpx

from deploy.local.console import LocalError
from deploy.local.keeper import record_path
from deploy.local.monitoring import configuration, programs
from deploy.local.ports import free_port
from deploy.local.record import Record
from deploy.local.server import Server

LOOK_SECONDS: Final = 5
"""From one look at the services to the next; 15 in production. A newcomer should not wait long for an alert."""
TIMES: Final = {"group_wait": "1s", "group_interval": "10s", "repeat_interval": "1h"}
"""When Alertmanager tells: sooner than in production, where few calls matter more than quick ones."""


def program(name: str) -> str:
    """Where one of Prometheus' programs is; LocalError when there is none."""
    if found := programs.find(name):
        return found
    raise LocalError(f"no {name}: `make run MONITORING=1` fetches it, or says what to install")


class MonitoringServer(Server):
    """One that answers /-/ready on a port of its own, chosen when the object is made."""

    stop_signal: ClassVar = signal.SIGTERM
    stop_seconds: ClassVar = 15

    def __init__(self, state: Path, stopping: threading.Event | None = None) -> None:
        super().__init__(state, stopping)
        self.record = Record(record_path(state.parent, self.name))
        self.address = f"127.0.0.1:{free_port()}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    async def probe(self) -> None:
        async with httpx.AsyncClient() as client:
            (await client.get(f"{self.url}/-/ready")).raise_for_status()


class Alertmanager(MonitoringServer):
    """Tells `webhooks`: kind to URL; a kind that is not there is told nothing."""

    name = "alertmanager"
    webhooks: Mapping[str, str] = {}

    def prepare(self) -> None:
        self.script = configuration.write_alertmanager(self.folder / "configuration", TIMES)

    def command(self) -> list[str | Path]:
        """As the container starts it: through start.sh, which puts in the webhooks."""
        own = ["--cluster.listen-address=", f"--web.listen-address={self.address}"]
        written = self.folder / "alertmanager.yml"
        return ["sh", self.script, written, program(self.name), *own, f"--storage.path={self.folder / 'data'}"]

    def child_options(self) -> dict[str, Any]:
        told = {f"PIR_{kind.upper()}_WEBHOOK": url for kind, url in self.webhooks.items()}
        return {"env": {**os.environ, **told}}


class Prometheus(MonitoringServer):
    """Looks at `targets` (service to host:port) with the scrape token, and tells `alertmanager` (host:port)."""

    name = "prometheus"
    targets: Mapping[str, str] = {}
    alertmanager = ""
    token = ""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        self.file = configuration.write_prometheus(
            self.folder / "configuration",
            targets=self.targets,
            alertmanager=self.alertmanager,
            token=self.token,
            seconds=LOOK_SECONDS,
        )

    def command(self) -> list[str | Path]:
        own = [f"--config.file={self.file}", f"--web.listen-address={self.address}"]
        return [program(self.name), *own, f"--storage.tsdb.path={self.data}"]
