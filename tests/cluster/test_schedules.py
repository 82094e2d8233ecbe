"""Faults of the cluster in a random order and for random times, from a seed that is printed; some overlap.

PIR_SCHEDULES says how many (3 unless told), PIR_SEED with which seed they begin: one that failed is run again alone.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import pytest

from tests.cluster.network import Net, cut_off
from tests.cluster.region import Region
from tests.cluster.test_faults import loaded
from tests.system import NAMES, eventually

pytestmark = [pytest.mark.timeout(400)]
FIRST: Final = int(os.environ.get("PIR_SEED", "1"))
SEEDS: Final = range(FIRST, FIRST + int(os.environ.get("PIR_SCHEDULES", "3")))
FAULTS_OF_ONE: Final = 4

Fault = Callable[[Region, random.Random], Iterator[None]]


@contextmanager
def broker_killed(region: Region, chance: random.Random) -> Iterator[None]:
    broker = chance.choice(region.brokers)
    broker.kill()
    try:
        yield
    finally:
        broker.start()
    eventually(region.is_copied, what="all copies in step again")


@contextmanager
def broker_cut_off(region: Region, chance: random.Random) -> Iterator[None]:
    with cut_off(chance.choice(region.brokers).machine):
        yield
    eventually(region.is_copied, what="all copies in step again")


@contextmanager
def host_cut_off(region: Region, chance: random.Random) -> Iterator[None]:
    nets = chance.choice(((), (Net.LOG,), (Net.DATA,), (Net.FRONT,), (Net.LOG, Net.DATA)))
    with cut_off(chance.choice(region.hosts).machine, *nets):
        yield


@contextmanager
def host_hangs(region: Region, chance: random.Random) -> Iterator[None]:
    host = chance.choice(region.hosts)
    host.pause_all()
    try:
        yield
    finally:
        host.resume_all()


@contextmanager
def service_killed(region: Region, chance: random.Random) -> Iterator[None]:
    host, name = chance.choice(region.hosts), chance.choice(NAMES)
    host.kill(name)
    try:
        yield
    finally:
        host.start(name)


@contextmanager
def standby_promoted(region: Region, _: random.Random) -> Iterator[None]:
    region.primary.kill()
    region.promote()
    yield
    region.replicate()


FAULTS: Final = (broker_killed, broker_cut_off, host_cut_off, host_hangs, service_killed, standby_promoted)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_or_doubled_whatever_happens_in_whatever_order(
    region: Region, accepted: dict[str, str], seed: int
) -> None:
    """One fault at a time of each kind, so that a majority is there; what began last ends first."""
    chance = random.Random(seed)
    drawn = chance.sample(FAULTS, FAULTS_OF_ONE)
    names = [each.__name__ for each in drawn]
    if {"broker_killed", "broker_cut_off"} <= set(names):  # two of three: nothing could be told until they are back
        drawn.remove(broker_cut_off)
    if {"host_cut_off", "host_hangs"} <= set(names):  # it may be both hosts, and nobody answers
        drawn.remove(host_hangs)
    print(f"\nseed {seed}: {', '.join(each.__name__ for each in drawn)}")
    with loaded(region, accepted, f"seed {seed}"), ExitStack() as under_way:
        for fault in drawn:
            under_way.enter_context(fault(region, chance))
            time.sleep(chance.uniform(0.5, 8))
            if chance.random() < 0.5:
                under_way.close()
                time.sleep(chance.uniform(0, 3))
