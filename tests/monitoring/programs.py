"""Finds Prometheus and Alertmanager with their tools, or installs Debian's packages without starting their services."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PACKAGES: Final = ("prometheus", "prometheus-alertmanager")
NAMES: Final = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "amtool": ("amtool",),
}
"""What each is called, Debian's name first."""
POLICY: Final = Path("/usr/sbin/policy-rc.d")
"""Asked by Debian's packages before they start a service; 101 is no."""
SYSTEMD: Final = Path("/run/systemd/system")
"""There where systemd runs the machine."""


def find(program: str) -> str | None:
    """Return the path of one of NAMES: in the folder PIR_MONITORING_BIN, or on the PATH."""
    path = os.pathsep.join(filter(None, (os.environ.get("PIR_MONITORING_BIN"), os.environ.get("PATH"))))
    return next((found for name in NAMES[program] if (found := shutil.which(name, path=path))), None)


def missing() -> list[str]:
    """Return those that can't be found."""
    return [program for program in NAMES if not find(program)]


def main() -> str | None:
    """Install them where that is possible; return one line that says what to do when one is missing in the end."""
    failed = _install() if missing() and shutil.which("apt-get") and os.geteuid() == 0 else []
    if not missing():
        return None
    why = f" ({'; '.join(failed)}; its words are above)" if failed else ""
    how = f"`apt install {' '.join(PACKAGES)}` as root, or PIR_MONITORING_BIN=folder with their programs"
    return f"no {', '.join(missing())}{why}: {how}"


def _install() -> list[str]:
    """Return what failed. It goes on after a failure: without fresh lists the packages may be there all the same."""
    print(f"Installing {' and '.join(PACKAGES)} ...", flush=True)
    with _nothing_starts():
        commands = (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", *PACKAGES))
        return [failure for command in commands if (failure := _quietly("apt-get", *command))]


@contextlib.contextmanager
def _nothing_starts() -> Iterator[None]:
    """Neither now nor at the next start of the machine: the tests run these programs by themselves."""
    if SYSTEMD.exists() and (failure := _quietly("systemctl", "mask", *PACKAGES)):
        print(f"{failure}: they may run as services after the next start of the machine", flush=True)
    is_ours = not POLICY.exists()
    if is_ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if is_ours:
            POLICY.unlink()


def _quietly(*command: str) -> str | None:
    """Run it with only its complaints to be seen; return in a few words that it failed."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, check=False, env=quiet, stdout=subprocess.DEVNULL)
    return f"`{' '.join(command)}` ended with {done.returncode}" if done.returncode else None


if __name__ == "__main__":
    FAULT = main()
    sys.exit(FAULT and f"error: {FAULT}")
