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


def transactions(system: System) -> int:
    [row] = system.query("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    return int(row["xact_commit"])


def test_a_referral_costs_few_transactions_at_an_everyday_rate(system: System) -> None:
    before, known = transactions(system), system.totals()["acknowledged"]
    sent = asyncio.run(
        paced(f"{system.url('referral')}/referrals", system.agency_key(), families(REFERRALS), PER_SECOND)
    )
    assert sent.refused == 0
    eventually(lambda: system.totals()["acknowledged"] >= known + REFERRALS, what="all acknowledged")
    time.sleep(1.5)  # PostgreSQL counts what a connection did up to a second later
    assert (transactions(system) - before) / REFERRALS <= MOST
