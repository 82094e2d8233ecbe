"""The stand-in for GOV.UK Notify, judged by Notify's own client; and our sender against the stand-in."""

from __future__ import annotations

import asyncio
import io
import json
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest
from notifications_python_client import NotificationsAPIClient
from notifications_python_client.errors import HTTPError

from deploy.local.govuk_messages import TEMPLATES, Messages
from deploy.local.govuk_notify import StandIn, new_key
from services.notify.senders.govuk_notify import GovukNotify, Known, Outgoing, Result
from shared.events import Channel

TOKEN = "a-token-of-ours-that-has-thirty-two-characters"
MOBILE, OTHER = "07700900123", "07700900456"
ADDRESS = {"address_line_1": "Sana Shah", "address_line_2": "1 Main Street", "address_line_3": "NG6 8GB"}
IDS = {channel: TEMPLATES[channel.value] for channel in Channel}


class Callbacks:
    """What a service is called with; the first `refused` calls get 503."""

    def __init__(self, refused: int = 0) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.refused = refused
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.calls.append((self.path, self.headers["Authorization"], body))
                outer.refused -= 1
                self.send_response(503 if outer.refused >= 0 else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/callbacks/govuk-notify"

    def wait(self, number: int) -> list[dict[str, Any]]:
        until = time.monotonic() + 10
        while len(self.calls) < number and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.calls) >= number, self.calls
        return [body for _, _, body in self.calls]


@pytest.fixture
def callbacks() -> Iterator[Callbacks]:
    callbacks = Callbacks()
    yield callbacks
    callbacks.server.shutdown()
    callbacks.server.server_close()


@pytest.fixture
def stand_in(callbacks: Callbacks) -> Iterator[StandIn]:
    stand_in = StandIn(Messages(new_key()), callbacks.url, TOKEN, delay=0.01, pause=0.05, slow_seconds=0.6)
    stand_in.start()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def client(stand_in: StandIn) -> NotificationsAPIClient:
    return NotificationsAPIClient(stand_in.messages.key, base_url=stand_in.url)


def words(**more: str) -> dict[str, str]:
    return {"subject": "A message", "body": "We have your request", **more}


