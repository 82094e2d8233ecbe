"""What holds after a fault: nothing that was accepted is lost, nothing is doubled, nothing stands still."""

from __future__ import annotations

import time
from collections import Counter

from tests.system import NAMES, Load, System


def stored(system: System) -> set[str]:
    """The references of all referrals that are there."""
    return {row["reference"] for row in system.query("SELECT reference FROM referral.referral")}


def assert_whole(system: System, load: Load, accepted: dict[str, str], *, fault: str) -> None:
    """R1 to R6: stored, decided once, counted, receipted once, on a list or decided; nothing parked, nothing stuck."""
    accepted |= load.accepted
    assert load.unexpected == []
    assert load.accepted
    began = time.monotonic()
    totals = system.totals_at_rest()
    seconds = time.monotonic() - began
    assert [totals[stage] for stage in ("received", "triaged", "acknowledged")] == [len(accepted)] * 3
    print(
        f"\n{fault}: {len(load.accepted)} accepted, answers {dict(load.statuses)}, {load.refused_connections} refused"
        f" connections, longest answer {load.longest_seconds:.1f} s, at rest {seconds:.1f} s after the load"
    )
    assert stored(system) == set(accepted)
    decided = system.query(
        "SELECT r.reference, count(d.id) AS times FROM triage.referral r LEFT JOIN triage.decision d"
        " ON d.referral_id = r.id GROUP BY r.reference"
    )
    assert {row["reference"]: row["times"] for row in decided} == dict.fromkeys(accepted, 1)
    listed = system.query("SELECT DISTINCT reference FROM triage.work_item WHERE ended_at IS NULL")
    assert {row["reference"] for row in listed} == set(accepted)
    assert system.receipts() == Counter(list(accepted))
    for schema in NAMES:
        assert system.query(f"SELECT id, cause FROM {schema}.parked") == []
    for schema in ("referral", "triage", "notify"):
        assert system.query(f"SELECT position FROM {schema}.outbox") == []
    assert system.query("SELECT reference FROM referral.referral WHERE decision IS NULL") == []
