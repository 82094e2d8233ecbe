"""What the person at the terminal sees: short lines, and errors of one line."""

import sys
from pathlib import Path

COMPOSE = "`docker compose up` needs no downloads of ours"


class LocalError(Exception):
    """Something the person can act on; its text is shown as one line without a traceback."""


class StoppedError(LocalError):
    """A stop was asked for while something was still starting."""


def say(text: str) -> None:
    """Print one line now; a terminal that has gone away must not keep us from stopping everything."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = None


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty, at most 300 characters."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return "(no log)"
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "(its log is empty)")
