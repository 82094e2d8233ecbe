"""`make bench`: what two cores carry, on the real parts, in one run. Prints figures with their method; asserts nothing."""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import psutil

from deploy.local.ports import free_port
from tests.bench.generator import Sent, burst, families, paced
from tests.servers import Servers, running
from tests.system import NAMES, System, eventually

CONNECTIONS = 64


def main() -> None:
    """Start servers and services in a folder of their own, measure, stop them."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--referrals", type=int, default=6000)
    parser.add_argument("--paced-seconds", type=int, default=20)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores; everything below, generator included, shares them. Compare within this run only.")
    print(f"A loop of 3 million additions: {_calibrate():.2f} s of CPU.")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "servers") as servers:
        servers.make_template()
        database = servers.url_of(servers.new_database())
        asyncio.run(_commits(database))
        asyncio.run(_leanest(database, given.referrals // 2))
        with System(servers, database, Path(folder) / "var") as system:
            asyncio.run(_whole(system, given.referrals, given.paced_seconds))
            _memory(system)


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
        _print_burst("leanest durable intake (validate, one row, one commit)", sent, time.perf_counter() - began)
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


async def _whole(system: System, count: int, paced_seconds: int) -> None:
    address, key = f"{system.url('referral')}/referrals", system.agency_key()
    await burst(address, key, families(300), 16)  # warm caches, plans and batches
    await _settle(system, 300)
    bodies, before, began = families(count), _cpu(system), time.perf_counter()
    before, began = _cpu(system), time.perf_counter()
    sent = await burst(address, key, bodies, CONNECTIONS)
    _print_burst("our intake (matched, encrypted, audited, with its event)", sent, time.perf_counter() - began)
    await _settle(system, 300 + count - sent.refused)
    took = time.perf_counter() - began
    print(f"end to end, to the last receipt handed over: {len(sent.seconds) / took:6.0f}/s")
    _print_cpu(_cpu(system), before, count)
    total = 300 + len(sent.seconds)
    bodies = families(50 * paced_seconds)
    answered = await paced(address, key, bodies, 50)
    await _settle(system, total + len(answered.seconds))
    print(
        f"at 50/s for {paced_seconds} s, from the due time: {_percentiles([1000 * each for each in answered.seconds])}"
    )
    await _print_stages(system, len(bodies))


async def _settle(system: System, received: int) -> None:
    await asyncio.to_thread(
        eventually, lambda: system.totals()["acknowledged"] >= received, what="all acknowledged", seconds=600
    )


def _cpu(system: System) -> dict[str, float]:
    """CPU seconds so far, by part."""
    used = {name: _seconds(child.pid) for name, child in system._children.items()}
    servers = system.servers
    if servers.postgres and servers.kafka:
        used["postgresql"] = sum(_seconds(pid) for pid in _tree(servers.postgres.record.process().pid))
        used["kafka"] = _seconds(servers.kafka.record.process().pid)
    used["generator"] = _seconds(os.getpid())
    return used


def _seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def _tree(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children())]


def _print_burst(what: str, sent: Sent, took: float) -> None:
    rate = len(sent.seconds) / took
    shown = _percentiles([1000 * each for each in sent.seconds])
    print(f"{what}, {CONNECTIONS} connections: {rate:6.0f}/s, {shown}, {sent.refused} refused")


def _print_cpu(after: dict[str, float], before: dict[str, float], count: int) -> None:
    used = {name: (after[name] - before[name]) * 1000 / count for name in after}
    print("CPU seconds per 1,000 referrals: " + ", ".join(f"{name} {each:.2f}" for name, each in used.items()))
    print(f"  the four services together: {sum(used[name] for name in NAMES):.2f}")


async def _print_stages(system: System, last: int) -> None:
    """Where the time goes, from the services' own records of the last `last` referrals (one clock)."""
    connection = await asyncpg.connect(system.database_url)
    rows = await connection.fetch(
        """
        SELECT extract(epoch FROM d.decided_at - r.received_at) * 1000 AS decided,
               extract(epoch FROM m.sent_at - r.received_at) * 1000 AS receipt
        FROM triage.referral r JOIN triage.decision d ON d.referral_id = r.id
            JOIN notify.message m ON m.referral_id = r.id AND m.kind = 'receipt'
        ORDER BY r.received_at DESC LIMIT $1
        """,
        last,
    )
    await connection.close()
    print(f"  receipt of the request → heard by triage:        {_percentiles([float(row['decided']) for row in rows])}")
    print(
        f"  receipt of the request → acknowledgement handed over: {_percentiles([float(row['receipt']) for row in rows])}"
    )


def _memory(system: System) -> None:
    time.sleep(3)
    sizes = {name: psutil.Process(child.pid).memory_info().rss / 2**20 for name, child in system._children.items()}
    print("resident memory, MB: " + ", ".join(f"{name} {size:.0f}" for name, size in sizes.items()), end="")
    print(f"; together {sum(sizes.values()):.0f}")
    servers: Servers = system.servers
    if servers.postgres and servers.kafka:
        kafka = psutil.Process(servers.kafka.record.process().pid).memory_full_info().pss / 2**20
        postgres = (
            sum(psutil.Process(pid).memory_full_info().pss for pid in _tree(servers.postgres.record.process().pid))
            / 2**20
        )
        print(f"proportional memory, MB: kafka {kafka:.0f}, postgresql {postgres:.0f}; together {kafka + postgres:.0f}")


def _percentiles(values: list[float]) -> str:
    if not values:
        return "nothing"
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return f"p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms, p99 {cuts[98]:.0f} ms"


if __name__ == "__main__":
    main()
