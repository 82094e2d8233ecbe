"""One at a time per state folder: a file lock that dies with its holder."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from deploy.local.console import LocalError


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; LocalError names the process that has it already."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        if not _take(file):
            raise LocalError(f"already running in {folder} (process {_pid(file)}): use that one, or `make stop` first")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(folder: Path) -> int | None:
    """Return the pid of the process that holds the lock, None when it is free."""
    if not (folder / "lock").exists():
        return None
    with (folder / "lock").open("a+") as file:
        return None if _take(file) else _pid(file)


def wait_until_free(folder: Path, seconds: float) -> bool:
    """Return whether the lock was free within `seconds`."""
    end = time.monotonic() + seconds
    while holder(folder) is not None:
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _take(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid(file: TextIO) -> int:
    file.seek(0)
    return int(file.read() or 0)
