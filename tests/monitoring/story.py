"""What happens in the system before the queries are asked: something for every panel to show."""

from __future__ import annotations

import asyncio
import http.client
import threading
from contextlib import suppress
from typing import Final
from uuid import uuid4

from aiokafka import AIOKafkaProducer

from deploy.local.postgres import Postgres
from shared.events import NOTIFY_TOPIC
from tests.families import a_referral
from tests.journeys.people import Agency, Staff
from tests.monitoring.watching import Watching
from tests.system import System, eventually

REFERRALS: Final = 6


def live_through(system: System, watching: Watching, postgres: Postgres) -> None:
    """Referrals and steps, refusals, an urgent one, one that lacks consent, an outage, a record nobody can read."""
    agency, worker = Agency(system, "health-visiting"), Staff(system, "triage-worker")
    for _ in range(REFERRALS):
        agency.refers()
        watching.look()
    agency.refers(safety=["significant_harm"])
    agency.refers(consent={"status": "not_sought"})
    assert agency.call("POST", "/referrals", a_referral(caregivers=[])).status == 422
    reference = agency.refers()
    [route] = agency.sees_decided(reference)["decision"]["routes"]
    item = worker.finds(route["route"], reference)
    worker.does(item, "claim")
    be_silent(system, postgres)
    park_a_record(system)
    system.totals_at_rest()


def be_silent(system: System, postgres: Postgres) -> None:
    """PostgreSQL answers nobody while agencies send: 503, until it is back."""
    postgres.pause()
    try:
        senders = [threading.Thread(target=_send_in_vain, args=(system,)) for _ in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    finally:
        postgres.resume()
    system.wait_until_ready()


def _send_in_vain(system: System) -> None:
    with suppress(OSError, http.client.HTTPException):
        assert system.send(a_referral()).status == 503


def park_a_record(system: System) -> None:
    """Bytes that are no event, where triage and metrics read; returns when each has set it aside."""
    before = parked(system, "triage")

    async def write() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=system.servers.kafka_bootstrap_servers)
        await producer.start()
        headers = [("ce_id", str(uuid4()).encode()), ("ce_type", b"message.undeliverable.v1")]
        await producer.send_and_wait(NOTIFY_TOPIC, b"\xff not an event", key=str(uuid4()).encode(), headers=headers)
        await producer.stop()

    asyncio.run(write())
    eventually(lambda: len(parked(system, "triage")) > len(before), what="a record parked in triage")


def parked(system: System, schema: str) -> list[int]:
    """The rows that wait for a person."""
    rows = system.query(f"SELECT id FROM {schema}.parked WHERE resolved_at IS NULL ORDER BY id")
    return [row["id"] for row in rows]
