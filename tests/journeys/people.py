"""Those who use the system, each with what they can do: an agency, a member of staff, a mailbox. HTTP only."""

from __future__ import annotations

import email
import email.policy
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import httpx

from tests.families import a_referral
from tests.signing_in import Browser
from tests.system import Reply, System, eventually

CREATED, OK = 201, 200


@dataclass(frozen=True)
class Mail:
    """One message as it lies in the mail folder."""

    reference: str
    kind: str
    to: str
    subject: str
    text: str


def mails(system: System, reference: str, kind: str | None = None) -> list[Mail]:
    """Every mail about a referral, of one kind or all."""
    found = []
    for file in sorted((system.var / "mail").rglob("*.eml")):
        message = email.message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=email.policy.default)
        if message["X-PIR-Reference"] == reference and kind in (None, message["X-PIR-Kind"]):
            text = message.get_content()
            found.append(Mail(reference, message["X-PIR-Kind"], message["To"], message["Subject"], text))
    return found


def a_mail(system: System, reference: str, kind: str) -> Mail:
    """The first mail of a kind about a referral, once it is there."""
    return eventually(lambda: mails(system, reference, kind), what=f"a {kind} mail about {reference}")[0]


def request(method: str, url: str, *, headers: dict[str, str] | None = None, body: bytes | None = None) -> Reply:
    """A request byte for byte as it is given, for what no well-behaved client sends."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(method, f"/{path}", body, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        named = {name.lower(): value for name, value in answer.getheaders()}
        is_json = "json" in named.get("content-type", "")
        return Reply(answer.status, json.loads(text) if is_json else text.decode(), named)
    finally:
        connection.close()


class Agency:
    """A partner agency's own system."""

    def __init__(self, system: System, slug: str) -> None:
        self.system, self.slug = system, slug
        self.inbox = f"{slug}@agency.example.org"

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Reply:
        """One call with the agency's key; a body goes as JSON with a fresh Idempotency-Key unless one is given."""
        sent = {"Authorization": f"Bearer {self.system.agency_key(self.slug)}"}
        if body is not None:
            sent |= {"Content-Type": "application/json", "Idempotency-Key": key or uuid4().hex}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return request(method, self.system.url("referral") + path, headers=sent, body=content)

    def refers(self, family: dict[str, Any] | None = None, **changes: Any) -> str:
        """Send a referral that is accepted; returns its reference."""
        reply = self.call("POST", "/referrals", family or a_referral(**changes))
        assert reply.status == CREATED, reply
        return str(reply.body["reference"])

    def sees(self, reference: str) -> dict[str, Any]:
        reply = self.call("GET", f"/referrals/{reference}")
        assert reply.status == OK, reply
        body: dict[str, Any] = reply.body
        return body

    def reads_feed(self, cursor: str | None = None) -> list[dict[str, Any]]:
        """The pages of its feed after a cursor, or from the beginning; the last one is empty."""
        pages: list[dict[str, Any]] = []
        while not pages or pages[-1]["items"]:
            cursor = pages[-1]["next"] if pages else cursor
            reply = self.call("GET", f"/referrals?changed_since={cursor}" if cursor else "/referrals")
            assert reply.status == OK, reply
            pages.append(reply.body)
        return pages

    def status(self, reference: str) -> str:
        return str(self.sees(reference)["status"])

    def sees_decided(self, reference: str, *, version: int = 1) -> dict[str, Any]:
        """What it sees once the version it sent is decided and its work is on a team's list."""

        def looks() -> dict[str, Any] | None:
            seen = self.sees(reference)
            lines = [line["what"] for line in seen["history"]]
            times = lines.count("decided")
            return seen if seen["decision"] and times >= version and "opened" in lines else None

        return eventually(looks, what=f"{reference} decided")

    def sees_status(self, reference: str, status: str) -> dict[str, Any]:
        """What it sees once the status is this one."""
        last: list[dict[str, Any]] = [{}]

        def looks() -> dict[str, Any] | None:
            last[0] = self.sees(reference)
            return last[0] if last[0]["status"] == status else None

        try:
            return eventually(looks, what=f"{reference} {status}", seconds=45)
        except AssertionError as error:
            raise AssertionError(f"{error}; seen {last[0]}") from None

    def withdraws(self, reference: str, reason: str = "family_declined") -> Reply:
        return self.call("POST", f"/referrals/{reference}/withdrawal", {"reason": reason})

    def informs(self, reference: str, **answer: Any) -> Reply:
        return self.call("POST", f"/referrals/{reference}/information", answer)

    def changes(self, reference: str, **members: Any) -> Reply:
        return self.call("PATCH", f"/referrals/{reference}", members)


