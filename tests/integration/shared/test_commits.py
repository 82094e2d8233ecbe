"""How many transactions a referral takes through all four services when they come at 50 a second."""

from __future__ import annotations

import asyncio
from typing import Final

from tests.bench.generator import burst, families, paced
from tests.bench.whole import PACE, committed
from tests.system import System

MOST: Final = 9.0
"""Six on a machine with 2 cores, and eleven with a batch for each event. A busier machine has larger batches."""
COUNT: Final = PACE * 4


def test_a_referral_takes_nine_commits_at_most(system: System) -> None:
    address, key = f"{system.url('referral')}/referrals", system.agency_key()
    asyncio.run(burst(address, key, families(COUNT), 16))
    system.totals_at_rest()
    before = asyncio.run(committed(system))
    sent = asyncio.run(paced(address, key, families(COUNT), PACE))
    assert len(sent.seconds) == COUNT
    system.totals_at_rest()
    each = (asyncio.run(committed(system)) - before) / COUNT
    assert 1 < each <= MOST