class TestJudgedByItsClient:
    def test_a_text(self, client: NotificationsAPIClient) -> None:
        sent = client.send_sms_notification(MOBILE, TEMPLATES["sms"], words(), reference="our-own")
        assert sent["content"]["body"] == "We have your request"
        assert set(sent["template"]) == {"id", "version", "uri"}
        found = client.get_notification_by_id(sent["id"])
        assert (found["type"], found["reference"], found["phone_number"]) == ("sms", "our-own", MOBILE)

    def test_an_email_with_a_way_to_stop(self, client: NotificationsAPIClient) -> None:
        stop = "https://example.org/callbacks/stop/x"
        sent = client.send_email_notification(
            "sana@example.org", TEMPLATES["email"], words(), one_click_unsubscribe_url=stop
        )
        assert sent["content"]["one_click_unsubscribe_url"] == stop
        assert client.get_notification_by_id(sent["id"])["one_click_unsubscribe"] == stop

    def test_a_letter_and_one_that_was_made_before(self, client: NotificationsAPIClient) -> None:
        sent = client.send_letter_notification(TEMPLATES["letter"], words(**ADDRESS))
        assert client.get_notification_by_id(sent["id"])["line_3"] == "NG6 8GB"
        assert client.send_precompiled_letter_notification("ours", io.BytesIO(b"%PDF"))["reference"] == "ours"

    def test_many_messages_page_by_page_and_by_reference(self, client: NotificationsAPIClient) -> None:
        for number in range(260):
            client.send_sms_notification(MOBILE, TEMPLATES["sms"], words(), reference=f"ref-{number}")
        assert len(client.get_all_notifications()["notifications"]) == 250
        assert len(list(client.get_all_notifications_iterator())) == 260
        assert len(client.get_all_notifications(reference="ref-7")["notifications"]) == 1
        assert client.get_all_notifications(reference="nobody")["notifications"] == []
        assert client.get_all_notifications(template_type="email")["notifications"] == []

    def test_templates_and_their_preview(self, client: NotificationsAPIClient) -> None:
        assert [each["type"] for each in client.get_all_templates()["templates"]] == ["sms", "email", "letter"]
        assert client.get_all_templates("sms")["templates"][0]["id"] == TEMPLATES["sms"]
        assert client.get_template(TEMPLATES["email"])["subject"] == "((subject))"
        assert client.get_template_version(TEMPLATES["email"], 1)["version"] == 1
        assert client.post_template_preview(TEMPLATES["sms"], words())["body"] == "We have your request"

    def test_texts_that_came_in(self, client: NotificationsAPIClient, stand_in: StandIn, callbacks: Callbacks) -> None:
        reply(stand_in, number="447700900123", message="Hello")
        assert callbacks.calls[0][0].endswith("/received")
        assert [each["content"] for each in client.get_received_texts_iterator()] == ["Hello"]

    @pytest.mark.parametrize(
        ("asked", "kind"),
        [
            ({"phone_number": "0115 496 0101"}, "ValidationError"),
            ({"phone_number": "nonsense"}, "ValidationError"),
            ({"template_id": "no-uuid"}, "ValidationError"),
            ({"template_id": str(uuid4())}, "BadRequestError"),
            ({"personalisation": {}}, "BadRequestError"),
        ],
    )
    def test_mistakes_have_a_kind(self, client: NotificationsAPIClient, asked: dict[str, Any], kind: str) -> None:
        fine = {"phone_number": MOBILE, "template_id": TEMPLATES["sms"], "personalisation": words()}
        with pytest.raises(HTTPError) as refused:
            client.send_sms_notification(**fine | asked)
        assert (refused.value.status_code, refused.value.message[0]["error"]) == (400, kind)

    def test_a_letter_without_a_postcode_and_what_is_not_there(self, client: NotificationsAPIClient) -> None:
        for ask, status in (
            (lambda: client.send_letter_notification(TEMPLATES["letter"], words(address_line_1="Sana")), 400),
            (lambda: client.get_notification_by_id(uuid4()), 404),
            (lambda: client.get_template(uuid4()), 404),
        ):
            with pytest.raises(HTTPError) as refused:
                ask()
            assert refused.value.status_code == status

    def test_a_key_of_nobody_and_a_clock_that_is_wrong(self, stand_in: StandIn) -> None:
        with pytest.raises(HTTPError) as refused:
            NotificationsAPIClient(new_key(), base_url=stand_in.url).get_all_notifications()
        assert refused.value.status_code == 403
        stand_in.messages.now = lambda: datetime.now(UTC) + timedelta(seconds=40)
        with pytest.raises(HTTPError) as late:
            NotificationsAPIClient(stand_in.messages.key, base_url=stand_in.url).get_all_notifications()
        assert (late.value.status_code, late.value.message[0]["error"]) == (403, "AuthError")

    @pytest.mark.parametrize(
        ("number", "status"),
        [(MOBILE, "delivered"), ("07700900003", "temporary-failure"), ("07700900002", "permanent-failure")],
    )
    def test_receipts_come_with_our_token(
        self, client: NotificationsAPIClient, callbacks: Callbacks, number: str, status: str
    ) -> None:
        client.send_sms_notification(number, TEMPLATES["sms"], words(), reference="our-own")
        receipt = callbacks.wait(1)[0]
        assert (receipt["status"], receipt["reference"], receipt["to"]) == (status, "our-own", number)
        assert callbacks.calls[0][1] == f"Bearer {TOKEN}"
        assert set(receipt) == {
            "id", "reference", "to", "status", "created_at", "completed_at", "sent_at", "notification_type",
            "template_id", "template_version",
        }  # fmt: skip

    def test_a_receipt_that_nobody_takes_comes_again(
        self, client: NotificationsAPIClient, callbacks: Callbacks
    ) -> None:
        callbacks.refused = 2
        client.send_sms_notification(MOBILE, TEMPLATES["sms"], words())
        assert len({each["id"] for each in callbacks.wait(3)}) == 1

    def test_smoke_numbers_are_answered_and_not_kept(self, client: NotificationsAPIClient, stand_in: StandIn) -> None:
        client.send_sms_notification("07700900111", TEMPLATES["sms"], words())
        assert not stand_in.messages.kept

    def test_faults_by_address(self, client: NotificationsAPIClient, callbacks: Callbacks, stand_in: StandIn) -> None:
        def send(address: str) -> Any:
            return client.send_email_notification(address, TEMPLATES["email"], words(), reference=address)

        with pytest.raises(HTTPError) as limited:
            send("429@example.org")
        assert (limited.value.status_code, limited.value.message[0]["error"]) == (429, "RateLimitError")
        assert limited.value.response.headers["Retry-After"] == "1"
        send("429@example.org")
        began = time.monotonic()
        send("slow@example.org")
        assert time.monotonic() - began >= 0.5
        send("twice@example.org")
        with pytest.raises(HTTPError):
            send("drop-answer@example.org")
        assert [each.reference for each in stand_in.messages.kept].count("drop-answer@example.org") == 1
        told = [each["reference"] for each in callbacks.wait(5)]
        assert told.count("twice@example.org") == 2


def reply(stand_in: StandIn, **said: str) -> int:
    """What the service answered to the text that came in."""
    asked = urllib.request.Request(f"{stand_in.url}/reply", json.dumps(said).encode())
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return int(json.loads(answer.read())["status"])


def outgoing(to: str, channel: Channel = Channel.SMS, *, reference: str = "", **more: Any) -> Outgoing:
    lines = tuple(ADDRESS.values()) if channel is Channel.LETTER else ()
    subject = "" if channel is Channel.SMS else "A message"
    return Outgoing(reference or str(uuid4()), channel, to, lines, subject, "We have your request", **more)


