"""Our programs as processes of tests: each is a copy of one process that has loaded the libraries already.

`python -m services.triage` loads libraries for 0.6 s of CPU before it does anything, and the tests begin programs
all the time. A copy has its own pid, arguments, environment, folder and files, and runs the module as `python -m` does.
What it does not show is the start of Python itself; a `System` with a tree, and the tests of `make run`, begin anew.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.settings import ROOT

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.preloaded"])


class Program:
    """A module that runs, with what tests use of `subprocess.Popen`: a session of its own, and no input."""

    def __init__(
        self,
        module: str,
        *words: str,
        environment: Mapping[str, str],
        said: Path,
        errors: Path | None = None,
        namespace: str = "",
    ) -> None:
        """What it says is added to `said`, and its errors to `errors` or there too. Returns at once.

        `namespace`: of the network, by its name in /run/netns; ours when empty.
        """
        told = (module, words, dict(environment), str(said), str(errors) if errors else None, namespace)
        self._process = _context.Process(target=_become, args=told, daemon=True)
        self._process.start()
        assert self._process.pid
        self.pid: Final = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, or less than 0 for a signal. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """To a process that has not ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it may end just now
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    module: str, *words: str, environment: Mapping[str, str], timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """A command to its end, as `subprocess.run` does it. Raises TimeoutExpired."""
    with tempfile.TemporaryDirectory() as folder:
        said, errors = Path(folder) / "said", Path(folder) / "errors"
        program = Program(module, *words, environment=environment, said=said, errors=errors)
        try:
            code = program.wait(timeout)
        finally:
            program.kill()
            program.wait(timeout)
        return subprocess.CompletedProcess((module, *words), code, said.read_text(), errors.read_text())


def _become(
    module: str, words: tuple[str, ...], environment: Mapping[str, str], said: str, errors: str | None, namespace: str
) -> None:
    """In the copy."""
    os.setsid()
    if namespace:
        _enter(namespace)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for file, number in ((said, 1), (errors or said, 2)):
        opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv[1:] = words
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _enter(namespace: str) -> None:
    """Python has os.setns from 3.12 on. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}") as place:  # noqa: PTH123  a handle of the kernel, no file
        if libc.setns(place.fileno(), 0):
            raise OSError(ctypes.get_errno(), f"the namespace {namespace}")
