"""`make run MONITORING=1` as a newcomer has it: its words on the console, its boards with a past, an alert that is seen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.local.identity_provider import PORT_VARIABLE
from deploy.local.ports import free_port
from deploy.local.record import Record
from deploy.local.services import DEFAULT_PORTS
from tests.servers import endings
from tests.system import eventually

pytestmark = pytest.mark.timeout(600)

FAMILIES = 40
GIVEN = {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"}
"""Servers of these tests: a run has its own."""
START_SECONDS = 240.0
ALERT_SECONDS = 240.0
"""A look at the service, ten seconds without an answer, the minute of the rule, and what a busy machine adds."""


class Console:
    """The process and everything it has said so far."""

    def __init__(self, var: Path) -> None:
        self.var = var
        given = {f"PIR_{name.upper()}_PORT": str(free_port()) for name in DEFAULT_PORTS}
        given |= {PORT_VARIABLE: str(free_port()), "PIR_MONITORING": "1", "PIR_DEMO": str(FAMILIES)}
        others = {name: value for name, value in os.environ.items() if name not in GIVEN}
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "--state", str(var), "run"],
            env=others | given,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True, name="console").start()

    def says(self, *words: str, seconds: float) -> str:
        """The first line with all of these words."""

        def found() -> str | None:
            assert self.process.poll() is None, self.lines[-3:]
            return next((line for line in self.lines if all(word in line for word in words)), None)

        return eventually(lambda: found() or "", what=f"{words} on the console", seconds=seconds)

    def pid(self, name: str) -> int:
        return int(json.loads((self.var / "dev.json").read_text(encoding="utf-8"))["processes"][name])

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip())

    def ends(self) -> int:
        self.process.terminate()
        return self.process.wait(90)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    var = tmp_path_factory.mktemp("make-run") / "var"
    running = Console(var)
    endings.append(running.process.terminate)
    yield running
    if running.process.poll() is None:
        running.ends()
    subprocess.run([sys.executable, "-m", "deploy.local", "--state", str(var), "clean"], check=False)


def test_boards_have_a_past_and_a_silent_service_is_an_alert(console: Console) -> None:
    """One test, because each part needs the one before it: start, past, silence, return, end."""
    address = console.says("Boards:", seconds=START_SECONDS).split()[1]
    assert "This is not" in httpx.get(address, follow_redirects=True).text
    prometheus = console.says("Boards:", seconds=1).partition("Prometheus: ")[2].rstrip(")")
    a_day_ago = {"query": 'max(pir_referrals{stage="received"})', "time": time.time() - 86_400}
    [then] = httpx.get(f"{prometheus}/api/v1/query", params=a_day_ago).json()["data"]["result"]
    assert 0 < float(then["value"][1]) < FAMILIES + 1

    notify = console.pid("notify")
    os.kill(notify, signal.SIGSTOP)
    line = console.says("ALERT (page) ServiceDown: The notify service", seconds=ALERT_SECONDS)
    assert "docs/runbooks/ServiceDown.md" in line
    page = httpx.get(f"{address}/pir-health").text
    assert "The notify service does not answer" in page
    os.kill(notify, signal.SIGCONT)
    console.says("ALERT OVER ServiceDown", seconds=ALERT_SECONDS)

    watchers = [Record(console.var / "local" / "services" / f"{name}.json") for name in ("prometheus", "alertmanager")]
    pids = [record.values["pid"] for record in watchers]
    assert console.ends() == 0
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
