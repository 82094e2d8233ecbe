"""The proof that the tests of this folder can fail. It leaves losses behind, so it is the last one."""

from __future__ import annotations

import asyncio
import time

from tests.cluster.network import cut_off
from tests.cluster.region import Region
from tests.cluster.test_faults import PAUSE, SENDERS
from tests.system import eventually, under_load
from tests.whole import stored


def test_without_the_standby_s_copy_a_promotion_would_lose(region: Region, accepted: dict[str, str]) -> None:
    """What the other tests would show, were commits not waited for: the question of `assert_whole` finds what is missing."""
    host, standby = region.hosts[0], region.standby
    asyncio.run(region.primary.wait_for_standby(None))
    eventually(lambda: not asyncio.run(region.primary.is_copied()), what="nobody waits for the standby")
    with cut_off(standby.machine):
        with under_load(host, senders=SENDERS, pause=PAUSE) as load:
            time.sleep(5)
        region.primary.kill()
    region.promote()
    region.wait_until_ready()
    assert load.accepted.keys() - stored(host), "accepted, and lost"
    assert accepted.keys() <= stored(host), "what was waited for before is there"
