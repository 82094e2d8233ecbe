"""A real PgBouncer in front of the PostgreSQL of the tests: `python -m tests.pooler` finds Debian's or unpacks it.

With PIR_POOLER=1 the services of the integration tests, and of tests/system.py, send calls and pages by way of it. It
gives a server's connection for one transaction, and has two of them for each role and database: statements and settings
that a session would have kept are gone at the next one.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import threading
from functools import lru_cache
from pathlib import Path
from signal import SIGINT
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from deploy.local import debian, nobody
from deploy.local.ports import free_port
from deploy.local.server import Server
from deploy.roles import role_of
from tests.servers import PASSWORDS, endings, passing_folder

IS_WANTED: Final = bool(os.environ.get("PIR_POOLER"))
PACKAGES: Final = ("pgbouncer", "libevent-2.1-7", "libc-ares2")
UNPACKED: Final = Path(__file__).resolve().parents[1] / ".tools" / "pooler"
CONNECTIONS: Final = 2
"""Of a role to a database: few, so that neighbours in time share one."""
SETTINGS: Final = """\
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listens}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 2000
server_idle_timeout = 2
server_check_delay = 0
server_login_retry = 1
log_connections = 0
log_disconnections = 0
"""
"""The file `users` has passwords as they are: PgBouncer needs them to prove itself to PostgreSQL (SCRAM)."""


def find() -> str | None:
    """Return the path of PgBouncer: PIR_PGBOUNCER, on the PATH, or in what was unpacked."""
    return os.environ.get("PIR_PGBOUNCER") or debian.find("pgbouncer", UNPACKED)


def main() -> str | None:
    """Unpack it where that is possible; return one line when there is none in the end."""
    failed = debian.unpack(PACKAGES, UNPACKED) if not find() and debian.can_unpack() else None
    why = f" ({failed}; its words are above)" if failed else ""
    return None if find() else f"no PgBouncer{why}: `apt install pgbouncer`, or set PIR_PGBOUNCER to its path"


class Pooler(Server):
    """In front of one PostgreSQL, for the roles of the services."""

    name = "pgbouncer"
    stop_signal = SIGINT
    stop_seconds = 10

    def __init__(self, state: Path, host: str, port: int, stopping: threading.Event | None = None) -> None:
        super().__init__(state, stopping)
        self._host, self._port = host, port

    @property
    def url(self) -> str:
        return self.in_front_of(f"postgresql://{role_of('referral')}:{quote(PASSWORDS['referral'], safe='')}@/postgres")

    def in_front_of(self, database_url: str) -> str:
        """The same role and database, by way of it."""
        parts = urlsplit(database_url)
        user = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{self.record.values['port']}"))

    def child_options(self) -> dict[str, Any]:
        """As root, another user's ids: PgBouncer refuses to be root."""
        return {"env": debian.environment(UNPACKED)} | (nobody.child_options() if nobody.is_needed() else {})

    def prepare(self) -> None:
        listens = self.record.values.get("port") or free_port(None)
        self.record.save(port=listens)
        users = self.folder / "users.txt"
        users.write_text("".join(f'"{role_of(name)}" "{word}"\n' for name, word in PASSWORDS.items()))
        settings = SETTINGS.format(
            host=self._host, port=self._port, listens=listens, users=users, connections=CONNECTIONS
        )
        (self.folder / "pgbouncer.ini").write_text(settings)
        if nobody.is_needed():
            for path in (self.folder, users):
                nobody.give(path)

    def command(self) -> list[str | Path]:
        return [find() or "pgbouncer", self.folder / "pgbouncer.ini"]

    async def probe(self) -> None:
        """Its own connection is enough: the database of a test may be gone."""
        try:
            connection = await asyncpg.connect(self.url, timeout=5, statement_cache_size=0)
        except asyncpg.InvalidCatalogNameError:
            return
        await connection.close()


@lru_cache
def pooler_of(host: str, port: int) -> Pooler:
    """The one in front of this server, started once a process, and killed with it."""
    folder = passing_folder()
    made = Pooler(folder, host, port)

    def end() -> None:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)

    endings.append(end)
    atexit.register(end)
    made.start()
    return made


def pooled(database_url: str) -> str:
    """The URL by way of the pooler; empty when the tests are not to use one."""
    parts = urlsplit(database_url)
    return pooler_of(parts.hostname or "", parts.port or 5432).in_front_of(database_url) if IS_WANTED else ""


if __name__ == "__main__":
    FAULT = main()
    sys.exit(FAULT and f"error: {FAULT}")
