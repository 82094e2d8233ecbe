"""Webhooks from the agency's key to its receiver, on a real PostgreSQL: told once, in order, again when asked to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import WebhookVerificationError

from services.notify.handlers import erase
from services.notify.webhooks import feed
from services.referral import feed_epoch
from services.referral.webhooks import changes
from shared.events import ReferralErased
from tests.builders import a_family, decided
from tests.integration.support import an_event, eventually, fetch, running
from tests.integration.webhook_site import SLUG, WebhookSite, webhook_site
from tests.receivers import Call, Receiver, answering, receiving


@pytest.fixture
async def site(settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WebhookSite]:
    async with webhook_site(settings, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


async def called(receiver: Receiver, *references: str) -> list[Call]:
    """The calls, once there was one about each reference."""

    async def were_made() -> bool:
        return set(references) <= set(receiver.references)

    await eventually(were_made, what="calls about the referrals")
    return receiver.calls


async def settled(site: WebhookSite) -> None:
    """Until nothing waits, and the loop has asked twice more."""
    await site.until(waiting=0)
    asked = site.feed.asked

    async def has_asked_again() -> bool:
        return site.feed.asked > asked + 1

    await eventually(has_asked_again, what="two more questions")


async def test_an_agency_is_checked_then_told_of_what_changes(site: WebhookSite, receiver: Receiver) -> None:
    before = await site.refer()
    secret = await site.put(receiver.url)
    assert (await site.state())["state"] == "checking"
    async with running(site.loop()):
        await site.until(state="active")
        reference = await site.refer()
        await called(receiver, reference)
        await settled(site)
        check, call = receiver.calls
        assert check.verified(secret) == {"type": "endpoint.check", "timestamp": check.said["timestamp"], "data": {}}
        assert call.verified(secret)["data"] == {"reference": reference, "version": 1}
        assert (call.said["type"], call.path) == ("referral.changed", "/hooks?of=us")
        assert set(call.said) == {"type", "timestamp", "data"}
        assert call.headers["content-type"] == "application/json"
        await site.withdraw(reference)
        await eventually(lambda: _times(receiver, reference, 2), what="the withdrawal told")
        again = receiver.about(reference)[-1]
        assert again.id != call.id
        assert (await site.referral.look(f"/referrals/{reference}")).json()["status"] == "withdrawn"
    assert before not in receiver.references
    state = await site.state()
    assert (state["state"], state["waiting"], state["last_error"]) == ("active", 0, None)
    assert state["last_success_at"] is not None


async def _times(receiver: Receiver, reference: str, times: int) -> bool:
    return len(receiver.about(reference)) == times


async def test_a_question_and_an_enquiry_have_types_of_their_own(site: WebhookSite, receiver: Receiver) -> None:
    await site.active(receiver.url, site.loop())
    reference = await site.refer()
    decision = decided(a_family()).model_dump_json()
    async with site.referral.admin.begin() as tx:
        referral_id = await tx.scalar(sa.text("SELECT id FROM referral WHERE reference = :r"), {"r": reference})
        await tx.execute(
            sa.text("""
                UPDATE referral SET decision = CAST(:d AS jsonb), decided_by = 'machine',
                    changed_in = CAST(CAST(pg_current_xact_id() AS text) AS bigint) WHERE id = :id
            """),
            {"id": referral_id, "d": decision},
        )
        await tx.execute(
            sa.text("""
                INSERT INTO route_state (work_item_id, referral_id, route, state, changed_at)
                VALUES (gen_random_uuid(), :id, 'review', 'waiting_for_referrer', now())
            """),
            {"id": referral_id},
        )
    assert (await site.referral.look(f"/referrals/{reference}")).json()["status"] == "waiting_for_referrer"
    headers = {"Authorization": f"Bearer {site.referral.key()}", "Idempotency-Key": "an-enquiry"}
    body = {
        "kind": "training",
        "referrer": {"name": "A. Person", "role": "Nursery lead", "email": "a.person@nursery.example.org"},
        "topic": "attachment",
        "people": 4,
    }
    enquiry = await site.referral.http.post("/enquiries", json=body, headers=headers)
    assert enquiry.status_code == 201, enquiry.text
    async with running(site.loop()):
        await called(receiver, reference, enquiry.json()["reference"])
    types = {call.reference: call.said["type"] for call in receiver.calls if call.reference}
    assert types == {reference: "referral.question", enquiry.json()["reference"]: "enquiry.changed"}


async def test_nobody_is_told_of_another_agency_s_referral(site: WebhookSite, receiver: Receiver) -> None:
    async with receiving() as other, running(site.loop()):
        await site.put(receiver.url)
        await site.put(other.url, slug="nursery")
        await site.until(state="active")
        ours, theirs = await site.refer(), await site.refer(slug="nursery")
        await called(receiver, ours)
        await called(other, theirs)
        await settled(site)
    assert (receiver.references, other.references) == ([ours], [theirs])


async def test_both_secrets_sign_for_24_hours_after_a_rotation(site: WebhookSite, receiver: Receiver) -> None:
    first = await site.active(receiver.url, site.loop())
    told = (await site.call("POST", "/rotate")).json()
    second = told["secret"]
    assert (await site.state())["secret_before_until"] == told["secret_before_until"]
    reference = await site.refer()
    async with running(site.loop()):
        call = (await called(receiver, reference))[-1]
        assert call.headers["webhook-signature"].count("v1,") == 2
        assert call.verified(first) == call.verified(second)
        changed = Call(call.path, call.headers, call.body[:-2] + b" }")
        for secret in (first, second):
            with pytest.raises(WebhookVerificationError):
                changed.verified(secret)
        site.clock.ahead = timedelta(hours=24)
        later = await site.refer()
        last = (await called(receiver, later))[-1]
    assert last.headers["webhook-signature"].count("v1,") == 1


async def test_a_secret_is_in_no_table_and_no_log(
    site: WebhookSite, receiver: Receiver, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = [await site.active(receiver.url, site.loop()), (await site.call("POST", "/rotate")).json()["secret"]]
    reference = await site.refer()
    async with running(site.loop()):
        await called(receiver, reference)
    stored = ""
    for service in (site.referral, site.notify):
        tables = await fetch(
            service.admin, "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"
        )
        for table in tables:
            stored += str([tuple(row) for row in await fetch(service.admin, f"SELECT t::text FROM {table.name} t")])
    said = stored + caplog.text + "".join(capsys.readouterr())
    assert reference in stored
    assert not [secret for secret in secrets if secret in said or secret.removeprefix("whsec_") in said]


async def test_a_replay_tells_again_from_the_cursor(site: WebhookSite, receiver: Receiver) -> None:
    start = (await site.referral.look("/referrals")).json()["next"]
    references = [await site.refer() for _ in range(3)]
    middle = (await site.referral.look("/referrals", limit=1)).json()["next"]
    await site.active(receiver.url, site.loop())
    receiver.calls.clear()
    assert (await site.call("POST", "/replay", {"since": middle})).status_code == 200
    async with running(site.loop()):
        await called(receiver, *references[1:])
        await settled(site)
        assert sorted(receiver.references) == sorted(references[1:])
        ids = {call.id for call in receiver.calls}
        assert (await site.call("POST", "/replay", {"since": start})).status_code == 200
        await called(receiver, *references)
        await settled(site)
    assert sorted(receiver.references) == sorted([*references[1:], *references])
    assert len({call.id for call in receiver.calls} - ids) == 3


async def test_a_cursor_that_is_not_ours_replays_nothing(site: WebhookSite, receiver: Receiver) -> None:
    await site.put(receiver.url)
    assert (await site.call("POST", "/replay", {"since": "bm90LW91cnM"})).status_code == 400
    assert (await site.call("POST", "/replay", {})).status_code == 422
    old = (await site.referral.look("/referrals")).json()["next"]
    await restored(site)
    assert (await site.call("POST", "/replay", {"since": old})).status_code == 410


async def restored(site: WebhookSite) -> None:
    async with site.referral.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE feed_epoch SET renewed_in = renewed_in + 1000000"))
        assert await feed_epoch.renew(tx) is not None


async def test_after_a_restore_the_agency_is_told_of_all_by_itself(site: WebhookSite, receiver: Receiver) -> None:
    references = [await site.refer() for _ in range(3)]
    await site.active(receiver.url, site.loop())
    await restored(site)
    async with running(site.loop()):
        await called(receiver, *references)
        await settled(site)
        assert sorted(receiver.references) == sorted(references)
        new = await site.refer()
        await called(receiver, new)
        await settled(site)
    assert sorted(receiver.references) == sorted([*references, new])


async def test_nobody_is_asked_anything_while_no_agency_has_a_webhook(site: WebhookSite, receiver: Receiver) -> None:
    async with running(site.loop()):
        await site.refer()
        await asyncio.sleep(1.5)
        assert site.feed.asked == 0
        connections = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory'"
        assert (await fetch(site.engine, connections))[0].n == 0
        receiver.behave = answering(500)
        await site.put(receiver.url)
        await eventually(lambda: _times(receiver, "", 1), what="a check")
        await asyncio.sleep(1.2)
        assert site.feed.asked == 0
        assert (await site.call("DELETE")).status_code == 204
        assert (await site.call("GET")).status_code == 404


async def test_the_referral_service_away_for_a_while_is_asked_less_and_nothing_is_left_out(
    site: WebhookSite, receiver: Receiver
) -> None:
    await site.active(receiver.url, site.loop())
    site.network.away.add("referral")
    asked = site.feed.asked
    async with running(site.loop()):
        await asyncio.sleep(2.5)
        assert 1 <= site.feed.asked - asked <= 3
        site.network.away.discard("referral")
        reference = await site.refer()
        await called(receiver, reference)


async def test_an_agency_that_ends_is_called_no_more(site: WebhookSite, receiver: Receiver) -> None:
    await site.active(receiver.url, site.loop())
    [row] = await fetch(site.referral.admin, "SELECT id FROM agency WHERE slug = :slug", slug=SLUG)
    async with site.engine.begin() as tx:
        values = {"id": row.id}
        ended = "INSERT INTO agency VALUES (:id, 'hv', 'Health visiting', 'team@agency.example.org', false)"
        await tx.execute(sa.text(ended), values)
    await site.refer()
    receiver.calls.clear()
    async with running(site.loop()):

        async def is_gone() -> bool:
            return (await site.call("GET")).status_code == 404

        await eventually(is_gone, what="no endpoint")
    assert receiver.calls == []
    assert await site.deliveries() == []


async def test_calls_about_an_erased_referral_go_and_none_comes(site: WebhookSite, receiver: Receiver) -> None:
    await site.active(receiver.url, site.loop())
    erased, other = await site.refer(), await site.refer()
    async with running(site.loop()):
        await called(receiver, erased, other)
        await settled(site)
    [row] = await fetch(site.referral.admin, "SELECT id, agency_id FROM referral WHERE reference = :r", r=erased)
    event = an_event(row.id, data=ReferralErased(reference=erased, agency_id=row.agency_id))
    async with site.engine.begin() as tx:
        await erase([event], tx)
        await tx.execute(sa.text("INSERT INTO erased VALUES (:id, now())"), {"id": row.id})
    assert erased not in {each.reference for each in await site.deliveries()}
    async with site.referral.admin.begin() as tx:  # told of late: the feed still had it as it was
        marked = "UPDATE referral SET changed_in = CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
        await tx.execute(sa.text(marked))
    receiver.calls.clear()
    async with running(site.loop()):
        await called(receiver, other)
        await settled(site)
    assert receiver.references == [other]
    async with site.referral.admin.begin() as tx:
        gone = "UPDATE referral SET wrapped_key = NULL, changed_in = CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
        await tx.execute(sa.text(f"{gone} WHERE id = :id"), {"id": row.id})
    async with site.referral.engine.connect() as tx:
        [feed] = await _changes(site, tx)
    assert feed["items"] == []


async def _changes(site: WebhookSite, tx: Any) -> list[dict[str, Any]]:
    [endpoint] = await fetch(site.engine, "SELECT * FROM webhook_endpoint")
    token = site.referral.credentials["secrets"]["PIR_TOKEN_NOTIFY_REFERRAL"]
    asked = {"agencies": [{"agency_id": str(endpoint.agency_id), "since": endpoint.cursor}]}
    headers = {"Authorization": f"Bearer {token}"}
    return list((await site.referral.http.post("/internal/changes", json=asked, headers=headers)).json()["agencies"])


async def test_what_was_taken_goes_after_30_days(site: WebhookSite, receiver: Receiver) -> None:
    await site.active(receiver.url, site.loop())
    site.clock.ahead = timedelta(days=29)
    async with running(site.loop()):
        await settled(site)
    assert len(await site.deliveries()) == 1
    site.clock.ahead = timedelta(days=30, minutes=1)
    async with running(site.loop()):

        async def are_gone() -> bool:
            return not await site.deliveries()

        await eventually(are_gone, what="no old deliveries")


async def test_every_change_an_agency_makes_is_in_the_audit_trail(site: WebhookSite, receiver: Receiver) -> None:
    cursor = (await site.referral.look("/referrals")).json()["next"]
    await site.put(receiver.url)
    for method, path, body in (("POST", "/rotate", None), ("POST", "/replay", {"since": cursor}), ("DELETE", "", None)):
        assert (await site.call(method, path, body)).is_success
    rows = await fetch(site.engine, "SELECT actor_kind, actor_id, action FROM audit ORDER BY id")
    assert [(row.actor_kind, row.actor_id) for row in rows] == [("agency", SLUG)] * 4
    assert [row.action for row in rows] == ["webhook.set", "webhook.rotated", "webhook.replayed", "webhook.ended"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://receiver.example.org/", "url-scheme"),
        ("https://10.0.0.1/", "url-ip"),
        ("https://127.1/", "url-ip"),
        ("https://receiver.example.org:22/", "url-port"),
        ("https://user@receiver.example.org/", "url-user"),
        ("https://receiver.invalid/", "url-unknown"),
    ],
)
async def test_a_hostile_address_is_refused_when_it_is_set(site: WebhookSite, url: str, code: str) -> None:
    answer = await site.call("PUT", "", {"url": url})
    assert answer.status_code == 422
    assert [(each["pointer"], each["code"]) for each in answer.json()["errors"]] == [("/url", code)]
    assert url not in answer.text
    assert (await site.call("GET")).status_code == 404


async def test_whoever_has_set_none_is_told_so_and_silence_is_said(site: WebhookSite, receiver: Receiver) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        assert (await site.call(method, path)).status_code == 404
    site.network.away.add("notify")
    answer = await site.call("GET")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


async def test_more_agencies_than_one_question_takes_are_all_answered(site: WebhookSite) -> None:
    """A longer list is refused, and then nobody would be told."""
    assert feed.MOST_AGENCIES == changes.MOST_AGENCIES
    many: list[Any] = [SimpleNamespace(agency_id=uuid4(), cursor="") for _ in range(feed.MOST_AGENCIES + 1)]
    answered = await site.feed.changes(many)
    assert answered is not None
    assert answered.keys() == {each.agency_id for each in many}
