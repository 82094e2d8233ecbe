"""The intake on a real PostgreSQL: requests at the same time, copies beside each other, a database that goes away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from deploy.local.postgres import Postgres
from services.referral import agencies, agency_keys, handlers
from services.referral.document.model import years_before
from services.referral.submitting import prepare
from services.referral.submitting.batch_writer import BatchWriter
from shared.audit import Actor
from shared.events import (
    ClosureReason,
    DecidedBy,
    DeclineReason,
    Envelope,
    Event,
    Kind,
    ReferralTriaged,
    WorkItemAccepted,
    WorkItemClosed,
    WorkItemDeclined,
)
from tests.builders import a_family, a_policy, decided
from tests.families import a_referral
from tests.integration.conftest import Behind
from tests.integration.support import count, effect, ended, eventually, fetch

Intakes = Callable[[], Awaitable[Behind]]


async def test_two_requests_with_one_key_at_once_are_one_referral(intake: Behind) -> None:
    body = a_referral()
    answers = await asyncio.gather(*(intake.send(body, key="same") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    assert await count(intake.engine, "referral") == 1
    assert await count(intake.engine, "event WHERE type = 'referral.received.v1'") == 1


async def test_one_key_in_two_copies_of_the_service_at_once_is_one_referral(new_intake: Intakes) -> None:
    one, other = await new_intake(), await new_intake()
    for number in range(10):
        body = a_referral()
        answers = await asyncio.gather(*(copy.send(body, key=f"same-{number}") for copy in (one, other, one, other)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["reference"] for answer in answers}) == 1
    assert await count(one.engine, "referral") == 10


async def test_one_key_with_two_bodies_at_once_admits_one_of_them(intake: Behind) -> None:
    answers = await asyncio.gather(*(intake.send(a_referral(), key="same") for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert await count(intake.engine, "referral") == 1


async def test_one_external_reference_under_two_keys_at_once_is_one_referral(new_intake: Intakes) -> None:
    one, other = await new_intake(), await new_intake()
    for _ in range(5):
        body = a_referral()
        answers = await asyncio.gather(one.send(body), other.send(body), one.send(body))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert await count(one.engine, "referral") == 5


async def test_a_changed_body_under_a_known_external_reference_is_its_next_version(intake: Behind) -> None:
    body = a_referral(risk_factors=[])
    await intake.send(body)
    others = ["isolation", "low_mood", "prematurity", "young_parent"]
    answers = await asyncio.gather(*(intake.send(body | {"risk_factors": [one]}) for one in others))
    assert {answer.status_code for answer in answers} == {200}
    [row] = await fetch(intake.engine, "SELECT version FROM referral")
    assert row.version == 5
    sequences = await fetch(intake.engine, "SELECT sequence FROM event WHERE type LIKE 'referral%' ORDER BY sequence")
    assert [row.sequence for row in sequences] == [1, 2, 3, 4, 5, 6]  # the second is what is counted for equality


async def test_one_family_from_two_agencies_at_once_is_linked(new_intake: Intakes) -> None:
    one, other = await new_intake(), await new_intake()
    for _ in range(5):
        body = a_referral()
        theirs = body | {"external_reference": f"T-{uuid4().hex[:12]}"}
        answers = await asyncio.gather(one.send(body), other.send(theirs, slug="social-care"))
        assert [answer.status_code for answer in answers] == [201, 201]
        assert [answer.json()["links"] for answer in answers] == [[], []]
    assert await count(one.engine, "referral") == 10
    [row] = await fetch(one.engine, "SELECT count(DISTINCT family_id) AS families FROM referral")
    assert row.families == 5
    links = await fetch(one.engine, "SELECT facts ->> 'links' AS links FROM referral")
    assert sorted(row.links for row in links) == ['["duplicate"]'] * 5 + ["[]"] * 5


async def test_an_amendment_and_an_arrival_of_one_family_at_once_are_linked(new_intake: Intakes) -> None:
    """A slip is corrected while another agency refers: whichever comes first, each knows of the other."""
    one, other = await new_intake(), await new_intake()
    for round_ in range(6):
        right, slip = a_referral(), a_referral()
        first = (await one.send(right | {"babies": slip["babies"], "caregivers": slip["caregivers"]})).json()
        theirs = right | {"external_reference": f"T-{uuid4().hex[:12]}"}
        correction = {"babies": right["babies"], "caregivers": right["caregivers"]}
        headers = {"Idempotency-Key": uuid4().hex, "Authorization": f"Bearer {one.key()}"}
        changing = one.http.patch(f"/referrals/{first['reference']}", json=correction, headers=headers)
        arriving = other.send(theirs, slug="social-care")
        both = (changing, arriving) if round_ % 2 else (arriving, changing)
        answers = await asyncio.gather(*both)
        assert sorted(answer.status_code for answer in answers) == [200, 201]
        second = next(answer.json() for answer in answers if answer.status_code == 201)
        rows = await fetch(
            one.engine,
            "SELECT id, family_id, facts ->> 'links' AS links FROM referral WHERE id IN (:one, :other) ORDER BY received_at",
            one=first["id"],
            other=second["id"],
        )
        assert len({row.family_id for row in rows}) == 1
        kin = await fetch(
            one.engine,
            "SELECT other_id FROM kin WHERE link IS NOT NULL AND referral_id IN (:one, :other)",
            one=first["id"],
            other=second["id"],
        )
        assert {str(row.other_id) for row in kin} == {first["id"], second["id"]}
        assert '["duplicate"]' in {row.links for row in rows}


async def test_many_referrals_at_once_are_all_stored_and_announced(new_intake: Intakes) -> None:
    copies = [await new_intake(), await new_intake()]
    answers = await asyncio.gather(*(copies[n % 2].send(a_referral()) for n in range(200)))
    assert {answer.status_code for answer in answers} == {201}
    for table in ("referral", "event WHERE type = 'referral.received.v1'", "audit WHERE action = 'referral.received'"):
        assert await count(copies[0].engine, table) == 200


async def test_the_feed_skips_nothing_while_referrals_are_being_written(new_intake: Intakes) -> None:
    copies = [await new_intake(), await new_intake()]
    sending = asyncio.gather(*(copies[n % 2].send(a_referral()) for n in range(150)))
    seen: dict[str, Any] = {}
    cursor: str | None = None
    while True:
        is_over = sending.done()
        page = (await copies[0].look("/referrals", changed_since=cursor or "", limit=7)).json()
        seen |= {item["reference"]: item for item in page["items"]}
        cursor = page["next"]
        if is_over and not page["items"]:
            break
    assert set(seen) == {answer.json()["reference"] for answer in await sending}


async def test_the_feed_ends_before_a_transaction_that_is_still_open(intake: Behind) -> None:
    async with intake.engine.connect() as slow:
        await slow.execute(sa.text("SELECT pg_current_xact_id()"))  # has begun to write
        reference = (await intake.send(a_referral())).json()["reference"]
        page = (await intake.look("/referrals")).json()
        assert page["items"] == []
        await slow.rollback()

    async def shown() -> list[str]:
        later = (await intake.look("/referrals", changed_since=page["next"])).json()
        return [item["reference"] for item in later["items"]]

    assert await eventually(shown, what="the referral in the feed") == [reference]


async def test_one_bad_row_of_a_group_does_not_fail_the_others(probe: Any) -> None:
    class Item:
        collides_on = frozenset[int]()

        def __init__(self, sequence: int | None) -> None:
            self.sequence = sequence

    async def write(tx: Any, items: Any) -> list[int]:
        for item in items:
            await tx.execute(effect.insert().values(event_id=uuid4(), key=uuid4(), sequence=item.sequence))
        return [item.sequence for item in items]

    async def refuse(connection: Any, items: Any) -> list[int]:
        raise asyncpg.UniqueViolationError("as when one of them was sent before")

    writer: BatchWriter[Any] = BatchWriter(probe, write, refuse, lambda item: item)
    waiting = [asyncio.create_task(writer.submit(Item(number))) for number in (1, 2, None, 4, 5)]
    running = asyncio.create_task(writer.run())
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    await ended(running)
    assert [answers[place] for place in (0, 1, 3, 4)] == [1, 2, 4, 5]
    assert isinstance(answers[2], sa.exc.IntegrityError)
    assert await count(probe, "effect") == 4


async def test_without_postgresql_the_answer_is_503_and_the_same_key_works_afterwards(
    intake: Behind, postgres: Postgres
) -> None:
    await intake.send(a_referral())
    body = a_referral()
    await asyncio.to_thread(postgres.stop)
    answer = await intake.send(body, key="kept")
    assert answer.status_code == 503
    assert answer.headers["retry-after"].isdecimal()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await intake.look("/referrals")).status_code == 503
    await asyncio.to_thread(postgres.start)
    assert (await intake.send(body, key="kept")).status_code == 201
    assert await count(intake.engine, "referral") == 2


@pytest.mark.parametrize("fresh_seconds", [20.0, 0.0], ids=["keys known", "keys to be read again"])
async def test_a_silent_postgresql_is_answered_with_503_within_eight_seconds(
    intake: Behind, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, fresh_seconds: float
) -> None:
    await asyncio.gather(*(intake.send(a_referral()) for _ in range(5)))
    monkeypatch.setattr(agency_keys, "FRESH_SECONDS", fresh_seconds)

    async def seconds_for_503() -> float:
        began = time.monotonic()
        answer = await intake.send(a_referral(), once=True)
        assert answer.status_code == 503
        return time.monotonic() - began

    postgres.pause()
    try:
        waiting = []
        for _ in range(6):  # one after the other, so that some wait behind a group that hangs
            waiting.append(asyncio.create_task(seconds_for_503()))
            await asyncio.sleep(0.2)
        longest = max(await asyncio.gather(*waiting))
    finally:
        postgres.resume()
    assert longest < 8

    async def recovered() -> bool:
        return (await intake.send(a_referral())).status_code == 201

    await eventually(recovered, what="a 201 again")


async def test_a_new_key_works_at_once_beside_the_old_one(intake: Behind) -> None:
    await intake.send(a_referral())
    async with intake.engine.begin() as tx:
        fresh = await agencies.rotate(tx, slug="health-visiting", actor=Actor("operator", "test"), at=datetime.now(UTC))
    await asyncio.sleep(1.1)  # unknown keys are looked up once a second at most
    assert (await intake.send(a_referral(), token=fresh)).status_code == 201
    assert (await intake.send(a_referral())).status_code == 201


async def test_a_key_not_seen_yet_is_answered_with_503_while_postgresql_is_away(
    intake: Behind, postgres: Postgres
) -> None:
    await intake.send(a_referral())
    async with intake.engine.begin() as tx:
        fresh = await agencies.rotate(tx, slug="health-visiting", actor=Actor("operator", "test"), at=datetime.now(UTC))
    await asyncio.sleep(1.1)
    await asyncio.to_thread(postgres.stop)
    assert (await intake.send(a_referral(), token=fresh)).status_code == 503
    await asyncio.to_thread(postgres.start)
    assert (await intake.send(a_referral(), token=fresh)).status_code == 201
    assert (await intake.send(a_referral(), token="no-such-key")).status_code == 401


async def test_an_enquiry_takes_words_and_no_changes(intake: Behind) -> None:
    referrer = {"name": "Jo Test", "role": "Health visitor", "email": "jo.test@nottshc.nhs.uk"}
    asked = {"kind": "consultation", "referrer": referrer, "topic": "How to begin a visit"}

    async def step(method: str, path: str, body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": uuid4().hex, "Authorization": f"Bearer {intake.key()}"}
        return await intake.http.request(method, path, json=body, headers=headers)

    answer = await step("POST", "/enquiries", asked)
    assert answer.status_code == 201, answer.text
    own = f"/referrals/{answer.json()['reference']}"
    assert (await step("POST", f"{own}/information", {"notes": "He hit the child."})).status_code == 200
    assert (await step("POST", f"{own}/information", {"safety": ["immediate_danger"]})).status_code == 409
    assert (await step("PATCH", own, {"notes": "Changed."})).status_code == 409
    assert await count(intake.engine, "event WHERE type = 'referral.informed.v1'") == 1


async def test_a_change_is_not_refused_because_the_consent_has_grown_old_meanwhile(intake: Behind) -> None:
    recorded_at = years_before(datetime.now(UTC), 2) + timedelta(seconds=3)
    consent = {"status": "given", "recorded_at": recorded_at.isoformat()}
    own = f"/referrals/{(await intake.send(a_referral(consent=consent))).json()['reference']}"
    await asyncio.sleep(3.5)

    async def change(body: Any) -> int:
        headers = {"Idempotency-Key": uuid4().hex, "Authorization": f"Bearer {intake.key()}"}
        return (await intake.http.patch(own, json=body, headers=headers)).status_code

    assert await change({"safety": ["immediate_danger"]}) == 200
    assert await change({"consent": {"given_by": "The mother"}}) == 422


async def test_a_cursor_that_is_not_ours_is_400_however_long(intake: Behind) -> None:
    for cursor in ("x", "A" * 500):
        answer = await intake.look("/referrals", changed_since=cursor)
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:pir:problem:cursor-unknown")


async def test_a_decline_lasts_until_a_newer_decision_and_not_while_a_team_works(intake: Behind) -> None:
    sent = (await intake.send(a_referral())).json()
    now = datetime.now(UTC)

    async def hear(handle: Any, event: type[Event], *, after: int, **data: Any) -> None:
        about = {"reference": sent["reference"], "agency_id": uuid4(), "about": Kind.FAMILY}
        told: Envelope[Any] = Envelope(
            id=uuid4(), key=UUID(sent["id"]), type=event.type, source="triage", sequence=1,
            occurred_at=now + timedelta(seconds=after), correlation_id=uuid4(), causation_id=None, traceparent=None,
            heard_at=now, data=event.model_validate(about | data),
        )  # fmt: skip
        async with intake.engine.begin() as tx:
            await handle([told], tx)

    async def status() -> str:
        return str((await intake.look(f"/referrals/{sent['reference']}")).json()["status"])

    decision = {"version": 1, "decided_by": DecidedBy.MACHINE, "decision": decided(a_family())}
    decide = partial(handlers.keep_decisions, policy=a_policy())
    no, heard = {"reason": DeclineReason.NOT_SUITABLE}, handlers.handlers(a_policy())
    pnmh, short = {"work_item_id": uuid4(), "route": "pnmh"}, {"work_item_id": uuid4(), "route": "pir_short"}
    await hear(decide, ReferralTriaged, after=1, decision_id=uuid4(), **decision)
    await hear(heard[WorkItemDeclined], WorkItemDeclined, after=2, **pnmh, **no)
    assert await status() == "declined"
    await hear(decide, ReferralTriaged, after=4, decision_id=uuid4(), **decision)
    assert await status() == "with_team"
    await hear(heard[WorkItemDeclined], WorkItemDeclined, after=3, **pnmh, **no)
    assert await status() == "with_team"
    await hear(handlers.keep_accepted, WorkItemAccepted, after=5, **short)
    await hear(heard[WorkItemDeclined], WorkItemDeclined, after=6, **pnmh, **no)
    assert await status() == "accepted"
    await hear(heard[WorkItemClosed], WorkItemClosed, after=7, **short, reason=ClosureReason.COMPLETED)
    assert await status() == "closed"
    assert await count(intake.engine, "referral WHERE ended_at IS NOT NULL AND declined_at IS NULL") == 1


async def test_of_three_keys_the_oldest_stops_working(intake: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agency_keys, "FRESH_SECONDS", 0.0)
    fresh = []
    for _ in range(2):
        async with intake.engine.begin() as tx:
            fresh.append(
                await agencies.rotate(tx, slug="health-visiting", actor=Actor("operator", "t"), at=datetime.now(UTC))
            )
    assert (await intake.send(a_referral())).status_code == 401
    assert [(await intake.send(a_referral(), token=token)).status_code for token in fresh] == [201, 201]


async def test_a_revoked_key_is_refused_once_the_keys_are_read_again(
    intake: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await intake.send(a_referral())).status_code == 201
    async with intake.engine.begin() as tx:
        await agencies.revoke(
            tx, slug="health-visiting", actor=Actor("operator", "t"), at=datetime.now(UTC), all_keys=True
        )
    monkeypatch.setattr(agency_keys, "FRESH_SECONDS", 0.0)
    assert (await intake.send(a_referral())).status_code == 401
    assert agency_keys.STALE_SECONDS < 60


async def test_nothing_of_who_a_family_is_can_be_read_in_the_database(intake: Behind) -> None:
    body = a_referral()
    reference = (await intake.send(body)).json()["reference"]
    [baby], mother = body["babies"], body["caregivers"][0]
    key = {"Authorization": f"Bearer {intake.key()}", "Idempotency-Key": "more"}
    told = await intake.http.post(
        f"/referrals/{reference}/information", json={"notes": "Zebedee called again."}, headers=key
    )
    assert told.status_code == 200
    words = [
        baby["given_name"],
        baby["family_name"],
        baby["nhs_number"],
        mother["phone"],
        body["home"]["postcode"],
        body["referrer"]["email"],
        body["referrer"]["name"],
        body["external_reference"],
        "hard to feel close",
        "Zebedee",
    ]
    found = [
        (row.table_schema, row.table_name, word)
        for row in await fetch(
            intake.engine,
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema IN ('referral', 'triage', 'notify', 'metrics')",
        )
        for text in [
            "\n".join(
                each.line
                for each in await fetch(
                    intake.engine, f'SELECT CAST(t AS text) AS line FROM {row.table_schema}."{row.table_name}" t'
                )
            )
        ]
        for word in words
        if word in text or word.encode().hex() in text
    ]
    assert found == []


async def test_a_reference_that_is_taken_is_drawn_again(intake: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "new_reference", lambda _: "PIR-AAA-AAA")
    answers = [await intake.send(a_referral()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    first, second = (answer.json()["reference"] for answer in answers)
    assert first == "PIR-AAA-AAA" != second
