"""Keeps one service running: starts it, notices its end, starts it again."""

import http.client
import signal
import subprocess
import time
from pathlib import Path

import psutil

from deploy.local import record
from deploy.local.console import last_line, say
from deploy.local.ports import listen
from deploy.local.services import Service

QUICK_SECONDS = 10  # an end this soon after a start counts as a failure to start
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
STOP_SECONDS = 15.0
LOG_BYTES = 20_000_000
WATCHERS = ("prometheus", "alertmanager")  # on record beside the services, where monitoring was asked for


class Keeper:
    """One service's process. The first restart is immediate; repeated quick ends pause 0.2 s, doubling to 5 s.

    The listening socket is made here and handed down, so that while a service is started again its clients wait for
    an answer instead of being refused; the process alone accepts, and a process that ends takes its connections along.
    """

    def __init__(self, service: Service, environment: dict[str, str], var: Path) -> None:
        self.service = service
        self.environment = environment
        self.log = var / "log" / f"{service.name}.log"
        self.record = record.Record(record_path(var, service.name))
        self.pid = 0
        self.quick_ends = 0
        self._listener = listen(service.port)
        self._child: subprocess.Popen[bytes] | None = None
        self._began = self._due = 0.0

    def spawn(self) -> None:
        """Start the process in a session of its own, its output appended to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.service.command,
                env=self.environment | {"PIR_LISTEN_FD": str(self._listener.fileno())},
                pass_fds=[self._listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._began = time.monotonic()
        self.pid = self._child.pid
        self.record.remember(self.pid)

    def tend(self) -> bool:
        """Start the service again when it has ended and its pause is over; True when there is a new pid."""
        if self._child and (status := self._child.poll()) is not None:
            self._child = None
            self._mourn(status)
        if self._child or time.monotonic() < self._due:
            return False
        self.spawn()
        return True

    def is_ready(self) -> bool:
        """Ask /health/ready."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=2)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def reap(self) -> None:
        """Let go of a process that has been stopped, and of its port."""
        self._listener.close()
        if self._child:
            self._child.wait()
            self._child = None
        self.record.forget()

    def _mourn(self, status: int) -> None:
        now = time.monotonic()
        quick = now - self._began < QUICK_SECONDS
        self.quick_ends = self.quick_ends + 1 if quick else 0
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self.quick_ends - 2)) if self.quick_ends > 1 else 0.0
        self._due = now + pause
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        say(f"{self.service.name} ended ({how}), starting it again; {self.log}: {last_line(self.log)}")


def record_path(var: Path, name: str) -> Path:
    """Return where a service's process is recorded."""
    return var / "local" / "services" / f"{name}.json"


def stop_recorded(var: Path, names: list[str]) -> None:
    """SIGTERM whatever services are on record and alive, all at once; kill what is left after 15 s."""
    records = [record.Record(record_path(var, name)) for name in names]
    living = [process for entry in records if (process := entry.process())]
    for process in living:
        try:
            process.terminate()
            process.send_signal(signal.SIGCONT)  # one that is paused could not obey
        except psutil.NoSuchProcess:
            continue
    _, stubborn = psutil.wait_procs(living, timeout=STOP_SECONDS)
    for process in stubborn:
        say(f"process {process.pid} did not stop in {STOP_SECONDS:.0f} s: killed")
        record.kill(process)
    for entry in records:
        entry.forget()
