"""`python -m deploy.trace` on the running system: the road of one referral, as it was."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from deploy.otlp import CONSUMER, PRODUCER
from deploy.trace import KEEPS_NO_TIME, NOT_HEARD, Said, hearers, lines, trace
from shared.policy import load_all
from shared.settings import ROOT
from tests.journeys.people import Agency, Staff
from tests.system import System
from tests.traces import Planted

UNKNOWN: Final = "PIR-222-222"
CALLER: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FAMILY: Final = Planted()


@pytest.fixture(scope="module")
def reference(system: System) -> str:
    """Of a family whose agency traces its calls; somebody has taken it on."""
    agency = Agency(system, "health-visiting")
    sent = agency.call("POST", "/referrals", FAMILY.referral(), traceparent=CALLER)
    reference = str(sent.body["reference"])
    agency.sees_decided(reference)
    worker = Staff(system, "triage-worker")
    route = agency.sees_decided(reference)["decision"]["routes"][0]["route"]
    worker.does(worker.finds(route, reference), "claim")
    system.totals_at_rest()
    return reference


def road(system: System, reference: str, *planted: str) -> list[Said]:
    """What `trace` finds, with a fault that is not kept."""
    who = hearers(load_all(ROOT / "deploy" / "policies")["nottingham"])

    async def asked() -> list[Said]:
        database = await asyncpg.connect(system.database_url, timeout=10)
        try:
            outer = database.transaction()
            await outer.start()
            for statement in planted:
                await database.execute(statement)
            found = await trace(database, reference, who)
            await outer.rollback()
        finally:
            await database.close()
        return found

    return asyncio.run(asked())


def test_events_stand_in_their_order_and_every_service_is_there(system: System, reference: str) -> None:
    printed = system.run("deploy.trace", reference)
    says = re.findall(r"(\w+) says (\S+)", printed)
    rows = system.query(
        """
        SELECT e.id, e.type, e.occurred_at FROM (
            SELECT * FROM referral.event UNION ALL SELECT * FROM triage.event UNION ALL SELECT * FROM notify.event) e
        JOIN referral.referral r ON r.id = e.key WHERE r.reference = $1
        """,
        reference,
    )
    at = {row["type"]: row["occurred_at"] for row in rows}
    assert sorted(kind for _, kind in says) == sorted(row["type"] for row in rows)
    assert says[0] == ("referral", "referral.received.v1")
    once = [at[kind] for _, kind in says if sum(row["type"] == kind for row in rows) == 1]
    assert len(once) > 3
    assert once == sorted(once)
    assert {service for service, _ in says} == {"referral", "triage", "notify"}
    assert re.search(r"triage heard it, after \d+\.\d{3} s", printed)
    [timed] = system.query(  # metrics keeps the time of what it counted the careful way, and of nothing else
        "SELECT count(*) AS n FROM metrics.inbox WHERE event_id = ANY($1::uuid[])", [row["id"] for row in rows]
    )
    kinds = {event.type for event in hearers(load_all(ROOT / "deploy" / "policies")["nottingham"])["metrics"]}
    counted = sum(row["type"] in kinds for row in rows)
    assert printed.count("metrics heard it") == timed["n"]
    assert printed.count(f"metrics {KEEPS_NO_TIME}") == counted - timed["n"]
    assert counted > 0
    assert NOT_HEARD not in printed


def test_a_cause_stands_before_what_it_led_to(system: System, reference: str) -> None:
    found = road(system, reference)
    places = {event.id: place for place, event in enumerate(found)}
    led = [(places[event.causation_id], places[event.id]) for event in found if event.causation_id in places]
    assert led
    assert all(cause < effect for cause, effect in led)


IT: Final = (
    "(SELECT e.id FROM referral.event e JOIN referral.referral r ON r.id = e.key WHERE r.reference = '{}' LIMIT 1)"
)


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (f"DELETE FROM triage.inbox WHERE event_id = {IT}", f"triage {NOT_HEARD}"),
        (f"INSERT INTO referral.outbox (part, event_id) SELECT 0, {IT}", "and it waits to be sent"),
        (
            f"""
            WITH gone AS (DELETE FROM triage.inbox WHERE event_id = {IT} RETURNING event_id)
            INSERT INTO triage.parked (topic, partition, "offset", recorded_at, headers, cause, event_id)
            SELECT 'pir.referral.v1', 0, 1, now(), '[]', 'value', event_id FROM gone
            """,
            "triage has it parked: value",
        ),
    ],
    ids=["not heard", "not sent", "parked"],
)
def test_it_says_where_a_referral_is_stuck(system: System, reference: str, planted: str, said: str) -> None:
    whole = "\n".join(lines(road(system, reference)))
    broken = "\n".join(lines(road(system, reference, planted.replace("{}", reference))))
    assert said not in whole
    assert said in broken


def test_otlp_has_the_form_of_the_protocol(system: System, reference: str, tmp_path: Path) -> None:
    file = tmp_path / "trace.json"
    system.run("deploy.trace", reference, "--otlp", str(file))
    written = json.loads(file.read_text(encoding="utf-8"))
    assert set(written) == {"resourceSpans"}
    spans: dict[str, dict[str, Any]] = {}
    services = []
    for resource in written["resourceSpans"]:
        assert set(resource) == {"resource", "scopeSpans"}
        [name] = resource["resource"]["attributes"]
        assert name["key"] == "service.name"
        services.append(name["value"]["stringValue"])
        for scope in resource["scopeSpans"]:
            assert set(scope) == {"scope", "spans"}
            spans |= {span["spanId"]: span for span in scope["spans"]}
    found = road(system, reference)
    assert {"referral", "triage", "notify"} <= set(services)
    assert len(services) == len(set(services))
    assert len(spans) == len(found) + sum(each.at is not None for event in found for each in event.heard)
    for span in spans.values():
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert span["kind"] in (PRODUCER, CONSUMER)
        assert isinstance(span["startTimeUnixNano"], str)
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert span["parentSpanId"] in {*spans, "", CALLER.split("-")[2]}
    [first] = [span for span in spans.values() if span["name"] == "send referral.received.v1"]
    assert (first["traceId"], first["parentSpanId"]) == tuple(CALLER.split("-")[1:3])
    said = file.read_text(encoding="utf-8") + system.run("deploy.trace", reference)
    assert not [word for word in FAMILY.telling if word in said]


def test_of_a_reference_that_nobody_has_nothing_is_told(system: System) -> None:
    code, said = system.tries("deploy.trace", UNKNOWN)
    assert code == 1
    assert said.startswith(f"no journal has an event about {UNKNOWN}")
