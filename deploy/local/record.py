"""A process on record: a small JSON file that survives us, so that the next run can adopt or end what still lives."""

import json
import signal
from pathlib import Path
from typing import Any

import psutil

SAME_BIRTH_SECONDS = 2  # a pid used again by another process has another birth time


def write_private(path: Path, value: Any) -> None:
    """Replace `path` by `value` as JSON in one step, readable by its owner only."""
    draft = path.with_name(f".{path.name}.tmp")
    draft.unlink(missing_ok=True)
    draft.touch(0o600)
    draft.write_text(json.dumps(value, indent=1) + "\n")
    draft.replace(path)


class Record:
    """Values of one process in `path`; `process()` is None when it is gone, stale (reboot, reused pid) or a zombie."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: dict[str, Any] = {}
        if path.exists():
            try:
                self.values = json.loads(path.read_text())
            except ValueError:
                path.unlink()  # an empty file after a power cut: as good as no record

    def save(self, **changes: Any) -> None:
        """Change values and write them all."""
        self.values |= changes
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_private(self.path, self.values)

    def remember(self, pid: int) -> None:
        """Record a process that has just been started."""
        try:
            born = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            born = 0.0
        self.save(pid=pid, born=born)

    def forget(self) -> None:
        """Drop the process, keep the other values."""
        if self.values.pop("pid", None) is not None:
            self.save()

    def process(self) -> psutil.Process | None:
        """Return the living process, if it is still the one recorded."""
        try:
            process = psutil.Process(self.values["pid"])
            same = abs(process.create_time() - self.values["born"]) < SAME_BIRTH_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (KeyError, psutil.Error):
            return None


def end(process: psutil.Process, how: signal.Signals, seconds: float) -> bool:
    """Signal a process and wait; False when it had to be killed after `seconds`."""
    try:
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # one that is paused could not obey
        process.wait(seconds)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        kill(process)
        return False
    return True


def kill(process: psutil.Process) -> None:
    """Kill -9 a process and its children, and wait until they are gone."""
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=10)
