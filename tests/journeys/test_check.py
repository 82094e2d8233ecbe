"""`python -m deploy.check` on a system at rest: silent when all is well, and each planted fault has its line."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg
import pytest

from deploy.check import RULES, broken
from tests.journeys.people import Agency, Staff
from tests.system import System

LATER: Final = timedelta(hours=1)
"""As if it were asked then: nothing is under way any more."""


async def asked(system: System, *planted: str) -> list[str]:
    """What does not hold, with a fault that is not kept."""
    connection = await asyncpg.connect(system.database_url, timeout=10)
    try:
        outer = connection.transaction()
        await outer.start()
        await connection.execute("SET LOCAL session_replication_role = replica")
        for statement in planted:
            await connection.execute(statement)
        lines = await broken(connection, old=datetime.now(UTC) + LATER)
        await outer.rollback()
    finally:
        await connection.close()
    return lines


@pytest.fixture(scope="module")
def reference(system: System) -> str:
    """Of a family with work on it; another is withdrawn, a third erased."""
    agency = Agency(system, "health-visiting")
    reference = agency.refers()
    [route] = agency.sees_decided(reference)["decision"]["routes"]
    worker = Staff(system, "triage-worker")
    worker.does(worker.finds(route["route"], reference), "claim")
    gone = agency.refers()
    agency.sees_decided(gone)
    agency.call("POST", f"/referrals/{gone}/withdrawal", {"reason": "other"})
    system.totals_at_rest()
    return reference


def test_nothing_is_said_of_a_system_that_is_well(system: System, reference: str) -> None:
    assert asyncio.run(asked(system)) == []
    assert system.run("deploy.check").strip() == f"all {len(RULES)} rules hold"


OF: Final = "(SELECT id FROM referral.referral WHERE reference = '{reference}')"
PLANTED: Final = {
    "every referral that was answered 201 is there": f"DELETE FROM referral.referral WHERE id = {OF}",
    "every referral was told to the other services": f"DELETE FROM referral.event WHERE key = {OF}",
    "no event of triage waits to be sent": (
        "INSERT INTO triage.outbox (part, event_id) SELECT 0, id FROM triage.event LIMIT 1"
    ),
    "the events of referral about one referral are numbered without a gap": (
        f"UPDATE referral.event SET sequence = sequence + 5 WHERE key = {OF}"
    ),
    "nothing is parked in notify": (
        'INSERT INTO notify.parked (topic, partition, "offset", recorded_at, headers, cause, parked_at)'
        " VALUES ('pir.referral.v1', 0, 1, now(), '[]', 'value', now())"
    ),
    "triage knows every referral, in its latest version": f"UPDATE triage.referral SET version = 0 WHERE id = {OF}",
    "every family has a decision, which its agency sees": f"DELETE FROM triage.decision WHERE referral_id = {OF}",
    "every family has its receipt: a message, sent or under way": (
        f"DELETE FROM notify.message WHERE referral_id = {OF} AND kind = 'receipt'"
    ),
    "metrics counts every family": f"DELETE FROM metrics.referral WHERE id = {OF}",
    "metrics counts nobody whom the referral service does not know": (f"DELETE FROM referral.referral WHERE id = {OF}"),
    "triage has forgotten every family that was erased": (f"INSERT INTO referral.erased (key, at) SELECT {OF}, now()"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(system: System, reference: str, name: str) -> None:
    said = asyncio.run(asked(system, PLANTED[name].format(reference=reference)))
    assert any(line.startswith(f"not so: {name}: ") for line in said), said
