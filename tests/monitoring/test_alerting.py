"""From a fault to whoever is told: the services, Prometheus, Alertmanager and the webhooks, all real."""

from __future__ import annotations

import pytest

from deploy.local.monitoring.configuration import ROOT
from tests.monitoring.story import park_a_record, parked
from tests.monitoring.watching import Watching
from tests.system import NAMES, System, eventually

pytestmark = pytest.mark.timeout(240)

OF_THIS_MACHINE = {"DiskFilling", "DiskAlmostFull", "MemoryHigh", "LoopLag"}
"""What a full disk or a busy machine brings about, here as anywhere."""


def test_a_healthy_system_alerts_nobody_but_the_heartbeat(watching: Watching) -> None:
    everything = "count(pir_measured_timestamp_seconds) >= 10"
    eventually(lambda: watching.query(everything), what="everything measured")
    eventually(lambda: watching.firing() - OF_THIS_MACHINE == {"Watchdog"} or None, what="nothing but the watchdog")
    told = watching.told("heartbeat", "Watchdog", "firing")
    assert told["annotations"]["summary"] == "Monitoring works"


def test_a_service_that_stops_is_told_and_so_is_its_return(watching: Watching, system: System) -> None:
    eventually(lambda: watching.healthy_targets() == set(NAMES) or None, what="all four scraped")
    system.stop("notify")
    told = watching.told("page", "ServiceDown", "firing")
    assert told["labels"]["service"] == "notify"
    assert told["annotations"]["summary"] == "The notify service does not answer"
    assert (ROOT / told["annotations"]["runbook"]).is_file()
    system.start("notify")
    system.wait_until_ready("notify")
    over = watching.told("page", "ServiceDown", "resolved")
    assert over["labels"] == told["labels"]
    assert watching.receiver.alert("ticket", "ServiceDown", "firing") is None


def test_a_parked_record_is_told_and_so_is_that_somebody_dealt_with_it(watching: Watching, system: System) -> None:
    park_a_record(system)
    told = watching.told("page", "RecordParked", "firing")
    assert told["labels"]["service"] in {"triage", "metrics"}
    for schema in ("triage", "metrics"):
        for row in eventually(lambda: parked(system, schema), what=f"a record parked in {schema}"):  # noqa: B023
            discard(system, schema, row)
    eventually(lambda: "RecordParked" not in watching.firing() or None, what="nothing parked any more")
    over = watching.told("page", "RecordParked", "resolved")
    assert over["annotations"]["runbook"] == "docs/runbooks/RecordParked.md"


def discard(system: System, service: str, row: int) -> None:
    """As the runbook says."""
    system.run(f"services.{service}", "parked", "discard", str(row), "--reason", "not an event")
