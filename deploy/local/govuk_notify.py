"""A stand-in for GOV.UK Notify's API, for development and tests: `python -m deploy.local.govuk_notify`.

It sends nothing to anybody: what it is given can be read at `GET /sent`, and `POST /reply` with `{"number", "message"}`
is somebody who answers a text. It speaks the calls of Notify's own clients, holds tokens to 30 seconds, follows the
rules of a test key, and posts receipts as Notify does, again when that fails. No third-party package, so that its
process takes about 20 MB. It ends with the process that started it.
"""

import argparse
import json
import os
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from deploy.local.govuk_messages import CHANNELS, TEMPLATES, Kept, Messages, RefusedError, template_of, whole_template

KEY_VARIABLE: Final = "PIR_GOVUK_NOTIFY_KEY"
TOKEN_VARIABLE: Final = "PIR_GOVUK_NOTIFY_CALLBACK_TOKEN"  # noqa: S105  a name
DEFAULT_PORT: Final = 8006
LARGEST_BODY: Final = 3 * 1024 * 1024
DROPPED: Final = -1


def new_key() -> str:
    """As Notify makes them: a name, the id of the service, the secret."""
    return f"development-{uuid.uuid4()}-{uuid.uuid4()}"


def settings_for(url: str, key: str, token: str) -> dict[str, str]:
    """The environment in which the notify service sends to a stand-in at this address."""
    templates = {f"PIR_GOVUK_NOTIFY_TEMPLATE_{channel.upper()}": id_ for channel, id_ in TEMPLATES.items()}
    return {"PIR_GOVUK_NOTIFY_URL": url, KEY_VARIABLE: key, TOKEN_VARIABLE: token, **templates}


