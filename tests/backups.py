"""A backup as docs/operations.md says it, and a second PostgreSQL to restore it into."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.postgres import Postgres
from tests.servers import endings, passing_folder


@contextmanager
def another_cluster() -> Iterator[Postgres]:
    """An empty PostgreSQL beside the one of the tests; killed and removed in the end."""
    folder = passing_folder()
    server = Postgres(folder, is_durable=False)

    def crash() -> None:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)

    endings.append(crash)
    try:
        server.start()
        yield server
    finally:
        crash()


def dump(server: Postgres, database_url: str, file: Path) -> None:
    _run(server, "pg_dump", "--format=custom", f"--file={file}", database_url)


def restore(server: Postgres, file: Path) -> str:
    """Into the empty database of a new cluster; returns its URL."""
    _run(server, "pg_restore", "--no-owner", "--no-acl", "--exit-on-error", f"--dbname={server.url}", str(file))
    return server.url


def _run(server: Postgres, program: str, *words: str) -> None:
    done = subprocess.run(
        [server._binaries() / program, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