class TestOurSender:
    @pytest.fixture
    async def ours(self, stand_in: StandIn) -> Any:
        sender = GovukNotify(stand_in.url, stand_in.messages.key, IDS, now=lambda: datetime.now(UTC))
        yield sender
        await sender.close()

    async def test_each_channel_is_taken_on(self, ours: GovukNotify, stand_in: StandIn) -> None:
        for message in (
            outgoing(MOBILE),
            outgoing("sana@example.org", Channel.EMAIL, stop_url="https://example.org/callbacks/stop/x"),
            outgoing("", Channel.LETTER),
        ):
            assert (await ours.send(message)).result is Result.TAKEN
        text, email, letter = stand_in.messages.kept
        assert (text.to, text.subject, text.body) == (MOBILE, None, "We have your request")
        assert (email.subject, email.unsubscribe) == ("A message", "https://example.org/callbacks/stop/x")
        assert letter.lines == list(ADDRESS.values())

    async def test_what_came_of_one_is_known_by_its_reference(self, ours: GovukNotify, callbacks: Callbacks) -> None:
        assert await ours.known("nobody") is None
        for number, known in (
            (MOBILE, Known.DELIVERED),
            ("07700900003", Known.TRY_AGAIN),
            ("07700900002", Known.GIVEN_UP),
        ):
            await ours.send(outgoing(number, reference=number))
            await asyncio.to_thread(callbacks.wait, 1)
            callbacks.calls.clear()
            assert await ours.known(number) is known

    async def test_a_lost_answer_is_told_apart_and_the_message_is_known(
        self, ours: GovukNotify, stand_in: StandIn
    ) -> None:
        message = outgoing("drop-answer@example.org", Channel.EMAIL)
        assert (await ours.send(message)).result is Result.NO_ANSWER
        assert await ours.known(message.reference) is not None
        assert len(stand_in.messages.kept) == 1

    async def test_a_number_that_is_none_is_final_and_a_template_that_is_none_is_not(
        self, ours: GovukNotify, stand_in: StandIn
    ) -> None:
        assert (await ours.send(outgoing("+441154960101"))).result is Result.UNUSABLE
        other = GovukNotify(
            stand_in.url, stand_in.messages.key, {Channel.SMS: str(uuid4())}, now=lambda: datetime.now(UTC)
        )
        assert (await other.send(outgoing(MOBILE))).result is Result.FAILED
        await other.close()

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"notifications": [{}]}', b'{"notifications": 1}'])
    async def test_an_answer_that_can_t_be_read_is_none(self, body: bytes) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
        sender = GovukNotify("http://notify", new_key(), IDS, now=lambda: datetime.now(UTC), transport=transport)
        with pytest.raises(httpx.HTTPError):
            await sender.known("any")
        await sender.close()

    async def test_limits_say_when(self, ours: GovukNotify) -> None:
        sent = await ours.send(outgoing("429@example.org", Channel.EMAIL))
        assert (sent.result, sent.again_in) == (Result.LATER, timedelta(seconds=1))

    @pytest.mark.parametrize("minutes", [-1, 1])
    async def test_a_wrong_clock_is_refused_and_no_fault_of_the_message(self, stand_in: StandIn, minutes: int) -> None:
        wrong = GovukNotify(
            stand_in.url, stand_in.messages.key, IDS, now=lambda: datetime.now(UTC) + timedelta(minutes=minutes)
        )
        assert (await wrong.send(outgoing(MOBILE))).result is Result.REFUSED
        with pytest.raises(httpx.HTTPStatusError):
            await wrong.known("any")
        await wrong.close()

    @pytest.mark.parametrize(
        ("status", "body", "headers", "expected"),
        [
            (500, {}, {}, (Result.FAILED, None)),
            (429, {}, {}, (Result.LATER, timedelta(seconds=60))),
            (429, {}, {"Retry-After": "7"}, (Result.LATER, timedelta(seconds=7))),
            (429, {}, {"Retry-After": "99999999"}, (Result.LATER, timedelta(hours=1))),
            (429, {}, {"Retry-After": "Fri, 1 Jan 2027"}, (Result.LATER, timedelta(seconds=60))),
            (400, {"errors": [{"error": "ValidationError", "message": MOBILE}]}, {}, (Result.UNUSABLE, None)),
            (400, {"errors": []}, {}, (Result.FAILED, None)),
            (400, [], {}, (Result.FAILED, None)),
            (401, {}, {}, (Result.REFUSED, None)),
        ],
    )
    async def test_other_answers(self, status: int, body: Any, headers: Any, expected: Any) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body, headers=headers))
        sender = GovukNotify("http://notify", new_key(), IDS, now=lambda: datetime.now(UTC), transport=transport)
        sent = await sender.send(outgoing(MOBILE))
        assert (sent.result, sent.again_in) == expected
        await sender.close()
