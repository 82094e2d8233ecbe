"""What the tests and the guide start alike: the machine's own Chromium, and the demo's families in a system."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Final

from playwright.sync_api import expect

from deploy.local import chromium
from tests.system import System

PATIENCE_MS: Final = 20_000
ARGUMENTS: Final = (
    "--no-sandbox",  # in a container we are root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launching() -> dict[str, Any]:
    """For `launch`: playwright installs no browser. None of the machine's own is an AssertionError."""
    path = chromium.find()
    assert path, "no Chromium: `python -m deploy.local.chromium` says how to get one"
    expect.set_options(timeout=PATIENCE_MS)
    return {"executable_path": path, "args": list(ARGUMENTS)}


def fill(system: System, families: int) -> None:
    """With the demo; returns when everything is triaged, told and counted."""
    mark = system.var / "demo.json"
    command = (sys.executable, "-m", "deploy.demo", "--families", str(families), "--mark", str(mark))
    subprocess.run(command, env=system._environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
