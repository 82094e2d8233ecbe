"""Faults of whole machines and of the nets between them, under load; afterwards nothing is lost and nothing doubled.

Each test prints what it took. `served`: until a referral that was sent after the fault had begun was accepted and decided.
No test judges a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from uuid import uuid4

import pytest

from tests.cluster.network import Net, cut_off
from tests.cluster.region import Region
from tests.families import a_referral
from tests.system import NAMES, Load, eventually, under_load
from tests.whole import assert_whole

pytestmark = [pytest.mark.timeout(300)]
SENDERS, PAUSE = 2, 0.2
"""Some 8 referrals a second: two hosts, three brokers and the tests share two cores."""


@contextmanager
def loaded(region: Region, accepted: dict[str, str], fault: str) -> Iterator[Load]:
    """Referrals come in while this lasts; afterwards the region is whole, and so is what it holds."""
    with under_load(region.hosts[0], senders=SENDERS, pause=PAUSE) as load:
        time.sleep(2)
        yield load
        region.wait_until_ready()
        time.sleep(2)
    pause = max((after - before for before, after in pairwise(sorted(load.accepted_at))), default=0.0)
    print(f"\n{fault}: longest pause between two that were accepted {pause:.1f} s")
    assert_whole(region.hosts[0], load, accepted, fault=fault)
    said = region.hosts[0].run("deploy.check")
    assert "rules hold" in said, said


def served(region: Region, load: Load, what: str, *, seconds: float = 90) -> None:
    """Waits until one more referral is accepted and decided, and says how long that took."""
    began, host = time.monotonic(), region.hosts[0]
    key, body = uuid4().hex, a_referral()
    reply = eventually(lambda: (sent := host.send(body, key=key)).status == 201 and sent, what="201", seconds=seconds)
    accepted_after = time.monotonic() - began
    reference = reply.body["reference"]
    load.accepted[reference] = key
    eventually(
        lambda: host.query("SELECT 1 FROM referral.referral WHERE reference = $1 AND decision IS NOT NULL", reference),
        what="a decision",
        seconds=seconds,
    )
    print(f"\n{what}: accepted after {accepted_after:.1f} s, decided after {time.monotonic() - began:.1f} s")


def test_nothing_happens(region: Region, accepted: dict[str, str]) -> None:
    """What the other tests are compared with."""
    with loaded(region, accepted, "no fault") as load:
        served(region, load, "no fault")
        time.sleep(5)
    assert set(load.statuses) == {201}


def test_each_broker_is_killed_in_turn(region: Region, accepted: dict[str, str]) -> None:
    with loaded(region, accepted, "kill -9 of each broker in turn") as load:
        for broker in region.brokers:
            broker.kill()
            served(region, load, f"{broker.machine.name} killed")
            broker.start()
            eventually(region.is_copied, what="all copies in step again")
    assert set(load.statuses) == {201}


def test_the_machine_of_a_broker_vanishes(region: Region, accepted: dict[str, str]) -> None:
    """No connection is refused: whoever asks it gets no answer at all."""
    broker = region.brokers[0]
    with loaded(region, accepted, "a broker's machine vanishes") as load:
        with cut_off(broker.machine):
            for number in range(3):
                served(region, load, f"a broker's machine gone, referral {number + 1}")
            time.sleep(5)
        eventually(region.is_copied, what="all copies in step again")
    assert set(load.statuses) == {201}


def test_two_brokers_of_three_are_away(region: Region, accepted: dict[str, str]) -> None:
    """Nothing can be told: intake goes on, and all of it is decided once they are back."""
    first, second, _ = region.brokers
    with loaded(region, accepted, "two of three brokers killed") as load:
        first.kill()
        second.kill()
        time.sleep(5)
        before = len(load.accepted)
        time.sleep(5)
        assert len(load.accepted) > before
        [undecided] = region.hosts[0].query("SELECT count(*) FROM referral.referral WHERE decision IS NULL")
        assert undecided["count"] > 0
        first.start()
        second.start()
        served(region, load, "two brokers back")
        eventually(region.is_copied, what="all copies in step again")
    assert set(load.statuses) == {201}


@pytest.mark.parametrize("nets", [(), (Net.LOG,), (Net.DATA,)], ids=["everything", "Kafka", "PostgreSQL"])
def test_a_host_is_cut_off(
    region: Region, accepted: dict[str, str], nets: tuple[Net, ...], request: pytest.FixtureRequest
) -> None:
    """Without a word. The other takes over its leases and partitions; what it still thinks it holds does no harm."""
    host = region.hosts[1]
    what = f"a host cut off from {request.node.callspec.id}"
    with loaded(region, accepted, what) as load:
        with cut_off(host.machine, *nets):
            for number in range(3):  # of 12 partitions half are its own
                served(region, load, f"{what}, referral {number + 1}")
            time.sleep(5)
        served(region, load, f"{what}, back")


def test_a_host_hangs_and_wakes(region: Region, accepted: dict[str, str]) -> None:
    """SIGSTOP: it wakes in the belief that it is still the time of before."""
    host = region.hosts[1]
    with loaded(region, accepted, "a host hangs") as load:
        host.pause_all()
        try:
            for number in range(3):
                served(region, load, f"a host hangs, referral {number + 1}")
        finally:
            host.resume_all()
        served(region, load, "a host wakes")


def test_hosts_are_stopped_and_started_in_turn(region: Region, accepted: dict[str, str]) -> None:
    """As an upgrade does it."""
    with loaded(region, accepted, "rolling restart") as load:
        for host in region.hosts:
            for name in NAMES:
                assert host.stop(name) == 0
                host.start(name)
                eventually(host.is_whole, what=f"{name} again")
    assert set(load.statuses) == {201}


def test_the_primary_dies_and_the_standby_takes_over(region: Region, accepted: dict[str, str]) -> None:
    """Commits wait for the standby: each 201 is there."""
    with loaded(region, accepted, "primary killed, standby promoted") as load:
        region.primary.kill()
        began = time.monotonic()
        region.promote()
        served(region, load, "standby promoted")
        print(f"\nserved {time.monotonic() - began:.1f} s after the primary died")
        region.replicate()


def test_the_machine_of_the_primary_vanishes(region: Region, accepted: dict[str, str]) -> None:
    """No connection is refused: whoever asks it first gets no answer at all."""
    with loaded(region, accepted, "the primary's machine vanishes") as load:
        gone = region.primary
        gone.machine.pull()
        region.promote()
        served(region, load, "the primary's machine gone")
        gone.kill()  # fenced, before it can be reached again
        gone.machine.plug()
        region.replicate()
