"""Runs the deploy step, then the services, and keeps services and servers alive until a stop is asked for."""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from deploy.local.console import LocalError, StoppedError, last_line, say
from deploy.local.keeper import Keeper, stop_recorded
from deploy.local.server import Server

POLL_SECONDS = 0.1
READY_SECONDS = 120
HOPELESS_ENDS = 5  # a service that ends this often before it was ever ready has a fault that restarting does not cure
REMIND_SECONDS = 10


def run_step(command: Sequence[str], environment: dict[str, str], log: Path, stopping: threading.Event) -> None:
    """Run a command to its end, its output appended to `log`; LocalError with its last line when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    while child.poll() is None:
        if stopping.wait(0.02):
            child.kill()
            child.wait()
            raise StoppedError("stopped during the deploy step")
    if child.returncode:
        raise LocalError(f"the deploy step failed; {log}: {last_line(log)}")


class Supervisor:
    """Tends services and servers; `on_change` is called as soon as a service has a new pid."""

    def __init__(
        self, keepers: list[Keeper], servers: list[Server], *, stopping: threading.Event, on_change: Callable[[], None]
    ) -> None:
        self.keepers, self.servers = keepers, servers
        self.stopping, self.on_change = stopping, on_change
        self._pool = ThreadPoolExecutor(len(servers) or 1)
        self._repairs: dict[str, Future[None]] = {}

    def spawn(self) -> None:
        """Start every service."""
        for keeper in self.keepers:
            keeper.spawn()

    def wait_until_ready(self) -> None:
        """Until all are ready, saying which ones are waited for."""
        began = said = time.monotonic()
        while waiting := [keeper for keeper in self.keepers if not keeper.is_ready()]:
            if self.stopping.wait(POLL_SECONDS):
                raise StoppedError("stopped while the services were starting")
            self._tend()
            now = time.monotonic()
            names = ", ".join(keeper.service.name for keeper in waiting)
            self._refuse_hopeless(waiting, late=now - began > READY_SECONDS)
            if now - said > REMIND_SECONDS:
                said = now
                say(f"still waiting for {names}")

    def watch(self) -> None:
        """Tend until a stop is asked for."""
        while not self.stopping.wait(POLL_SECONDS):
            self._tend()

    def stop(self, var: Path) -> None:
        """Stop the services, at most 15 s; repairs of servers that are under way end first."""
        self._pool.shutdown(wait=True)
        stop_recorded(var, [keeper.service.name for keeper in self.keepers])
        for keeper in self.keepers:
            keeper.reap()

    def _tend(self) -> None:
        for keeper in self.keepers:
            if keeper.tend():
                self.on_change()
        for server in self.servers:
            self._repair(server)

    def _repair(self, server: Server) -> None:
        job = self._repairs.get(server.name)
        if job and not job.done():
            return
        if job:
            del self._repairs[server.name]
        if not server.is_alive():
            self._repairs[server.name] = self._pool.submit(self._start_again, server)

    def _start_again(self, server: Server) -> None:
        say(f"{server.name} ended, starting it again; {server.log}: {last_line(server.log)}")
        began = time.monotonic()
        try:
            server.start()
            say(f"{server.name} is back after {time.monotonic() - began:.1f} s")
        except StoppedError:
            return
        except LocalError as error:
            say(f"{error}; trying again in 5 s")
            self.stopping.wait(5)

    def _refuse_hopeless(self, waiting: list[Keeper], *, late: bool) -> None:
        for keeper in waiting:
            if late or keeper.quick_ends >= HOPELESS_ENDS:
                what = "is not ready" if late else "does not stay up"
                raise LocalError(f"{keeper.service.name} {what}; {keeper.log}: {last_line(keeper.log)}")