class Staff:
    """A member of staff with one role."""

    def __init__(self, system: System, role: str) -> None:
        self.system, self.role = system, role

    def call(self, method: str, path: str, body: Any = None, *, service: str = "triage") -> Reply:
        headers = {"Authorization": f"Bearer {self.system.staff_token(self.role)}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        return request(method, self.system.url(service) + path, headers=headers, body=content)

    def items(self, route: str, reference: str) -> list[dict[str, Any]]:
        """The open items of a referral in a queue."""
        reply = self.call("GET", f"/queues/{route}?reference={reference}")
        assert reply.status == OK, reply
        found: list[dict[str, Any]] = reply.body["items"]
        return found

    def finds(self, route: str, reference: str) -> str:
        """The id of the referral's item in a queue, once it is there."""
        return str(eventually(lambda: self.items(route, reference), what=f"{reference} in {route}")[0]["id"])

    def sees(self, item: str, *, why: str = "") -> dict[str, Any]:
        """An item; with the family for a reason, or when it is one's own."""
        reply = self.call("GET", f"/work-items/{item}{why and f'?why={why}'}")
        assert reply.status == OK, reply
        body: dict[str, Any] = reply.body
        return body

    def tries(self, item: str, step: str, **body: Any) -> Reply:
        return self.call("POST", f"/work-items/{item}/{step}", body)

    def does(self, item: str, step: str, **body: Any) -> dict[str, Any]:
        reply = self.tries(item, step, **body)
        assert reply.status == OK, reply
        done: dict[str, Any] = reply.body
        return done

    @contextmanager
    def with_places(self, route: str, *, individual: int, group: int = 4) -> Iterator[None]:
        """A route with so many places for a while."""
        before = next(each for each in self.call("GET", "/capacity").body["routes"] if each["route"] == route)
        assert self.call("PUT", f"/capacity/{route}", {"individual": individual, "group": group}).status == OK
        try:
            yield
        finally:
            places = {kind: before[kind]["places"] for kind in ("individual", "group")}
            assert self.call("PUT", f"/capacity/{route}", places).status == OK


class Member(Browser):
    """Somebody of an agency at the pages for people who refer; `addresses` are all that were asked for or led to."""

    def __init__(self, system: System, slug: str = "health-visiting") -> None:
        super().__init__(system.url("referral"))
        self.system, self.email = system, str(system.credentials["members"][slug])
        self.addresses: list[str] = []

    def ask(self, method: str, url: str, fields: dict[str, str] | None = None) -> httpx.Response:
        answer = super().ask(method, url, fields)
        self.addresses += [str(answer.url), answer.headers.get("location", "")]
        return answer

    def signs_in(self) -> None:
        self.open("/refer/sign-in")
        self.send("/refer/sign-in", email=self.email)
        self.send("/refer/sign-in/code", code=self.system.code_for(self.email))

    def begins(self) -> str:
        """A new form; returns its address."""
        self.open("/refer/new")
        return self.send("/refer/drafts").url.path.rpartition("/")[0]

    def writes(self, draft: str, page: str, **boxes: str) -> httpx.Response:
        """Open a page of the form and save it, with `__` for a dot in the name of a box."""
        self.open(f"{draft}/{page}")
        return self.send(f"{draft}/{page}", **{name.replace("__", "."): typed for name, typed in boxes.items()})
