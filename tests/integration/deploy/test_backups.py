"""deploy/backup.sh on a real server: copies, changes as they come, and a restore to a moment.

What an application does after that is tests/integration/deploy/test_recovery.py.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local import nobody
from deploy.local.postgres import Postgres
from deploy.migrate import migrate
from services.metrics import measures, tables
from shared.database import engine_of
from shared.settings import ROOT
from tests.servers import PASSWORDS, beside, endings, own_url
from tests.system import eventually

SCRIPT: Final = ROOT / "deploy" / "backup.sh"


class Copied(Postgres):
    """As Compose's: others may follow its changes."""

    def command(self) -> list[str | Path]:
        return [*super().command(), "--wal_level=replica", "--max_wal_senders=4", "--max_replication_slots=4"]


@dataclass
class Site:
    server: Copied
    backups: Path

    def environment(self) -> dict[str, str]:
        at = urlsplit(self.server.url)
        return {
            "PATH": f"{self.server._binaries()}:{os.environ['PATH']}",
            "PGHOST": str(at.hostname),
            "PGPORT": str(at.port),
            "PGUSER": str(at.username),
            "PGPASSWORD": str(at.password),
            "PGDATABASE": "postgres",
            "PIR_BACKUPS": str(self.backups),
            "PIR_BACKUP_KEEP": "2",
        }

    def does(self, *words: str) -> str:
        done = self.tries(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tries(self, *words: str) -> subprocess.CompletedProcess[str]:
        """As the user of the server, who has to read the files again."""
        return subprocess.run(
            ["sh", SCRIPT, *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **self.server.child_options(),
        )

    def begins(self, word: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["sh", SCRIPT, word],
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self.server.child_options(),
        )

    def query(self, statement: str) -> Any:
        return ask(self.server.url, statement)

    def bases(self) -> list[str]:
        return sorted(each.name for each in self.backups.glob("base-*"))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with beside(partial(Copied, is_durable=False)) as server:
        migrate(server.url, passwords=PASSWORDS)
        site = Site(server, server.folder.parent / "backups")
        site.backups.mkdir()
        if nobody.is_needed():
            nobody.give(site.backups)
        copying = site.begins("run")

        def end() -> None:
            if copying.poll() is None:
                os.killpg(copying.pid, signal.SIGKILL)
                copying.wait()

        endings.append(end)
        try:
            eventually(site.bases, what="the first copy")
            eventually(lambda: site.query("SELECT count(*) FROM public.pir_backup"), what="its note")
            yield site
        finally:
            end()


def put(site: Site, words: str) -> None:
    site.query("CREATE TABLE IF NOT EXISTS public.said (words text, at timestamptz DEFAULT clock_timestamp())")
    site.query(f"INSERT INTO public.said (words) VALUES ('{words}')")


def test_a_restore_to_a_moment_has_all_from_before_it_and_nothing_from_after(site: Site, tmp_path: Path) -> None:
    put(site, "before")
    moment = site.query("SELECT clock_timestamp()") + timedelta(milliseconds=200)
    time.sleep(0.5)
    put(site, "after")
    site.query("DROP TABLE triage.audit CASCADE")  # the damage
    behind = "SELECT pg_current_wal_lsn() <= restart_lsn FROM pg_replication_slots WHERE slot_name = 'pir_backup'"
    site.query("SELECT pg_switch_wal()")
    eventually(lambda: site.query(behind) or (site.query("SELECT pg_switch_wal()") and False), what="all changes taken")

    began = time.monotonic()
    with restored(site, moment) as connection_url:
        words = ask(connection_url, "SELECT string_agg(words, ' ') FROM public.said")
        assert words == "before"
        assert ask(connection_url, "SELECT count(*) FROM triage.audit") == 0
        print(f"restored to a moment in {time.monotonic() - began:.1f} s")


def ask(url: str, statement: str) -> Any:
    async def once() -> Any:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(once())


@contextmanager
def restored(site: Site, moment: datetime) -> Iterator[str]:
    """The URL of another server, on what `backup.sh restore` makes."""

    def made(folder: Path) -> Copied:
        server = Copied(folder, is_durable=False)
        server.prepare()  # a port and a home; its own empty cluster goes
        password, data = server.home / "password", server.home / "data"
        shutil.rmtree(data)
        site.does("restore", str(data), moment.astimezone(UTC).isoformat())
        shutil.copy(site.server.home / "password", password)
        if nobody.is_needed():
            nobody.give(password)
        server.record.save(password=password.read_text())
        return server

    with beside(made) as server:
        eventually(lambda: not ask(server.url, "SELECT pg_is_in_recovery()"), what="the end of the recovery")
        yield server.url


def test_old_copies_go_and_the_changes_from_before_them(site: Site) -> None:
    for _ in range(3):
        time.sleep(1.1)  # a copy is named by its second
        site.does("once")
    assert len(site.bases()) == 2
    assert not list(site.backups.glob("*.new"))
    assert site.query("SELECT count(*) FROM public.pir_backup") >= 3


def test_a_copy_that_was_cut_off_is_none(site: Site) -> None:
    at = site.bases()
    child = site.begins("once")
    time.sleep(0.05)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    assert set(site.bases()) - set(at) <= {each.name for each in site.backups.glob("*.new")}
    site.does("once")
    assert not list(site.backups.glob("*.new"))


def test_a_folder_that_is_not_empty_is_refused(site: Site) -> None:
    done = site.tries("restore", str(site.backups))
    assert (done.returncode, "is not empty" in done.stdout) == (1, True)


def test_a_moment_before_every_copy_is_refused(site: Site, tmp_path: Path) -> None:
    done = site.tries("restore", str(tmp_path / "data"), "2001-01-01T00:00:00+00:00")
    assert (done.returncode, "no copy from before" in done.stdout) == (1, True)


@pytest.fixture
async def counts(site: Site) -> Any:
    engine: AsyncEngine = engine_of(own_url(site.server.url, "metrics"), tables.SCHEMA)
    yield engine
    await engine.dispose()


async def test_metrics_knows_how_old_the_newest_copy_is(site: Site, counts: AsyncEngine) -> None:
    async with counts.connect() as tx:
        await measures._measure_backups(tx)
    assert 0 <= measures.BACKUP_AGE._value.get() < 300
    assert measures.BACKUP_BEHIND._value.get() >= 0
