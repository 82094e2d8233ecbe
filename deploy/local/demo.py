"""Filling the demo when a data folder is new: a process beside the services, its words on the console."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.demo.mark import MORNING, Mark
from deploy.local.console import LocalError, StoppedError, last_line, say

VARIABLE = "PIR_DEMO"
DEFAULT_FAMILIES = 300
POLL_SECONDS = 0.1
TEND_SECONDS = 1.0


def families(environ: Mapping[str, str] = os.environ) -> int:
    """How many families PIR_DEMO asks for; 0 is none, 300 when it says nothing, MORNING for `morning`."""
    text = environ.get(VARIABLE) or str(DEFAULT_FAMILIES)
    if text == "morning":
        return MORNING
    if not text.isdecimal():
        raise LocalError(f"{VARIABLE}={text} is not a number of families; 0 leaves the demo out")
    return int(text)


class Demo:
    """What fills `count` families once; `mark` is the file that remembers it."""

    def __init__(self, var: Path, count: int) -> None:
        self.mark = var / "local" / "demo.json"
        self.log = var / "log" / "demo.log"
        self.count = count

    @property
    def is_wanted(self) -> bool:
        return self.count != 0 and not Mark(self.mark).is_done

    def fill(self, environment: dict[str, str], *, tend: Callable[[], None], stopping: threading.Event) -> None:
        """Return when it is filled and at rest, or has given up; `tend` keeps the services alive meanwhile."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        what = ("--morning",) if self.count == MORNING else ("--families", str(self.count))
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                (sys.executable, "-m", "deploy.demo", *what, "--mark", str(self.mark)),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                text=True,
            )
        reading = threading.Thread(target=self._repeat, args=(child,), daemon=True)
        reading.start()
        tended_at = time.monotonic()
        try:
            while child.poll() is None:
                if stopping.wait(POLL_SECONDS):
                    raise StoppedError("stopped while the demo was being filled; the next start goes on with it")
                if time.monotonic() - tended_at > TEND_SECONDS:
                    tend()
                    tended_at = time.monotonic()
        finally:
            child.kill()
            child.wait()
            reading.join()
        if child.returncode:
            say(f"The demo is not complete; the next start goes on with it. {self.log}: {last_line(self.log)}")

    def _repeat(self, child: subprocess.Popen[str]) -> None:
        """Its words for people go to the console; log lines (JSON) to the log."""
        with self.log.open("a", encoding="utf-8") as log:
            for line in child.stdout or ():
                log.write(line)
                if not line.startswith("{"):
                    say(line.rstrip())
