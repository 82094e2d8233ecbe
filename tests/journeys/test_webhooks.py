"""An agency's own system is called by the whole system: through a kill, and with the receiver that the docs print."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from deploy.local.ports import free_port
from shared.settings import ROOT
from tests.journeys.people import Agency, Staff
from tests.system import System, eventually


class Calls:
    """What a receiver has heard; while `gate` is closed it answers nobody."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.gate = threading.Event()
        self.gate.set()

    def about(self, reference: str) -> list[tuple[dict[str, str], bytes]]:
        return [each for each in self.heard if json.loads(each[1])["data"].get("reference") == reference]


@contextmanager
def receiving(calls: Calls) -> Iterator[str]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            calls.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            calls.gate.wait(60)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hooks"
    finally:
        calls.gate.set()
        server.shutdown()
        server.server_close()


def set_at(agency: Agency, url: str) -> str:
    """The secret, once the receiver has been checked."""
    reply = agency.call("PUT", "/webhook", {"url": url})
    assert reply.status == 201, reply
    eventually(lambda: agency.call("GET", "/webhook").body["state"] == "active", what="a checked webhook")
    return str(reply.body["secret"])


@pytest.fixture
def agency(system: System) -> Iterator[Agency]:
    """One that has no webhook afterwards."""
    yield (found := Agency(system, "midwifery"))
    found.call("DELETE", "/webhook")


def test_a_kill_in_mid_delivery_sends_the_same_call_again(system: System, agency: Agency) -> None:
    calls = Calls()
    with receiving(calls) as url:
        # Given a receiver that takes calls and does not answer
        secret = set_at(agency, url)
        calls.gate.clear()
        reference = agency.refers()
        eventually(lambda: calls.about(reference), what="a call in hand")
        # When notify is killed meanwhile
        system.kill("notify")
        calls.gate.set()
        system.start("notify")
        system.wait_until_ready("notify")
        # Then the same call comes again, and those of one referral in their order
        agency.withdraws(reference)
        eventually(lambda: agency.status(reference) == "withdrawn", what="the withdrawal")
        eventually(
            lambda: (
                len({each[0]["webhook-id"] for each in calls.about(reference)}) > 1
                and agency.call("GET", "/webhook").body["waiting"] == 0
            ),
            what="everything told",
        )
    ids = [headers["webhook-id"] for headers, _ in calls.about(reference)]
    assert ids[0] == ids[1]
    first_at = [ids.index(each) for each in dict.fromkeys(ids)]
    assert ids == [each for start in first_at for each in ids if each == ids[start]]
    for headers, body in calls.about(reference):
        assert json.loads(body)["data"]["reference"] == reference
        Webhook(secret).verify(body, headers)


def test_the_receiver_of_the_docs_hears_of_a_question_and_asks_what_it_is(
    system: System, agency: Agency, worker: Staff, tmp_path: Path
) -> None:
    # Given the receiver as it is printed
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(encoding="utf-8"), re.DOTALL)
    file, port = tmp_path / "receiver.py", free_port(None)
    file.write_text(example)
    url = f"http://127.0.0.1:{port}/hooks"
    reply = agency.call("PUT", "/webhook", {"url": url})
    told = {"WEBHOOK_SECRET": reply.body["secret"], "PORT": str(port)}
    told |= {"PIR_URL": system.url("referral"), "PIR_KEY": system.agency_key(agency.slug)}
    said = tmp_path / "said"
    with said.open("wb") as output, subprocess.Popen([sys.executable, str(file)], env=told, stdout=output) as receiver:
        try:
            # When it is checked, a referral comes, and staff ask something
            eventually(lambda: agency.call("GET", "/webhook").body["state"] == "active", what="a checked webhook")
            reference = agency.refers(consent={"status": "not_sought"})
            [route] = agency.sees_decided(reference)["decision"]["routes"]
            item = worker.finds(route["route"], reference)
            worker.does(item, "claim")
            worker.does(item, "request-information", asked="Is an interpreter wanted?")
            # Then it has asked what it is, and the status is the new one
            eventually(
                lambda: "referral.question waiting_for_referrer" in said.read_text(),
                what="the question in the receiver",
            )
        finally:
            receiver.kill()
    assert agency.status(reference) == "waiting_for_referrer"
