"""`make bench`: what two cores carry, on the real parts, in one run. Prints figures with their method; asserts nothing."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from deploy.local.ports import free_port
from shared.settings import ROOT
from tests.bench.generator import burst, families
from tests.bench.whole import CONNECTIONS, Figures, memory, whole
from tests.servers import Servers, end_as_by_ctrl_c, running
from tests.system import System

TEN = 10


def main() -> None:
    """Start servers and services in a folder of their own, measure, stop them; with --against, another commit beside it."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--referrals", type=int, default=6000)
    parser.add_argument("--paced-seconds", type=int, default=20)
    parser.add_argument("--against", metavar="COMMIT", help="measure this commit, too, and print both side by side")
    given = parser.parse_args()
    end_as_by_ctrl_c()
    print(f"{os.cpu_count()} cores; everything below, generator included, shares them. Compare within this run only.")
    print(f"A loop of 3 million additions: {_calibrate():.2f} s of CPU.")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "servers") as servers:
        database = servers.url_of(servers.new_database(template="template1"))
        asyncio.run(_commits(database))
        asyncio.run(_leanest(database, given.referrals // 2))
        columns = {"this tree": _measured(servers, Path(folder) / "var", ROOT, given)}
        if given.against:
            with _checked_out(given.against, Path(folder) / "tree") as tree:
                columns = {given.against: _measured(servers, Path(folder) / "var-then", tree, given)} | columns
        _print(columns)


def _measured(servers: Servers, var: Path, tree: Path, given: argparse.Namespace) -> Figures:
    """The services of this tree, on an empty database."""
    with System(servers, servers.url_of(servers.new_database(template="template1")), var, tree=tree) as system:
        figures = asyncio.run(whole(system, given.referrals, given.paced_seconds))
        return figures | memory(system)


@contextmanager
def _checked_out(commit: str, folder: Path) -> Iterator[Path]:
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def _print(columns: dict[str, Figures]) -> None:
    """A row for each figure; with two columns, how the second stands to the first."""
    names = dict.fromkeys(name for figures in columns.values() for name in figures)
    widest = max(map(len, names))
    heads = [*columns, *(["ratio"] if len(columns) > 1 else [])]
    print(" " * widest, *(f"{head:>12.12}" for head in heads))
    for name in names:
        values = [figures.get(name) for figures in columns.values()]
        shown = [f"{'-' if value is None else _short(value):>12}" for value in values]
        if len(values) > 1 and values[0] and values[1] is not None:
            shown.append(f"{values[1] / values[0]:>12.2f}")
        print(f"{name:<{widest}}", *shown)


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) < TEN else f"{value:,.0f}"


def _calibrate() -> float:
    began, total = time.process_time(), 0
    for number in range(3_000_000):
        total += number * number
    return time.process_time() - began


async def _commits(url: str) -> None:
    """Single-row INSERTs, each its own commit: one connection, then sixteen."""
    connections = [await asyncpg.connect(url) for _ in range(16)]
    await connections[0].execute("CREATE TABLE commits (id bigserial PRIMARY KEY, body text)")
    for count in (1, 16):
        until, done = time.perf_counter() + 3, 0

        async def insert(connection: asyncpg.Connection, until: float = until) -> int:
            made = 0
            while time.perf_counter() < until:
                await connection.execute("INSERT INTO commits (body) VALUES ($1)", "x" * 500)
                made += 1
            return made

        done = sum(await asyncio.gather(*(insert(connection) for connection in connections[:count])))
        print(f"durable single-row commits, {count:2} connection(s): {done / 3:6.0f}/s")
    for connection in connections:
        await connection.close()


async def _leanest(url: str, count: int) -> None:
    port, bodies = free_port(), families(count)
    child = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-m", "tests.bench.leanest"],
        env=os.environ | {"DATABASE_URL": url, "PORT": str(port)},
    )
    address = f"http://127.0.0.1:{port}/referrals"
    try:
        await _until_it_answers(address)
        began = time.perf_counter()
        sent = await burst(address, "none", bodies, CONNECTIONS)
        rate = len(sent.seconds) / (time.perf_counter() - began)
        print(f"leanest durable intake (validate, one row, one commit), {CONNECTIONS} connections: {rate:6.0f}/s")
    finally:
        child.terminate()
        child.wait()


async def _until_it_answers(address: str) -> None:
    for _ in range(200):
        try:
            await burst(address, "none", families(1), 1)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            return
    raise TimeoutError(address)


if __name__ == "__main__":
    main()
