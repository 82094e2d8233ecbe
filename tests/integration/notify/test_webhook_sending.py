"""Calls of receivers that fail in every way, and of ours that are killed: at least once, the same id, in order."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpcore
import pytest
import sqlalchemy as sa

from services.notify.webhooks.endpoints import DEAD_AFTER
from services.notify.webhooks.loop import MOST_WAITING
from services.notify.webhooks.network import Networks
from tests.integration.support import ended, eventually, fetch, running
from tests.integration.webhook_site import WebhookSite, webhook_site
from tests.receivers import Behaviour, Call, Receiver, answering, receiving
from tests.secure_kafka import certify

INBOX = "team@agency.example.org"


@pytest.fixture
async def site(settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WebhookSite]:
    async with webhook_site(settings, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


async def never(call: Call, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def drops(call: Call, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def babbles(call: Call, writer: asyncio.StreamWriter) -> None:
    """An answer that does not end; `sent` is what of it was taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    for _ in range(64):
        writer.write(b"x" * 65_536)
        await writer.drain()
    raise AssertionError("all of it was read")


async def endless_head(call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(10_000):
        writer.write(b"X-%d: %s\r\n" % (number, b"y" * 1_000))
        await writer.drain()


async def drips(call: Call, writer: asyncio.StreamWriter) -> None:
    """A byte now and then: each read succeeds, and the whole never ends."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"x" * 10_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def nonsense(call: Call, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SMTP ready\r\n\r\n")
    await writer.drain()


async def tried(site: WebhookSite, reference: str, times: int = 1) -> Any:
    """The delivery about a referral, once it was tried so often."""

    async def was() -> bool:
        return any(row.reference == reference and row.attempts >= times for row in await site.deliveries())

    await eventually(was, what=f"{times} tries")
    return next(row for row in await site.deliveries() if row.reference == reference)


@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (answering(500), "http-500"),
        (answering(404), "http-404"),
        (answering(301, "Location: http://169.254.169.254/"), "http-301"),
        (answering(308, "Location: /elsewhere"), "http-308"),
        (never, "timeout"),
        (drips, "timeout"),
        (drops, "protocol"),
        (nonsense, "protocol"),
        (endless_head, "protocol"),
    ],
)
async def test_a_try_that_fails_is_made_again_with_the_same_id(
    site: WebhookSite, receiver: Receiver, behave: Behaviour, code: str
) -> None:
    secret = await site.active(receiver.url, site.loop())
    receiver.behave = behave
    reference = await site.refer()
    async with running(site.loop(seconds=2 if code == "timeout" else 15)):
        row = await tried(site, reference)
        assert (row.state, row.last_error) == ("due", code)
        assert timedelta(seconds=14) < row.due_at - row.first_tried_at < timedelta(seconds=16)  # half of 30 s
        assert len(receiver.about(reference)) == 1
        receiver.behave = answering(204)
        site.clock.ahead = timedelta(seconds=20)
        await site.until(waiting=0)
    first, second = receiver.about(reference)
    assert (first.id, first.body) == (second.id, second.body)
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) >= 20
    assert first.verified(secret)
    state = await site.state()
    assert (state["state"], state["failing_since"], state["last_error"]) == ("active", None, code)


async def test_nothing_of_an_endless_answer_is_read_and_its_status_counts(
    site: WebhookSite, receiver: Receiver
) -> None:
    await site.active(receiver.url, site.loop())
    receiver.behave = babbles
    reference = await site.refer()
    async with running(site.loop()):
        row = await tried(site, reference)
    assert row.state == "delivered"
    stored = str([tuple(each) for each in await fetch(site.engine, "SELECT * FROM webhook_delivery")])
    assert "xxx" not in stored


async def test_a_receiver_that_nobody_runs_any_more_is_a_code_too(site: WebhookSite) -> None:
    async with receiving() as receiver:
        await site.active(receiver.url, site.loop())
    reference = await site.refer()
    async with running(site.loop()):
        assert (await tried(site, reference)).last_error == "connect"


async def with_an_inbox(site: WebhookSite) -> None:
    [endpoint] = await fetch(site.engine, "SELECT agency_id FROM webhook_endpoint")
    async with site.engine.begin() as tx:
        known = f"INSERT INTO agency VALUES (:id, 'hv', 'Health visiting', '{INBOX}', true)"
        await tx.execute(sa.text(known), {"id": endpoint.agency_id})


async def test_410_is_off_at_once_and_the_team_hears_once(site: WebhookSite, receiver: Receiver) -> None:
    await site.active(receiver.url, site.loop())
    await with_an_inbox(site)
    receiver.behave = answering(410)
    reference = await site.refer()
    async with running(site.loop()):
        state = await site.until(state="off")
        assert (state["why_off"], state["last_error"]) == ("gone", "http-410")
        await eventually(lambda: _mailed(site), what="a mail")
        later = await site.refer()
        await asyncio.sleep(1.5)
    assert (len(receiver.about(reference)), receiver.about(later)) == (1, [])
    [mail] = site.mails.taken
    assert mail.recipient == INBOX
    message = message_from_bytes(mail.content, policy=policy.default)
    assert "410" in message.get_content()
    assert "127.0.0.1" not in message.as_string().replace(site.settings.refer_at, "")
    # set anew, it is told of all that waited
    receiver.behave = answering(204)
    await site.put(receiver.url)
    async with running(site.loop()):
        await site.until(state="active")
        await eventually(lambda: _told(receiver, later), what="what has changed since")
        receiver.behave = answering(410)
        await site.refer()
        await site.until(state="off")
        await eventually(lambda: _mailed(site, 2), what="a second mail")
    _, second = (message_from_bytes(each.content, policy=policy.default) for each in site.mails.taken)
    assert second["Message-ID"] != message["Message-ID"]


async def _mailed(site: WebhookSite, times: int = 1) -> bool:
    return len(site.mails.taken) >= times


async def _told(receiver: Receiver, *references: str) -> bool:
    return set(references) <= set(receiver.references)


@pytest.mark.parametrize("status", [204, 410])
async def test_what_the_address_before_answers_says_nothing_of_the_new_one(
    site: WebhookSite, receiver: Receiver, status: int
) -> None:
    await site.active(receiver.url, site.loop())
    answers = asyncio.Event()

    async def waits(call: Call, writer: asyncio.StreamWriter) -> None:
        await answers.wait()
        await answering(status)(call, writer)

    receiver.behave = waits
    reference = await site.refer()
    async with running(site.loop()), receiving() as other:
        other.behave = answering(500)
        await eventually(lambda: _told(receiver, reference), what="a call in hand")
        await site.put(other.url)
        answers.set()

        async def was_checked() -> bool:
            return bool(other.calls)

        await eventually(was_checked, what="a check of the new address")
        await asyncio.sleep(1)
        assert (await site.state())["state"] == "checking"
        other.behave = answering(204)
        site.clock.ahead = timedelta(seconds=20)
        await site.until(state="active", waiting=0)
    assert (reference in other.references) == (status == 410)
    assert site.mails.taken == []


async def test_five_dead_days_are_off_with_a_mail_that_is_tried_until_it_goes(
    site: WebhookSite, receiver: Receiver
) -> None:
    await site.active(receiver.url, site.loop())
    await with_an_inbox(site)
    receiver.behave = answering(500)
    first = await site.refer()
    site.mails.error = "connect"
    async with running(site.loop()):
        await tried(site, first)
        site.clock.ahead = timedelta(days=4)
        given_up = await tried(site, first, 2)
        assert given_up.state == "given_up"  # after 72 h
        second = await site.refer()
        await tried(site, second)
        assert (await site.state())["state"] == "active"
        site.clock.ahead = DEAD_AFTER - timedelta(minutes=1)
        await asyncio.sleep(1.5)
        assert (await site.state())["state"] == "active"
        site.clock.ahead = DEAD_AFTER + timedelta(minutes=1)
        assert (await site.until(state="off"))["why_off"] == "dead"
        await asyncio.sleep(1.5)
        assert site.mails.taken == []
        site.mails.error = None
        site.clock.ahead += timedelta(minutes=6)
        await eventually(lambda: _mailed(site), what="a mail")
        await asyncio.sleep(1.5)
    [mail] = site.mails.taken
    assert b"5 days" in mail.content
    rows = await fetch(site.engine, "SELECT actor_id, detail FROM audit WHERE action = 'webhook.off'")
    assert [(row.actor_id, row.detail.split()[1]) for row in rows] == [("webhooks", "dead")]


async def test_what_was_given_up_while_nothing_got_through_is_told_once_it_is_set_anew(
    site: WebhookSite, receiver: Receiver
) -> None:
    await site.active(receiver.url, site.loop())
    told = await site.refer()
    async with running(site.loop()):
        await site.until(waiting=0)
        await eventually(lambda: _told(receiver, told), what="one before it fails")
        async with site.engine.begin() as tx:  # given up in an earlier failure, which ended: it is told no more
            await tx.execute(sa.text("UPDATE webhook_delivery SET state = 'given_up' WHERE reference IS NOT NULL"))
        receiver.behave = answering(500)
        lost = await site.refer()
        await tried(site, lost)
        site.clock.ahead = timedelta(days=4)
        assert (await tried(site, lost, 2)).state == "given_up"
        receiver.behave = answering(204)
        receiver.calls.clear()
        await site.put(receiver.url)
        await eventually(lambda: _told(receiver, lost), what="what was given up", seconds=10)
        await site.until(waiting=0)
    assert told not in receiver.references


async def test_one_success_within_five_days_starts_them_anew(site: WebhookSite, receiver: Receiver) -> None:
    await site.active(receiver.url, site.loop())
    receiver.behave = answering(500)
    reference = await site.refer()
    async with running(site.loop()):
        await tried(site, reference)
        receiver.behave = answering(204)
        site.clock.ahead = timedelta(days=2)
        await site.until(waiting=0)
        site.clock.ahead = timedelta(days=6)
        receiver.behave = answering(500)
        await tried(site, await site.refer())
        await asyncio.sleep(1.5)
        state = await site.state()
    assert (state["state"], state["failing_since"] is not None) == ("active", True)


@pytest.mark.parametrize(("status", "said"), [(429, "600"), (503, "600")])
async def test_a_receiver_that_asks_for_time_is_left_alone(
    site: WebhookSite, receiver: Receiver, status: int, said: str
) -> None:
    await site.active(receiver.url, site.loop())
    receiver.behave = answering(status, f"Retry-After: {said}")
    first = await site.refer()
    async with running(site.loop()):
        row = await tried(site, first)
        assert row.due_at - row.first_tried_at >= timedelta(seconds=600)
        second = await site.refer()
        await asyncio.sleep(2)
        assert receiver.about(second) == []
        receiver.behave = answering(204)
        site.clock.ahead = timedelta(seconds=601)
        await eventually(lambda: _told(receiver, first, second), what="both, after the pause")


async def test_of_one_referral_nothing_overtakes_and_another_is_not_held_up(
    site: WebhookSite, receiver: Receiver
) -> None:
    await site.active(receiver.url, site.loop())
    failing = await site.refer()
    taken: list[Call] = []

    async def fails_for_one(call: Call, writer: asyncio.StreamWriter) -> None:
        is_failing = call.reference == failing and site.clock.ahead < timedelta(seconds=40)
        if not is_failing:
            taken.append(call)
        await answering(500 if is_failing else 204)(call, writer)

    receiver.behave = fails_for_one
    async with running(site.loop()):
        await tried(site, failing)
        await site.withdraw(failing)
        other = await site.refer()
        await eventually(lambda: _told(receiver, other), what="the other one")

        async def both_are_stored() -> bool:
            return [row.reference for row in await site.deliveries()].count(failing) == 2

        await eventually(both_are_stored, what="a second delivery")
        await asyncio.sleep(1.2)
        assert len(receiver.about(failing)) == 1
        site.clock.ahead = timedelta(seconds=40)
        await site.until(waiting=0)
    rows = [row for row in await site.deliveries() if row.reference == failing]
    assert [call.id for call in taken if call.reference == failing] == [str(row.id) for row in rows]


async def test_four_at_a_time_and_a_slow_agency_holds_up_no_other(site: WebhookSite, receiver: Receiver) -> None:
    async with receiving() as other:
        await site.put(other.url, slug="nursery")
        await site.active(receiver.url, site.loop())
        receiver.behave = never
        for _ in range(6):
            await site.refer()
        async with running(site.loop()):

            async def is_full() -> bool:
                return receiver.open == 4

            await eventually(is_full, what="four at a time")
            theirs = await site.refer(slug="nursery")
            await eventually(lambda: _told(other, theirs), what="the other agency's", seconds=10)
            assert receiver.open == 4
    assert receiver.most_open == 4


async def test_who_is_stopped_in_mid_delivery_sends_the_same_again(site: WebhookSite, receiver: Receiver) -> None:
    """A kill and a stop leave the same behind: a row that is due, and a receiver that may have taken it."""
    await site.active(receiver.url, site.loop())
    receiver.behave = never
    references = [await site.refer() for _ in range(3)]
    stopped = asyncio.create_task(site.loop().run())
    await eventually(lambda: _told(receiver, *references), what="three in hand")
    await ended(stopped)
    in_hand = {call.reference: call for call in receiver.calls if call.reference}
    assert [row.attempts for row in await site.deliveries() if row.reference] == [0, 0, 0]
    receiver.behave = answering(204)
    receiver.calls.clear()
    async with running(site.loop()):
        await site.until(waiting=0)
    again = {call.reference: call for call in receiver.calls}
    assert {name: (call.id, call.body) for name, call in again.items()} == {
        name: (call.id, call.body) for name, call in in_hand.items()
    }


async def test_two_copies_call_nobody_twice(site: WebhookSite, receiver: Receiver) -> None:
    async with receiving() as other:
        await site.put(other.url, slug="nursery")
        await site.put(receiver.url)
        async with running(site.loop(), site.loop()):
            await site.until(state="active")
            ours = [await site.refer() for _ in range(10)]
            theirs = [await site.refer(slug="nursery") for _ in range(10)]
            await eventually(lambda: _told(receiver, *ours), what="all of ours")
            await eventually(lambda: _told(other, *theirs), what="all of theirs")
            await asyncio.sleep(3)  # longer than a balance of leases
            more = await site.refer()
            await eventually(lambda: _told(receiver, more), what="one more")
    for each, references in ((receiver, [*ours, more]), (other, theirs)):
        assert sorted(each.references) == sorted(references)


async def test_a_dead_receiver_leaves_the_rest_in_the_feed(site: WebhookSite, receiver: Receiver) -> None:
    """The feed is the queue: what is stored stays small, and a referral that changed twice meanwhile is told once."""
    await site.active(receiver.url, site.loop())
    receiver.behave = answering(500)
    [endpoint] = await fetch(site.engine, "SELECT id FROM webhook_endpoint")
    async with site.engine.begin() as tx:
        waiting = """
            INSERT INTO webhook_delivery (id, endpoint_id, type, referral_id, reference, version, made_at, state, due_at)
            SELECT gen_random_uuid(), :id, 'referral.changed', gen_random_uuid(), 'PIR-OLD', 1, now(), 'due',
                now() + interval '1 day' FROM generate_series(1, :n)
        """
        await tx.execute(sa.text(waiting), {"id": endpoint.id, "n": MOST_WAITING})
    reference = await site.refer()
    async with running(site.loop()):
        await asyncio.sleep(1.5)
        assert len([row for row in await site.deliveries() if row.reference == reference]) == 0
        await site.withdraw(reference)
        async with site.engine.begin() as tx:
            await tx.execute(sa.text("UPDATE webhook_delivery SET state = 'delivered', ended_at = now()"))
        receiver.behave = answering(204)
        await eventually(lambda: _told(receiver, reference), what="the referral")
        await site.until(waiting=0)
    assert len(receiver.about(reference)) == 1


class Renamed(httpcore.AnyIOBackend):
    """As if the public address were a port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asked: list[str] = []

    async def connect_tcp(self, host: str, *args: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        self.asked.append(host)
        return await super().connect_tcp("127.0.0.1", self._port)


@pytest.mark.parametrize(("name", "error"), [("receiver.example.org", None), ("another.example.org", "tls")])
async def test_tls_goes_by_the_name_although_the_connection_goes_to_the_address(
    site: WebhookSite, tmp_path: Path, name: str, error: str | None
) -> None:
    """The certificate is the name's, or the try fails; SNI says the name."""
    authority, own = tmp_path / "ca.pem", tmp_path / "receiver.pem"
    certify(authority, own, "receiver.example.org")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own)
    heard: list[str | None] = []
    tls.sni_callback = lambda _, server_name, __: heard.append(server_name)
    trust = ssl.create_default_context(cafile=str(authority))

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8"]

    async with receiving(tls=tls) as receiver:
        backend = Renamed(int(receiver.url.split(":")[2].split("/")[0]))
        await site.put(receiver.url)
        async with site.engine.begin() as tx:
            url = f"https://{name}/hooks"
            await tx.execute(sa.text("UPDATE webhook_endpoint SET url = :url"), {"url": url})
        async with running(site.loop(networks=Networks(resolve, backend), trust=trust)):
            if error is None:
                await site.until(state="active")
            else:
                await site.until(last_error=error)
    assert (set(backend.asked), set(heard)) == ({"8.8.8.8"}, {name})
    assert [call.headers["host"] for call in receiver.calls] == ([name] if error is None else [])


async def test_a_name_that_has_become_private_is_called_no_more(site: WebhookSite, receiver: Receiver) -> None:
    await site.active(receiver.url, site.loop())
    async with site.engine.begin() as tx:
        await tx.execute(sa.text("UPDATE webhook_endpoint SET url = 'https://rebinding.example.org/'"))

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8", "127.0.0.1"]

    receiver.calls.clear()
    reference = await site.refer()
    async with running(site.loop(networks=Networks(resolve))):
        assert (await tried(site, reference)).last_error == "address"
    assert receiver.calls == []
