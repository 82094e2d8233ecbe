"""`python -m tests.bench.one_family [COUNT]`: one family posted by two agencies for ever, as a probe or a fault would.

Each post costs the same, however many came before: prints the median of each tenth, and the largest rows and events.
Fails when an event is over 16 KiB, or a list of links over its cap.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import asyncpg

from services.referral.families.links import MOST
from shared.settings import ROOT
from tests.bench.generator import Connection
from tests.families import a_referral
from tests.servers import end_as_by_ctrl_c, running
from tests.system import System

COUNT: Final = 10_000
LARGEST_EVENT: Final = 16 * 1024
_LARGEST: Final = """
    SELECT (SELECT max(octet_length(value)) FROM referral.event) AS event,
        (SELECT max(jsonb_array_length(CAST(value AS jsonb) -> 'linked')) FROM referral.event
         WHERE CAST(value AS jsonb) ? 'linked') AS links,
        (SELECT max(n) FROM (SELECT count(*) AS n FROM referral.kin GROUP BY referral_id) AS k) AS kin,
        (SELECT count(*) FROM referral.event WHERE type = 'referral.amended.v1') AS amended
"""


def main() -> None:
    end_as_by_ctrl_c()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "servers") as servers:
        database = servers.url_of(servers.new_database(template="template1"))
        with System(servers, database, Path(folder) / "var", tree=ROOT) as system:
            seconds = asyncio.run(_posted(system, count))
            largest = asyncio.run(_largest(database))
    tenth = max(1, count // 10)
    for begin in range(0, count, tenth):
        print(
            f"posts {begin + 1:>6} to {begin + tenth:>6}: median {statistics.median(seconds[begin : begin + tenth]) * 1000:.1f} ms"
        )
    print(
        f"largest event {largest['event']} bytes, most links {largest['links']}, most rows of kin {largest['kin']}, "
        f"{largest['amended']} amended events"
    )
    if largest["event"] > LARGEST_EVENT or largest["links"] > MOST:
        sys.exit("something of the family grows")


async def _posted(system: System, count: int) -> list[float]:
    """The seconds of each post, by two agencies in turn."""
    family, seconds = a_referral(), []
    del family["external_reference"]  # with it all but the first of each agency would be repeats
    body = json.dumps(family).encode()
    address = f"{system.url('referral')}/referrals"
    agencies = [Connection(address, system.agency_key(slug)) for slug in ("health-visiting", "nursery")]
    async with agencies[0], agencies[1]:
        for number in range(count):
            began = time.perf_counter()
            status = await agencies[number % 2].post(body)
            assert status == 201, status
            seconds.append(time.perf_counter() - began)
            if number % 500 == 499:
                print(f"{number + 1} posted", file=sys.stderr)
    return seconds


async def _largest(database: str) -> Any:
    connection = await asyncpg.connect(database)
    try:
        return await connection.fetchrow(_LARGEST)
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
