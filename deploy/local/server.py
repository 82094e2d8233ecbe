"""What PostgreSQL and Kafka have in common: start or adopt, wait for an answer, stop, and faults for tests."""

import asyncio
import concurrent.futures
import contextlib
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import psutil

from deploy.local import record
from deploy.local.console import LocalError, StoppedError, last_line

PROBE_SECONDS = 10


class Server(ABC):
    """One server as a child process in a session of its own, its record in `<state>/<name>/record.json`.

    Every call blocks; in an async test use `asyncio.to_thread`. `start` after `kill` or `stop` keeps the port.
    """

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    stop_seconds: ClassVar[float]
    start_seconds: ClassVar[float] = 90
    patience_seconds: ClassVar[float] = 10  # right after a kill -9 a start can fail for a moment

    def __init__(self, state: Path, stopping: threading.Event | None = None) -> None:
        self.folder = state / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.record = record.Record(self.folder / "record.json")
        self.log = self.folder / "server.log"
        self.stopping = stopping or threading.Event()
        self.was_ours = False  # once it has run for us it keeps its port: others have been told
        self._child: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect."""

    @abstractmethod
    def prepare(self) -> None:
        """Make everything that must exist before the process starts."""

    @abstractmethod
    def command(self) -> list[str | Path]:
        """Return the command line."""

    @abstractmethod
    async def probe(self) -> None:
        """Raise unless the server answers a real question."""

    def child_options(self) -> dict[str, Any]:
        """Return more arguments for Popen."""
        return {}

    def is_hopeless(self, error: Exception) -> bool:
        """Return whether waiting longer cannot help."""
        return isinstance(error, LocalError)

    def is_alive(self) -> bool:
        """Return whether the process exists; a paused one does."""
        if self._child:
            self._child.poll()  # or the dead would stay as a zombie
        return self.record.process() is not None

    def start(self) -> None:
        """Start it, or adopt it when it lives, and return when it answers.

        Raises LocalError with the last line of its log, StoppedError when `stopping` was set meanwhile.
        """
        self.launch()
        self.wait()

    def launch(self) -> None:
        """The first half of `start`: afterwards its address is known, and others may start beside it."""
        if not self.is_alive():
            self.prepare()
            self._spawn()

    def wait(self) -> None:
        """The second half of `start`: return when it answers."""
        self._wait(time.monotonic())
        self.was_ours = True

    def stop(self) -> None:
        """Stop it in order, or kill it after `stop_seconds`; nothing happens when it is not running."""
        if process := self.record.process():
            record.end(process, self.stop_signal, self.stop_seconds)
        self._bury()

    def kill(self) -> None:
        """Kill -9, children too: a crash."""
        if process := self.record.process():
            record.kill(process)
        self._bury()

    def pause(self) -> None:
        """SIGSTOP, children too: alive but silent, like a machine that hangs."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        if process := self.record.process():
            for member in [process, *process.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):  # one that has just ended
                    member.send_signal(number)

    def _bury(self) -> None:
        if self._child:
            self._child.wait()
            self._child = None
        self.record.forget()

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self.child_options(),
            )
        self.record.remember(self._child.pid)

    def _wait(self, began: float) -> None:
        while not self.stopping.wait(0.05):
            error = self.ask(self.probe)
            if error is None:
                return
            waited = time.monotonic() - began
            if self.is_hopeless(error) or waited > self.start_seconds:
                raise LocalError(f"{self.name} does not answer ({error!r}); {self.log}: {last_line(self.log)}")
            if not self.is_alive():
                self._again(waited)
        raise StoppedError(f"stopped while {self.name} was starting")

    def _again(self, waited: float) -> None:
        """Start once more after an early end, within `patience_seconds`."""
        if waited > self.patience_seconds:
            raise LocalError(f"{self.name} does not stay up; {self.log}: {last_line(self.log)}")
        time.sleep(0.25)
        self._spawn()

    def ask(self, question: Callable[[], Awaitable[None]]) -> Exception | None:
        """What it raises, in a thread of its own, because the caller may be inside an event loop."""

        async def bounded() -> None:
            async with asyncio.timeout(PROBE_SECONDS):
                await question()

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, bounded()).exception()  # type: ignore[return-value]  # nothing wider
