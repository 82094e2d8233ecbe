"""The internal calls for parked records, of the triage service on a real PostgreSQL: what is told, and what is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from aiokafka.structs import ConsumerRecord

from shared.events import REFERRAL_TOPIC, Envelope
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.consumer import Consumer
from tests.builders import a_family
from tests.integration.conftest import Behind
from tests.integration.support import a_draft, a_record, an_event, count, fetch, headers_of, history_of
from tests.integration.triage.test_triage import received

WAITING = "parked WHERE resolved_at IS NULL"


@pytest.fixture
def consumer(triage: Behind) -> Consumer:
    assert triage.service.consumer
    return triage.service.consumer


def broken(event: Envelope[Any], **changes: Any) -> ConsumerRecord[bytes, bytes]:
    return a_record(event, value=b'{"reference": "Mallory Ashdown"}', **changes)


async def ask(triage: Behind, method: str, path: str = "", *, actor: str = "owen", body: Any = None) -> httpx.Response:
    token = triage.credentials["secrets"]["PIR_TOKEN_TRIAGE_TRIAGE"]
    headers = {"Authorization": f"Bearer {token}", "X-PIR-Actor": actor}
    return await triage.http.request(method, f"/internal/parked{path}", json=body, headers=headers)


async def items(triage: Behind) -> list[dict[str, Any]]:
    return list((await ask(triage, "GET")).json()["items"])


async def entries(triage: Behind) -> Sequence[sa.Row[Any]]:
    return await fetch(triage.engine, "SELECT * FROM audit WHERE action LIKE 'parked.%' ORDER BY id")


async def test_of_each_line_the_first_is_told_with_the_number_behind_it(triage: Behind, consumer: Consumer) -> None:
    one, other = history_of(keys=2, events=1)
    await consumer.handle([broken(one), broken(other)])
    await consumer.handle([broken(one), a_record(one, key=b"no id"), a_record(one), a_record(other, key=None)])
    found = (await ask(triage, "GET")).json()
    assert [(each["key"], each["behind"]) for each in found["items"]] == [
        (str(one.key), 2),
        (str(other.key), 0),
        (None, 0),
        (None, 0),
    ]
    assert found["total"] == 6


async def test_nothing_of_what_a_record_holds_is_told(triage: Behind, consumer: Consumer) -> None:
    [event] = history_of(keys=1, events=1)
    unheard_of = [(name, b"Mallory.v1" if name == "ce_type" else value) for name, value in headers_of(event)]
    await consumer.handle([broken(event), broken(event, headers=unheard_of)])
    answer = await ask(triage, "GET")
    assert "Mallory" not in answer.text
    [item] = answer.json()["items"]
    assert set(item) == {"id", "topic", "type", "key", "cause", "parked_at", "behind"}
    assert (item["topic"], item["type"], item["behind"]) == (REFERRAL_TOPIC, "referral.withdrawn.v1", 1)
    assert item["cause"].startswith("value: ")
    assert answer.headers["cache-control"] == "no-store"


async def test_the_same_referral_on_two_topics_is_two_lines(triage: Behind, consumer: Consumer) -> None:
    [event] = history_of(keys=1, events=1)
    await consumer.handle([broken(event), broken(event, topic="elsewhere")])
    assert [(each["topic"], each["behind"]) for each in await items(triage)] == [(REFERRAL_TOPIC, 0), ("elsewhere", 0)]


async def test_how_the_service_is_is_told_beside_it(triage: Behind) -> None:
    async with triage.engine.begin() as tx:
        await outbox.append(tx, [a_draft(event.key) for event in history_of(keys=3, events=1)])
    health = (await ask(triage, "GET")).json()["health"]
    assert health["checks"] == {"serving": True, "postgresql": True, "partitions": False}
    assert not health["is_ready"]
    assert (health["lag"], health["outbox"]) == (None, 3)
    assert health["outbox_oldest_seconds"] >= 0


async def test_a_replay_of_what_can_be_handled_now_is_audited_with_who_asked_for_it(
    triage: Behind, consumer: Consumer
) -> None:
    key = uuid7()
    first, second = an_event(key, data=received(a_family(), key=key)), an_event(key, 2)
    await fail_with_a_missing_table(triage)
    await consumer.handle([a_record(first), a_record(second)])
    [item] = await items(triage)
    assert item["cause"].startswith("handler: ")
    assert (await ask(triage, "POST", f"/{item['id']}/replay")).json() == {"handled": 0, "left": 2}
    assert await entries(triage) == []

    await mend(triage)
    assert (await ask(triage, "POST", f"/{item['id']}/replay")).json() == {"handled": 2, "left": 0}
    assert [(row.actor_kind, row.actor_id, row.action) for row in await entries(triage)] == [
        ("staff", "owen", "parked.replayed")
    ] * 2
    assert (await entries(triage))[0].detail == str(item["id"])
    assert await count(triage.engine, WAITING) == 0


async def fail_with_a_missing_table(triage: Behind) -> None:
    async with triage.admin.begin() as tx:
        await tx.execute(sa.text("ALTER TABLE referral RENAME TO away"))


async def mend(triage: Behind) -> None:
    async with triage.admin.begin() as tx:
        await tx.execute(sa.text("ALTER TABLE away RENAME TO referral"))


async def test_what_is_given_up_keeps_who_and_why_and_is_audited(triage: Behind, consumer: Consumer) -> None:
    first, second = history_of(keys=1, events=2)
    await consumer.handle([broken(first), a_record(second)])
    [item] = await items(triage)
    answer = await ask(triage, "POST", f"/{item['id']}/discard", body={"reason": " test "})
    assert (answer.status_code, answer.content) == (204, b"")
    [row] = await fetch(triage.engine, "SELECT * FROM parked WHERE id = :id", id=item["id"])
    assert (row.resolution, row.resolved_by, row.reason, row.value) == ("discarded", "owen", "test", None)
    assert [(row.actor_id, row.action, row.detail) for row in await entries(triage)] == [
        ("owen", "parked.discarded", str(item["id"]))
    ]
    [left] = await items(triage)
    assert left["cause"].startswith("behind")


async def test_what_can_not_be_audited_is_not_done(triage: Behind, consumer: Consumer) -> None:
    [event] = history_of(keys=1, events=1)
    await consumer.handle([broken(event)])
    async with triage.admin.begin() as tx:
        await tx.execute(sa.text("ALTER TABLE audit ADD CONSTRAINT no_owen CHECK (actor_id <> 'owen') NOT VALID"))
    [item] = await items(triage)
    answer = await ask(triage, "POST", f"/{item['id']}/discard", body={"reason": "test"})
    assert answer.status_code == 500
    assert await count(triage.engine, WAITING) == 1


async def test_what_does_not_wait_is_404(triage: Behind, consumer: Consumer) -> None:
    [event] = history_of(keys=1, events=1)
    await consumer.handle([broken(event)])
    [item] = await items(triage)
    await ask(triage, "POST", f"/{item['id']}/discard", body={"reason": "test"})
    for number in (item["id"], 10**9):
        assert (await ask(triage, "POST", f"/{number}/replay")).status_code == 404
        assert (await ask(triage, "POST", f"/{number}/discard", body={"reason": "test"})).status_code == 404


@pytest.mark.parametrize(
    "body", [None, {}, {"reason": " "}, {"reason": "x" * 301}, {"reason": 1}, {"reason": "x", "y": 1}]
)
async def test_nothing_is_given_up_without_a_reason(triage: Behind, consumer: Consumer, body: Any) -> None:
    [event] = history_of(keys=1, events=1)
    await consumer.handle([broken(event)])
    [item] = await items(triage)
    assert (await ask(triage, "POST", f"/{item['id']}/discard", body=body)).status_code in (400, 415, 422)
    assert await count(triage.engine, WAITING) == 1


async def test_somebody_has_to_say_who_acts(triage: Behind, consumer: Consumer) -> None:
    [event] = history_of(keys=1, events=1)
    await consumer.handle([broken(event)])
    [item] = await items(triage)
    for call, body in (("replay", None), ("discard", {"reason": "test"})):
        assert (await ask(triage, "POST", f"/{item['id']}/{call}", actor="", body=body)).status_code == 422
    assert await count(triage.engine, WAITING) == 1
