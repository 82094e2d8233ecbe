"""A family is erased: every trace of it goes, in all four services, and nothing that comes later brings one back."""

from __future__ import annotations

import asyncio
import re
import secrets
import subprocess
import sys
import time
from datetime import date, timedelta
from typing import Any

from shared.events import REFERRAL_TOPIC, TRIAGE_TOPIC
from tests.families import a_referral, an_nhs_number
from tests.journeys.people import Agency, Staff
from tests.journeys.test_canary import a_word, rows
from tests.system import System, eventually

BORN = date(2025, 3, 2) + timedelta(days=secrets.randbelow(200))
LATER = {BORN.replace(year=BORN.year + 2), (BORN.replace(day=1) + timedelta(days=670)).replace(day=BORN.day)}
"""The second birthday, and 22 months: days that tell the birth."""


def run(system: System, service: str, *words: str) -> tuple[int, str]:
    """An operator's command, with the settings of the running service."""
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}", *words],
        env=system._environment | {"PIR_ERASURE_LEDGER": str(system.var / "erasures.jsonl")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def a_family(tag: str) -> dict[str, Any]:
    mother = {"relationship": "mother", "given_name": f"M{tag}", "family_name": tag, "phone": "07700 900123"}
    return a_referral(
        babies=[{"given_name": f"B{tag}", "family_name": tag, "date_of_birth": BORN.isoformat(),
                 "nhs_number": an_nhs_number()}],
        caregivers=[mother],
        notes=f"{tag} cries.",
        safety=["significant_harm"],
    )  # fmt: skip


def traces(system: System, tag: str, reference: str, key: str) -> list[str]:
    """Rows that still say anything of the family; of rows that name it, anything about the child."""
    telling = [tag, tag.lower(), tag.encode().hex(), *(day.isoformat() for day in (BORN, *LATER))]
    about_it = ("significant_harm", "E05012275", "Bulwell", "not the emergency route")
    found = []
    for place, text in asyncio.run(rows(system.database_url)):
        names_it = reference in text or key in text or key.encode().hex() in text
        if any(word in text for word in telling) or (
            names_it and not place.endswith(".audit") and any(word in text for word in about_it)
        ):
            found.append(f"{place}: {text[:300]}")
    return found


def test_an_erasure_takes_everything_and_nothing_brings_it_back(
    system: System, health_visiting: Agency, social_care: Agency, worker: Staff, lead: Staff
) -> None:
    # Given a family in danger that two agencies have referred, with work, notes, answers and amendments
    tag = a_word()
    family = a_family(tag)
    reference = health_visiting.refers(family)
    other = social_care.refers(family | {"external_reference": secrets.token_hex(6)})
    [row] = system.query("SELECT id FROM referral.referral WHERE reference = $1", reference)
    key = str(row["id"])
    item = lead.finds("mash", reference)
    lead.does(item, "claim")
    lead.does(item, "note", text=f"{tag} opened the door")
    assert health_visiting.informs(reference, notes=f"{tag} says yes.").status == 200
    assert health_visiting.changes(reference, risk_factors=["isolation", "low_mood"]).status == 200
    health_visiting.sees_decided(reference, version=2)
    assert traces(system, tag, reference, key)

    # When it is asked for while the danger is not looked into, it is refused
    code, said = run(system, "referral", "erase", reference, "--yes")
    assert (code, "mash" in said) == (1, True), said

    # And under a hold
    for each in (reference, other):
        for open_item in {lead.finds("mash", each)}:
            lead.tries(open_item, "claim")
            lead.does(open_item, "close", reason="passed_on", note="Told social care at noon.")
    eventually(lambda: _is_quiet(system, reference) and _is_quiet(system, other), what="the end of the danger")
    assert run(system, "referral", "hold", "add", reference, "--reason", "Inquiry", "--review-on", "2027-01-31")[0] == 0
    code, said = run(system, "referral", "erase", reference, "--yes")
    assert (code, "hold" in said) == (1, True), said
    number = re.search(r"hold end (\d+)", said)
    assert number
    assert run(system, "referral", "hold", "end", number[1])[0] == 0
    assert run(system, "referral", "erase", reference, "--status")[0] == 1

    # When it is erased, late events and a republish of the past included
    code, said = run(system, "referral", "erase", reference, "--yes")
    assert code == 0, said
    wait_until_done(system, reference)
    code, said = run(system, "referral", "erase", other, "--yes")
    assert code == 0, said
    wait_until_done(system, other)
    for service in ("referral", "triage", "notify"):
        assert run(system, service, "republish")[0] == 0
    system.totals_at_rest()
    replay_from_the_topics(system, key)

    # Then no table says anything of the family, and the agency reads only that there was a referral
    assert eventually(lambda: not traces(system, tag, reference, key), what="no trace of the family")
    seen = health_visiting.sees(reference)
    assert (seen["status"], seen["decision"], seen["links"]) == ("closed", None, [])
    assert "erased" in seen["next_step"]
    assert worker.sees(item)["facts"] == {}

    # And what the ledger knows is erased again where a backup has brought it back
    assert run(system, "referral", "erase", "--from-ledger")[1].endswith("erased already\n")


def wait_until_done(system: System, reference: str) -> None:
    told = ""
    for _ in range(20):
        code, told = run(system, "referral", "erase", reference, "--status")
        if code == 0:
            return
        time.sleep(0.5)
    raise AssertionError(told)


def _is_quiet(system: System, reference: str) -> bool:
    open_work = system.query(
        "SELECT s.route FROM referral.route_state s JOIN referral.referral r ON r.id = s.referral_id "
        "WHERE r.reference = $1 AND s.route = 'mash' AND s.state NOT IN ('closed', 'declined', 'replaced')",
        reference,
    )
    return not open_work


def replay_from_the_topics(system: System, key: str) -> None:
    """As after a restore or a lost offset: every record of the family is heard again, under ids that are new."""
    asyncio.run(_send_again(system.servers.kafka_bootstrap_servers, key))
    system.totals_at_rest()


async def _send_again(bootstrap_servers: str, key: str) -> None:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

    from shared.events import PARTITIONS
    from shared.ids import uuid7

    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers)
    await consumer.start()
    await producer.start()
    try:
        parts = [TopicPartition(topic, n) for topic in (REFERRAL_TOPIC, TRIAGE_TOPIC) for n in range(PARTITIONS)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        again = []
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                again += [each for each in batch if each.key == key.encode()]
        assert len(again) > 3
        for each in again:
            headers = [(name, str(uuid7()).encode() if name == "ce_id" else value) for name, value in each.headers]
            await producer.send_and_wait(each.topic, each.value, key=each.key, headers=headers)
    finally:
        await consumer.stop()
        await producer.stop()
