"""What the whole system does with a burst and with 50 referrals a second: figures by name, in one unit each.

Method: new families in each run, from a light generator that shares the cores; CPU seconds are those that the processes
used, whoever else was on the machine; commits are PostgreSQL's own count, of all its databases' users.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from typing import Final

import asyncpg
import psutil

from tests.bench.generator import Sent, burst, families, paced
from tests.system import NAMES, System, eventually

CONNECTIONS: Final = 64
PACE: Final = 50
WARM_UP: Final = 300
SETTLES: Final = 600.0

Figures = dict[str, float]
"""Name with its unit → value, in the order in which they are printed."""


async def whole(system: System, count: int, paced_seconds: int) -> Figures:
    """A warm-up, a burst of `count`, then PACE a second with one copy of each service and with two."""
    address, key = f"{system.url('referral')}/referrals", system.agency_key()
    figures = Figures()
    await burst(address, key, families(WARM_UP), 16)  # warm caches, plans and batches
    received = WARM_UP
    await _settle(system, received)
    bodies, before, began = families(count), _used(system), time.perf_counter()
    commits, began = await committed(system), time.perf_counter()
    sent = await burst(address, key, bodies, CONNECTIONS)
    figures["burst: answers a second"] = len(sent.seconds) / (time.perf_counter() - began)
    received += len(sent.seconds)
    await _settle(system, received)
    figures["burst: acknowledged a second, to the last one"] = len(sent.seconds) / (time.perf_counter() - began)
    figures |= _percentiles("burst: answer, ms,", sent)
    figures |= _cpu("burst", before, _used(system), len(sent.seconds))
    figures["burst: commits a referral"] = (await committed(system) - commits) / max(1, len(sent.seconds))
    figures["burst: refused"] = sent.refused
    for copies in ("one copy", "two copies"):
        if copies == "two copies":
            with system.second_copies() as second:
                await asyncio.to_thread(second.wait_until_ready)
                await asyncio.sleep(5)  # parts and partitions move
                figures |= await _paced(system, address, key, paced_seconds, received, copies)
        else:
            figures |= await _paced(system, address, key, paced_seconds, received, copies)
        received += PACE * paced_seconds
    return figures


async def _paced(system: System, address: str, key: str, seconds: int, received: int, copies: str) -> Figures:
    bodies, before, commits = families(PACE * seconds), _used(system), await committed(system)
    sent = await paced(address, key, bodies, PACE)
    await _settle(system, received + len(sent.seconds))
    name, count = f"{PACE}/s, {copies}", len(sent.seconds)
    figures = _percentiles(f"{name}: answer, ms,", sent)
    figures |= await _stages(system, name, count)
    if copies == "one copy":  # the processes of the second copies are not counted
        figures |= _cpu(name, before, _used(system), count)
        figures[f"{name}: commits a referral"] = (await committed(system) - commits) / max(1, count)
    return figures


async def _settle(system: System, received: int) -> None:
    await asyncio.to_thread(
        eventually, lambda: system.totals()["acknowledged"] >= received, what="all acknowledged", seconds=SETTLES
    )


async def committed(system: System) -> int:
    connection = await asyncpg.connect(system.database_url)
    try:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        return int(
            await connection.fetchval("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        )
    finally:
        await connection.close()


async def _stages(system: System, name: str, last: int) -> Figures:
    """From the services' own records of the last `last` referrals (one clock), counted from the request's receipt."""
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
    decided = cuts(f"{name}: heard by triage, ms,", [float(row["decided"]) for row in rows])
    return decided | cuts(f"{name}: acknowledged, ms,", [float(row["receipt"]) for row in rows])


def _used(system: System) -> Figures:
    """CPU seconds so far, by part."""
    used = {name: _seconds(child.pid) for name, child in system._children.items()}
    servers = system.servers
    if servers.postgres and servers.kafka:
        used["postgresql"] = sum(_seconds(pid) for pid in tree_of(servers.postgres.record.process().pid))
        used["kafka"] = _seconds(servers.kafka.record.process().pid)
    used["generator"] = _seconds(os.getpid())
    return used


def _seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:  # a connection that ended meanwhile
        return 0.0
    return times.user + times.system + times.children_user + times.children_system


def tree_of(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children())]


def _cpu(name: str, before: Figures, after: Figures, count: int) -> Figures:
    used = {part: (after[part] - before[part]) * 1000 / max(1, count) for part in after}
    shown = {f"{name}: CPU s per 1,000, {part}": seconds for part, seconds in used.items()}
    return shown | {f"{name}: CPU s per 1,000, the four services": sum(used[part] for part in NAMES)}


def _percentiles(name: str, sent: Sent) -> Figures:
    return cuts(name, [1000 * each for each in sent.seconds])


def cuts(name: str, values: Sequence[float]) -> Figures:
    """Median, 95th and 99th percentile; nothing of no values."""
    if len(values) < 2:
        return {}
    found = statistics.quantiles(values, n=100, method="inclusive")
    return {f"{name} p{percent}": found[percent - 1] for percent in (50, 95, 99)}


def memory(system: System) -> Figures:
    """Resident MB of the services, and MB of the servers by their share of shared pages, a moment after the work."""
    time.sleep(3)
    sizes = {name: psutil.Process(child.pid).memory_info().rss / 2**20 for name, child in system._children.items()}
    figures = {f"memory, MB, {name}": size for name, size in sizes.items()}
    figures["memory, MB, the four services"] = sum(sizes.values())
    servers = system.servers
    if servers.postgres and servers.kafka:
        of = {
            "kafka": [servers.kafka.record.process().pid],
            "postgresql": tree_of(servers.postgres.record.process().pid),
        }
        for name, pids in of.items():
            figures[f"memory, MB, {name}"] = sum(psutil.Process(pid).memory_full_info().pss for pid in pids) / 2**20
    return figures
