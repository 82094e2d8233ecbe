"""Finds a Chromium for the browser tests, or installs Debian's; never one that a test tool downloads by itself."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium-headless-shell", "fonts-liberation")
"""The same Chromium without windows: `make test-browser` took 294 s with it and 533 s with windows, on 2 cores."""


def find() -> str | None:
    """Return the path of a Chromium: PIR_CHROMIUM, or the first of the usual names."""
    return os.environ.get("PIR_CHROMIUM") or next((found for name in NAMES if (found := shutil.which(name))), None)


def main() -> str | None:
    """Install it where that is possible; return one line when there is none in the end."""
    if find():
        return None
    if shutil.which("apt-get") and os.geteuid() == 0:
        print(f"Installing {' and '.join(PACKAGES)} ...", flush=True)
        quietly = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
            subprocess.run(["apt-get", "-qq", *step], check=False, env=quietly, stdout=subprocess.DEVNULL)
    return None if find() else "no Chromium: `apt install chromium`, or set PIR_CHROMIUM to its path"


if __name__ == "__main__":
    FAULT = main()
    sys.exit(FAULT and f"error: {FAULT}")