@dataclass
class StandInAnswer:
    """`status` DROPPED: the connection is closed without one."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class StandIn:
    """Receipts go to `callback`, with `token`: after `delay` seconds; while that fails, 5 times more, each `pause`."""

    messages: Messages
    callback: str
    token: str
    delay: float = 0.2
    pause: float = 300.0
    slow_seconds: float = 20.0
    attempts: int = 6
    port: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Raises OSError for a port that is taken."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, method: str, address: str, authorization: str, body: bytes) -> StandInAnswer:
        parts = urlsplit(address)
        asked = dict(parse_qsl(parts.query))
        try:
            if (method, parts.path) == ("GET", "/sent"):
                return StandInAnswer(200, {"sent": [message.shown for message in self.messages.kept]})
            if (method, parts.path) == ("POST", "/reply"):
                return self._reply(json.loads(body))
            self.messages.check(authorization)
            return self._called(method, parts.path.strip("/").split("/"), asked, body)
        except RefusedError as refused:
            return StandInAnswer(refused.status, refused.body, refused.headers)
        except ValueError:
            return StandInAnswer(400, RefusedError(400, "ValidationError", "Invalid JSON supplied in POST data").body)

    def _called(self, method: str, path: list[str], asked: dict[str, str], body: bytes) -> StandInAnswer:  # noqa: PLR0911  a table
        match method, path:
            case "POST", ["v2", "notifications", channel] if channel in CHANNELS:
                return self._send(channel, json.loads(body))
            case "GET", ["v2", "notifications", id_]:
                return StandInAnswer(200, self.messages.one(id_).shown)
            case "GET", ["v2", "notifications"]:
                found = self.messages.page(asked)
                shown = [each.shown for each in found]
                return StandInAnswer(200, {"notifications": shown, "links": self._links(found)})
            case "GET", ["v2", "notifications", id_, "pdf"]:
                self.messages.one(id_)
                raise RefusedError(400, "PDFNotReadyError", "PDF not available yet, try again later")
            case "GET", ["v2", "received-text-messages"]:
                return self._received(asked)
            case "GET", ["v2", "templates"]:
                kinds = [channel for channel in CHANNELS if asked.get("type", channel) == channel]
                return StandInAnswer(200, {"templates": [whole_template(channel) for channel in kinds]})
            case "GET", ["v2", "template", id_] | ["v2", "template", id_, "version", "1"]:
                return StandInAnswer(200, whole_template(_channel_of(id_)))
            case "POST", ["v2", "template", id_, "preview"]:
                return _preview(_channel_of(id_), json.loads(body))
        raise RefusedError(404, "NoResultFound", "No result found")

    def _links(self, found: list[Kept]) -> dict[str, str]:
        current = f"{self.url}/v2/notifications"
        return {"current": current} | ({"next": f"{current}?older_than={found[-1].id}"} if found else {})

    def _send(self, channel: str, asked: Any) -> StandInAnswer:
        message, is_kept = self.messages.take(channel, asked)
        if is_kept:
            threading.Thread(target=self._report, args=(message,), daemon=True).start()
        if self.messages.has_fault(message, "slow@"):
            time.sleep(self.slow_seconds)
        if self.messages.has_fault(message, "drop-answer@", once=True):
            return StandInAnswer(DROPPED)
        content: dict[str, Any] = {"body": message.body}
        content |= {"from_number": "GOVUK"} if channel == "sms" else {"subject": message.subject}
        if channel == "email":
            content |= {"from_email": "a.service@example.org", "one_click_unsubscribe_url": message.unsubscribe}
        uri = f"{self.url}/v2/notifications/{message.id}"
        body = {"id": message.id, "reference": message.reference, "uri": uri, "template": template_of(channel)}
        return StandInAnswer(201, body | {"content": content, "scheduled_for": None})

    def _report(self, message: Kept) -> None:
        """What becomes of it, and the receipt; letters have none."""
        message.status = "sending" if message.channel != "letter" else "accepted"
        time.sleep(self.delay)
        message.status, message.completed_at = self.messages.end_of(message), datetime.now(UTC)
        if message.channel != "letter":
            for _ in range(2 if self.messages.has_fault(message, "twice@") else 1):
                self._post("", message.receipt)

    def _post(self, below: str, told: dict[str, Any]) -> int:
        """The status of the last answer; 0 for none."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.callback}{below}", json.dumps(told).encode(), headers)  # noqa: S310  http of our own
        status = 0
        for attempt in range(self.attempts):
            time.sleep(self.pause if attempt else 0)
            try:
                with urllib.request.urlopen(request, timeout=10) as answered:  # noqa: S310  as above
                    return int(answered.status)
            except urllib.error.HTTPError as error:
                status = error.code
            except OSError:
                status = 0
        return status

    def _reply(self, said: dict[str, Any]) -> StandInAnswer:
        """Somebody answers a text; the answer says what became of the call that tells it."""
        told = {
            "id": str(uuid.uuid4()),
            "source_number": str(said["number"]),
            "destination_number": "07700900999",
            "message": str(said["message"]),
            "date_received": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        kept = {"id": told["id"], "user_number": told["source_number"], "notify_number": told["destination_number"]}
        self.messages.received.append(kept | {"content": told["message"], "created_at": told["date_received"]})
        return StandInAnswer(200, {"status": self._post("/received", told)})

    def _received(self, asked: dict[str, str]) -> StandInAnswer:
        newest = list(reversed(self.messages.received))
        if older := asked.get("older_than"):
            ids = [each["id"] for each in newest]
            newest = newest[ids.index(older) + 1 :] if older in ids else []
        current = f"{self.url}/v2/received-text-messages"
        links = {"current": current} | ({"next": f"{current}?older_than={newest[-1]['id']}"} if newest else {})
        return StandInAnswer(200, {"received_text_messages": newest, "links": links})


def _channel_of(template: str) -> str:
    found = next((channel for channel, id_ in TEMPLATES.items() if id_ == template), None)
    if found is None:
        raise RefusedError(404, "NoResultFound", "No result found")
    return found


def _preview(channel: str, asked: dict[str, Any]) -> StandInAnswer:
    words = asked.get("personalisation") or {}
    told = {**template_of(channel), "type": channel, "body": words.get("body", ""), "html": None, "postage": None}
    return StandInAnswer(200, told | {"subject": words.get("subject")})


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class NotifyRequests(BaseHTTPRequestHandler):
        timeout = 30

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            is_fine = length.isdecimal() and int(length[:9]) <= LARGEST_BODY
            self._answer(self.rfile.read(int(length)) if is_fine else b"")

        def _answer(self, body: bytes) -> None:
            found = stand_in.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            if found.status == DROPPED:
                self.close_connection = True
                return
            text = json.dumps(found.body).encode()
            self.send_response(found.status)
            for name, value in {"Content-Type": "application/json", **found.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """What is sent has addresses in it: nothing is written down."""

    return NotifyRequests


def main(environ: Mapping[str, str] = os.environ, *, parent: Callable[[], int] = os.getppid) -> None:
    """Serve until the parent process is gone."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.govuk_notify", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--callback", default="http://127.0.0.1:8003/callbacks/govuk-notify")
    chosen = parser.parse_args()
    started_by = parent()
    stand_in = StandIn(Messages(environ[KEY_VARIABLE]), chosen.callback, environ[TOKEN_VARIABLE], port=chosen.port)
    stand_in.start()
    while parent() == started_by:
        time.sleep(1)


if __name__ == "__main__":
    main()
