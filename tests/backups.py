"""A backup as docs/operations.md says it, and a second PostgreSQL to restore it into."""

from __future__ import annotations

import subprocess
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from deploy.local.postgres import Postgres
from tests.servers import beside


def another_cluster() -> AbstractContextManager[Postgres]:
    """An empty PostgreSQL beside the one of the tests."""
    return beside(partial(Postgres, is_durable=False))


def dump(server: Postgres, database_url: str, file: Path) -> None:
    run(server, "pg_dump", "--format=custom", f"--file={file}", database_url)


def restore(server: Postgres, file: Path) -> str:
    """Into the empty database of a new cluster; returns its URL."""
    run(server, "pg_restore", "--no-owner", "--no-acl", "--exit-on-error", f"--dbname={server.url}", str(file))
    return server.url


def run(server: Postgres, program: str, *words: str) -> None:
    """A program of the server's own version, which has to succeed."""
    done = subprocess.run(
        [server._binaries() / program, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
