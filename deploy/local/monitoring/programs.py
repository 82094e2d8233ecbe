"""Finds Prometheus and Alertmanager with their tools, or unpacks Debian's packages into .tools, which needs no root."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from deploy.local.debian import can_unpack, unpack

PACKAGES: Final = ("prometheus", "prometheus-alertmanager")
NAMES: Final = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "amtool": ("amtool",),
}
"""What each is called, Debian's name first."""
UNPACKED: Final = Path(__file__).resolve().parents[3] / ".tools" / "monitoring"
"""Where the packages are unpacked; both link to nothing but the C library."""
SHARED: Final = b"/usr/share/prometheus/alertmanager"
"""Where Debian's Alertmanager looks for its templates, whatever it is told; without them it does not start."""
STARTER: Final = """\
#!/bin/sh
# Debian's program, which finds its templates from here.
here=$(cd "$(dirname "$0")/../.." && pwd) && cd "$here" && exec usr/bin/alertmanager.moved "$@"
"""


def find(program: str) -> str | None:
    """Return the path of one of NAMES: in the folder PIR_MONITORING_BIN, on the PATH, or in what was unpacked."""
    places = (os.environ.get("PIR_MONITORING_BIN"), os.environ.get("PATH"), str(UNPACKED / "usr" / "bin"))
    path = os.pathsep.join(filter(None, places))
    return next((found for name in NAMES[program] if (found := shutil.which(name, path=path))), None)


def missing() -> list[str]:
    """Return those that can't be found."""
    return [program for program in NAMES if not find(program)]


def main() -> str | None:
    """Unpack them where that is possible; return one line that says what to do when one is missing in the end."""
    failed = unpack(PACKAGES, UNPACKED) if missing() and can_unpack() else None
    move_alertmanager(UNPACKED)
    if not missing():
        return None
    why = f" ({failed}; its words are above)" if failed else ""
    how = f"`apt install {' '.join(PACKAGES)}`, `brew install prometheus alertmanager`"
    return f"no {', '.join(missing())}{why}: {how}, or PIR_MONITORING_BIN=folder with their programs"


def move_alertmanager(unpacked: Path) -> None:
    """Let the unpacked program find its templates where it was unpacked to: the path in it becomes a relative one.

    That has to be as long as the one before: without the slash at its start, and with one more at its end.
    """
    program, moved = unpacked / "usr/bin/prometheus-alertmanager", unpacked / "usr/bin/alertmanager.moved"
    if not program.exists() or (content := program.read_bytes()) == STARTER.encode():
        return
    moved.write_bytes(content.replace(SHARED, SHARED[1:] + b"/"))
    moved.chmod(0o755)
    program.unlink()
    program.write_text(STARTER, encoding="utf-8")
    program.chmod(0o755)


if __name__ == "__main__":
    FAULT = main()
    sys.exit(FAULT and f"error: {FAULT}")
