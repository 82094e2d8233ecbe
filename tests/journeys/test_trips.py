"""What a referral costs PostgreSQL, counted on the running system: it decides how long an acknowledgement takes."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from tests.bench.generator import families, paced
from tests.system import System, eventually

REFERRALS: Final = 150
PER_SECOND: Final = 50
MOST: Final = 15
"""Transactions a referral, of all four services together. Almost each is one statement; looks count too."""
MOST_WRITES: Final = 10
"""Of them, those that change something: each is a commit that waits for the disk."""
MOST_ROWS: Final = 48
"""Rows that are inserted or updated: about 44 where batches are small (measured at 8 referrals a second)."""


def transactions(system: System) -> tuple[int, int, int]:
    """So far: all, those that wrote, and how many rows they wrote."""
    [row] = system.query("""
        SELECT xact_commit, CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS writes,
            tup_inserted + tup_updated AS rows
        FROM pg_stat_database WHERE datname = current_database()
    """)
    return int(row["xact_commit"]), int(row["writes"]), int(row["rows"])


def test_a_referral_costs_few_transactions_at_an_everyday_rate(system: System) -> None:
    before, known = transactions(system), system.totals()["acknowledged"]
    sent = asyncio.run(
        paced(f"{system.url('referral')}/referrals", system.agency_key(), families(REFERRALS), PER_SECOND)
    )
    assert sent.refused == 0
    eventually(lambda: system.totals()["acknowledged"] >= known + REFERRALS, what="all acknowledged")
    time.sleep(1.5)  # PostgreSQL counts what a connection did up to a second later
    after = transactions(system)
    assert (after[0] - before[0]) / REFERRALS <= MOST
    assert (after[1] - before[1]) / REFERRALS <= MOST_WRITES
    assert (after[2] - before[2]) / REFERRALS <= MOST_ROWS
