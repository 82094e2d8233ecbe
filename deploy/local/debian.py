"""Debian's packages, unpacked into a folder: nothing of the machine is changed, and root is not needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def find(program: str, unpacked: Path) -> str | None:
    """Return its path: on the PATH, or in the folder that packages were unpacked into."""
    places = [os.environ.get("PATH"), *(str(unpacked / place) for place in ("usr/bin", "usr/sbin"))]
    return shutil.which(program, path=os.pathsep.join(filter(None, places)))


def environment(unpacked: Path) -> dict[str, str]:
    """Ours, with the libraries of the unpacked packages."""
    return os.environ | {"LD_LIBRARY_PATH": ":".join(map(str, unpacked.glob("usr/lib/*-linux-gnu")))}


def can_unpack() -> bool:
    """Whether this machine has Debian's tools."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg-deb"))


def unpack(packages: tuple[str, ...], folder: Path) -> str | None:
    """Return what failed. Lists of packages that are missing or old are fetched anew, where we may: as root."""
    print(f"Fetching {' and '.join(packages)} ...", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        failed = _download(name, packages)
        if failed and os.geteuid() == 0:
            failed = _quietly(name, "apt-get", "update", "-qq") or _download(name, packages)
        for package in sorted(Path(name).glob("*.deb")):
            failed = failed or _quietly(name, "dpkg-deb", "-x", str(package), str(folder))
    return failed


def _download(folder: str, packages: tuple[str, ...]) -> str | None:
    return _quietly(folder, "apt-get", "download", "-qq", *packages)


def _quietly(folder: str, *command: str) -> str | None:
    """Run it in `folder` with only its complaints to be seen; return in a few words that it failed."""
    done = subprocess.run(command, check=False, cwd=folder, stdout=subprocess.DEVNULL)
    return f"`{' '.join(command[:2])}` ended with {done.returncode}" if done.returncode else None
