"""The whole system as processes, hurt while agencies send referrals; afterwards nothing is lost and nothing doubled.

Each test ends with the same questions (`assert_whole`) and prints how long the recovery took. No test judges a time,
but for what the contract promises a client: no request hangs for more than eight seconds.
"""

from __future__ import annotations

import random
import time

import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from tests.system import NAMES, System, under_load
from tests.whole import assert_whole

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

SEED = 20260615


@pytest.fixture(scope="module")
def accepted() -> dict[str, str]:
    """Every reference that was ever answered with 201 in this module: the system keeps its data between the tests."""
    return {}


def test_services_killed_in_turn_lose_and_double_nothing(system: System, accepted: dict[str, str]) -> None:
    chance = random.Random(SEED)
    recoveries: list[float] = []
    with under_load(system) as load:
        for _ in range(2):
            for name in chance.sample(NAMES, len(NAMES)):  # the next one before the one before is back
                time.sleep(chance.uniform(0.1, 1.0))
                system.kill(name)
                system.start(name)
            recoveries.append(system.wait_until_ready())
    print("\nall four ready again after the last kill -9:", [f"{seconds:.1f} s" for seconds in recoveries])
    assert_whole(system, load, accepted, fault="kill -9 of every service, twice")


def test_services_asked_to_stop_under_load_lose_nothing(system: System, accepted: dict[str, str]) -> None:
    codes = {}
    with under_load(system) as load:
        for name in NAMES:
            time.sleep(0.5)
            codes[name] = system.stop(name)
            system.start(name)
        system.wait_until_ready()
    assert_whole(system, load, accepted, fault="SIGTERM of every service")
    assert codes == dict.fromkeys(NAMES, 0)


def test_the_intake_answers_201_while_kafka_is_away(system: System, accepted: dict[str, str], kafka: Kafka) -> None:
    with under_load(system, senders=2, pause=0.1) as load:
        time.sleep(1)
        kafka.stop()
        before = len(load.accepted)
        time.sleep(6)
        assert system.is_ready("referral")
        during = len(load.accepted) - before
        kafka.start()
        time.sleep(1)
    assert_whole(system, load, accepted, fault="Kafka away for 6 s")
    assert during > 10
    assert set(load.statuses) == {201}
    assert load.refused_connections == 0


def test_a_killed_kafka_loses_nothing(system: System, accepted: dict[str, str], kafka: Kafka) -> None:
    with under_load(system) as load:
        time.sleep(1)
        kafka.kill()
        kafka.start()
        time.sleep(1)
    assert_whole(system, load, accepted, fault="kill -9 of Kafka")
    assert set(load.statuses) == {201}


def test_a_crash_of_postgresql_is_answered_with_503_and_loses_nothing(
    system: System, accepted: dict[str, str], postgres: Postgres
) -> None:
    with under_load(system) as load:
        time.sleep(1)
        postgres.kill()
        time.sleep(2)
        assert not system.is_ready("referral")
        postgres.start()
        took = system.wait_until_ready()
        time.sleep(1)
    print(f"\nall ready {took:.1f} s after PostgreSQL was back")
    assert_whole(system, load, accepted, fault="kill -9 of PostgreSQL")
    assert set(load.statuses) == {201, 503}
    assert load.refused_connections == 0


def test_no_request_hangs_while_postgresql_does(system: System, accepted: dict[str, str], postgres: Postgres) -> None:
    with under_load(system) as load:
        time.sleep(1)
        postgres.pause()
        time.sleep(9)
        postgres.resume()
        system.wait_until_ready()
        time.sleep(1)
    assert_whole(system, load, accepted, fault="PostgreSQL silent for 9 s")
    assert load.longest_seconds < 8


def test_two_copies_of_every_service_share_the_work(system: System, accepted: dict[str, str]) -> None:
    """A second copy of each on other ports joins under load, and is killed under load."""
    with under_load(system) as load, system.second_copies() as copies:
        copies.wait_until_ready()
        time.sleep(2)
        for name in NAMES:
            copies.kill(name)
        time.sleep(1)
    assert_whole(system, load, accepted, fault="second copies join and are killed")
