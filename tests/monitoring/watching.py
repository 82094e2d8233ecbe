"""Prometheus and Alertmanager as child processes, on ports and folders of their own, and who receives the webhooks.

They run what is deployed: the files of deploy/prometheus and deploy/alertmanager, but for the addresses, and for the
times between two looks and until something is told, which are seconds here.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from deploy.local.monitoring.configuration import KINDS, write_alertmanager, write_prometheus
from deploy.local.monitoring.processes import program
from deploy.local.monitoring.receiver import Receiver
from deploy.local.ports import free_port
from tests.servers import endings
from tests.system import NAMES, System, call, eventually

TIMES: Final = {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}


class Told(Receiver):
    """Takes what Alertmanager posts; `told` keeps the alerts by the path they came to."""

    def __init__(self) -> None:
        self.told: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        super().__init__(lambda path, alerts: self.told[path].extend(alerts))

    def alert(self, path: str, name: str, status: str) -> dict[str, Any] | None:
        """The first alert of this name and status told there."""
        found = (each for each in self.told[path] if each["labels"]["alertname"] == name and each["status"] == status)
        return next(found, None)


class Watching:
    """Both processes and the receiver; what they say goes to files in `folder`."""

    def __init__(self, system: System, folder: Path) -> None:
        self.system, self.folder, self.receiver = system, folder, Told()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.alertmanager_url = f"http://127.0.0.1:{free_port()}"
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        endings.append(self.__exit__)
        try:
            self._start("alertmanager", self._alertmanager(), self.alertmanager_url)
            self._start("prometheus", self._prometheus(), self.url)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.terminate()
        for child in self._children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()
        self.receiver.stop()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression gives now; a refusal by Prometheus is an AssertionError with its words."""
        reply = call("GET", f"{self.url}/api/v1/query?query={quote(expression)}")
        assert reply.status == 200, f"{expression}: {reply.body}"
        found: list[dict[str, Any]] = reply.body["data"]["result"]
        return found

    def rules(self) -> dict[str, dict[str, Any]]:
        """Every alert as Prometheus holds it: its query, and how its last evaluation went."""
        groups = call("GET", f"{self.url}/api/v1/rules").body["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    def firing(self) -> set[str]:
        return {each["metric"]["alertname"] for each in self.query('ALERTS{alertstate="firing"}')}

    def healthy_targets(self) -> set[str]:
        """The services that the last scrape reached."""
        return {each["metric"]["service"] for each in self.query("up == 1")}

    def look(self) -> None:
        """Until every service has been scraped once more: what happens between two scrapes has no rate."""
        now = time.time()
        eventually(lambda: self.query(f"min(timestamp(up)) > {now}"), what="a scrape")

    def measure_all(self) -> None:
        """Until everything measured by now is in Prometheus: the slowest gauge is set every 30 seconds."""
        now = time.time()
        fresh = f"min(pir_measured_timestamp_seconds) > {now}"
        eventually(lambda: self.query(fresh), what="everything measured again")

    def told(self, path: str, name: str, status: str) -> dict[str, Any]:
        """An alert, once the receiver has it."""
        return eventually(lambda: self.receiver.alert(path, name, status), what=f"{name} {status} at /{path}")

    def _start(self, name: str, command: list[str], url: str) -> None:
        webhooks = {f"PIR_{kind.upper()}_WEBHOOK": f"{self.receiver.url}/{kind}" for kind in KINDS}
        with (self.folder / f"{name}.log").open("wb") as log:
            child = subprocess.Popen(
                command,
                env={**os.environ, **webhooks},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)

        def is_ready() -> bool:
            assert child.poll() is None, (self.folder / f"{name}.log").read_text()[-2000:]
            return call("GET", f"{url}/-/ready").status == 200

        eventually(is_ready, what=f"{name} ready")

    def _alertmanager(self) -> list[str]:
        """As the container starts it: through start.sh, which puts in the webhooks."""
        return [
            "sh",
            str(write_alertmanager(self.folder / "alertmanager", TIMES)),
            str(self.folder / "alertmanager.yml"),
            program("alertmanager"),
            f"--storage.path={self.folder / 'alertmanager-data'}",
            f"--web.listen-address={self.alertmanager_url.removeprefix('http://')}",
            "--cluster.listen-address=",
        ]

    def _prometheus(self) -> list[str]:
        """Looks at the services of this system every second, with the token that they ask for outside development."""
        file = write_prometheus(
            self.folder / "prometheus",
            targets={name: self.system.url(name).removeprefix("http://") for name in NAMES},
            alertmanager=self.alertmanager_url.removeprefix("http://"),
            token="s" * 32,
            seconds=1,
        )
        for rules in (file.parent / "rules").glob("*.yml"):
            text = rules.read_text(encoding="utf-8")
            rules.write_text(re.sub(r"\bfor: \d+[ms]", "for: 1s", text), encoding="utf-8")
        return [
            program("prometheus"),
            f"--config.file={file}",
            f"--storage.tsdb.path={self.folder / 'prometheus-data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--rules.alert.resend-delay=1s",
        ]
