"""All of `make run MONITORING=1` together: started once the services are ready, stopped with them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.local.console import say
from deploy.local.monitoring.past import keep_past
from deploy.local.monitoring.processes import Alertmanager, Prometheus
from deploy.local.monitoring.receiver import Receiver, in_words
from deploy.local.monitoring.server import Boards
from deploy.local.server import Server
from deploy.local.services import Service


class Monitoring:
    """`state` is the folder of the servers; an alert is said on the console when it fires and when it is over."""

    def __init__(
        self, state: Path, stopping: threading.Event, *, services: Sequence[Service], database_url: str, token: str
    ) -> None:
        self.database_url = database_url
        self.receiver = Receiver(self._tell)
        self.alertmanager, self.prometheus = Alertmanager(state, stopping), Prometheus(state, stopping)
        self.alertmanager.webhooks = {kind: f"{self.receiver.url}/{kind}" for kind in ("page", "ticket")}
        self.prometheus.targets = {service.name: f"127.0.0.1:{service.port}" for service in services}
        self.prometheus.alertmanager, self.prometheus.token = self.alertmanager.address, token
        self.boards = Boards(self.prometheus.url)

    @property
    def servers(self) -> list[Server]:
        return [self.prometheus, self.alertmanager]

    def start(self) -> None:
        """Raises LocalError when one of them does not answer."""
        for server in self.servers:
            server.stop()  # what a run that was killed has left knows other ports
        keep_past(self.prometheus, self.database_url)
        for server in self.servers:
            server.launch()
        for server in self.servers:
            server.wait()
        self.boards.start()

    def stop(self) -> None:
        self.boards.stop()
        for server in self.servers:
            server.stop()
        self.receiver.stop()

    @property
    def welcome(self) -> str:
        """For a person: where the boards are, and how to see an alert."""
        return "\n".join(
            [
                f"Boards:          {self.boards.url}/boards (Prometheus: {self.prometheus.url})",
                '  To see an alert: kill -STOP the "triage" process of var/dev.json, wait a minute, kill -CONT it.',
            ]
        )

    def _tell(self, _kind: str, alerts: list[dict[str, Any]]) -> None:
        for line in in_words(alerts, self.boards.url):
            say(line)
