"""What the stand-in for GOV.UK Notify keeps and answers: messages, what becomes of them, faults for an address.

An address with one of these in it brings about what a real network does now and then:

    slow@           an answer after `slow_seconds`
    drop-answer@    taken on, and the connection is closed without an answer, the first time
    twice@          its receipt comes twice
    429@            refused for a second, the first time

and as with a test key of Notify's own: 07700900003 and temp-fail@simulator.notify fail for a time, 07700900002 and
perm-fail@simulator.notify for good, all others arrive. A text can carry a fault, too, in a number that ends in 551
(slow), 552 (drop-answer), 553 (twice) or 554 (429).
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

MOST_KEPT: Final = 5_000
PAGE: Final = 250
SKEW_SECONDS: Final = 30
FAULTS: Final = {"slow@": "551", "drop-answer@": "552", "twice@": "553", "429@": "554"}
FAILING: Final = {
    "447700900003": "temporary-failure",
    "temp-fail@simulator.notify": "temporary-failure",
    "447700900002": "permanent-failure",
    "perm-fail@simulator.notify": "permanent-failure",
}
SMOKE: Final = frozenset(
    {
        *("447700900000", "447700900111", "447700900222"),
        "simulate-delivered@notifications.service.gov.uk",
        "simulate-delivered-2@notifications.service.gov.uk",
        "simulate-delivered-3@notifications.service.gov.uk",
    }
)
"""A successful answer, and nothing kept, sent or reported."""
CHANNELS: Final = ("sms", "email", "letter")
TEMPLATES: Final = {channel: str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:pir:template:{channel}")) for channel in CHANNELS}
_MEMBERS: Final = {
    "sms": {"phone_number", "template_id", "personalisation", "reference", "sms_sender_id"},
    "email": {
        *("email_address", "template_id", "personalisation", "reference"),
        *("email_reply_to_id", "one_click_unsubscribe_url", "sanitise_content_for"),
    },
    "letter": {"template_id", "personalisation", "reference"},
}
_ADDRESS: Final = {"sms": "phone_number", "email": "email_address"}
_POSTCODE: Final = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}", re.IGNORECASE)
_LINES: Final = (3, 7)


class RefusedError(Exception):
    """An answer of Notify's that is no success; `kind` is what clients branch on."""

    def __init__(self, status: int, kind: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self.body = {"status_code": status, "errors": [{"error": kind, "message": message}]}


@dataclass
class Kept:
    """A message as Notify has it; `to` is its number, address, or the first line of a letter's."""

    channel: str
    to: str
    reference: str | None
    subject: str | None
    body: str
    lines: list[str]
    unsubscribe: str | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "created"
    completed_at: datetime | None = None

    @property
    def shown(self) -> dict[str, Any]:
        """As `GET /v2/notifications/{id}` says it."""
        lines: dict[str, Any] = {f"line_{number}": None for number in range(1, _LINES[1] + 1)}
        lines |= {f"line_{number}": line for number, line in enumerate(self.lines, 1)}
        return {
            "id": self.id,
            "reference": self.reference,
            "email_address": self.to if self.channel == "email" else None,
            "phone_number": self.to if self.channel == "sms" else None,
            **lines,
            "postage": "second" if self.channel == "letter" else None,
            "type": self.channel,
            "status": self.status,
            "template": template_of(self.channel),
            "body": self.body,
            "subject": self.subject,
            "created_at": _time(self.created_at),
            "created_by_name": None,
            "sent_at": _time(self.created_at),
            "completed_at": _time(self.completed_at) if self.completed_at else None,
            "scheduled_for": None,
            "one_click_unsubscribe": self.unsubscribe,
            "is_cost_data_ready": True,
        }

    @property
    def receipt(self) -> dict[str, Any]:
        """As it is posted to the service that sent the message."""
        return {
            "id": self.id,
            "reference": self.reference,
            "to": self.to,
            "status": self.status,
            "created_at": _time(self.created_at),
            "completed_at": _time(self.completed_at) if self.completed_at else None,
            "sent_at": _time(self.created_at),
            "notification_type": self.channel,
            "template_id": TEMPLATES[self.channel],
            "template_version": 1,
        }


@dataclass
class Messages:
    """`key` is that of the one service that may call; `now` the clock that tokens are held against."""

    key: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    kept: deque[Kept] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    received: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    _done: set[tuple[str, str]] = field(default_factory=set)

    def check(self, authorization: str) -> None:
        """Raises RefusedError for a token that is not of our key, or not of the last 30 seconds."""
        token = authorization.removeprefix("Bearer ")
        try:
            head, claims, mark = token.split(".")
            said, told = json.loads(_decoded(head)), json.loads(_decoded(claims))
            signed = hmac.digest(self.key[-36:].encode(), f"{head}.{claims}".encode(), hashlib.sha256)
            is_ours = hmac.compare_digest(signed, _decoded(mark)) and said["alg"] == "HS256"
            at = int(told["iat"])
        except (ValueError, LookupError, TypeError, binascii.Error):
            raise RefusedError(401, "AuthError", "Unauthorized: authentication bearer scheme must be used") from None
        if not is_ours or told.get("iss") != self.key[-73:-37]:
            raise RefusedError(403, "AuthError", "Invalid token: API key not found")
        if abs(self.now().timestamp() - at) > SKEW_SECONDS:
            raise RefusedError(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds")

    def take(self, channel: str, asked: Any) -> tuple[Kept, bool]:
        """The message that a call asks for, and whether it is kept and sent. Raises RefusedError."""
        if not isinstance(asked, dict):
            raise _invalid("Invalid JSON supplied in POST data")
        if channel == "letter" and "content" in asked:
            return self._store(Kept("letter", "", asked.get("reference"), None, "", [], None)), True
        self._check_members(channel, asked)
        words = asked.get("personalisation") or {}
        missing = [name for name in _placeholders(channel) if name not in words]
        if missing:
            raise RefusedError(400, "BadRequestError", f"Missing personalisation: {', '.join(missing)}")
        to, lines = self._address(channel, asked, words)
        message = Kept(
            channel,
            to,
            asked.get("reference"),
            None if channel == "sms" else str(words["subject"]),
            str(words["body"]),
            lines,
            asked.get("one_click_unsubscribe_url"),
        )
        if to in SMOKE or _dialled(to) in SMOKE:
            return message, False
        if self.has_fault(message, "429@", once=True):
            raise RefusedError(
                429, "RateLimitError", "Exceeded rate limit for key type test of 3000 requests per 60 seconds",
                {"Retry-After": "1"},
            )  # fmt: skip
        return self._store(message), True

    def has_fault(self, message: Kept, fault: str, *, once: bool = False) -> bool:
        """Whether its address asks for this fault; `once`: the first time only."""
        if fault not in message.to and not (message.channel == "sms" and message.to.endswith(FAULTS[fault])):
            return False
        known = (message.to, fault)
        if once and known in self._done:
            return False
        self._done.add(known)
        return True

    def end_of(self, message: Kept) -> str:
        """The status that it comes to."""
        if message.channel == "letter":
            return "received"
        return FAILING.get(message.to, FAILING.get(_dialled(message.to), "delivered"))

    def one(self, id_: str) -> Kept:
        found = next((message for message in self.kept if message.id == id_), None)
        if found is None:
            raise RefusedError(404, "NoResultFound", "No result found")
        return found

    def page(self, asked: dict[str, str]) -> list[Kept]:
        """The newest first, at most 250 of those that fit; after `older_than` where that is given."""
        newest = list(reversed(self.kept))
        if older := asked.get("older_than"):
            places = [place for place, message in enumerate(newest) if message.id == older]
            newest = newest[places[0] + 1 :] if places else []
        wanted = {
            "reference": asked.get("reference"),
            "status": asked.get("status"),
            "channel": asked.get("template_type"),
        }
        return [
            message
            for message in newest
            if all(value in (None, getattr(message, name)) for name, value in wanted.items())
        ][:PAGE]

    def _store(self, message: Kept) -> Kept:
        self.kept.append(message)
        return message

    def _check_members(self, channel: str, asked: dict[str, Any]) -> None:
        for name in filter(None, (_ADDRESS.get(channel), "template_id")):
            if name not in asked:
                raise _invalid(f"{name} is a required property")
        if unknown := sorted(asked.keys() - _MEMBERS[channel]):
            raise _invalid(f"Additional properties are not allowed ({', '.join(unknown)} was unexpected)")
        try:
            uuid.UUID(str(asked["template_id"]))
        except ValueError:
            raise _invalid("template_id is not a valid UUID") from None
        if asked["template_id"] != TEMPLATES[channel]:
            raise RefusedError(400, "BadRequestError", "Template not found")
        if not isinstance(asked.get("personalisation", {}), dict):
            raise _invalid("personalisation is not of type object")

    def _address(self, channel: str, asked: dict[str, Any], words: dict[str, Any]) -> tuple[str, list[str]]:
        if channel == "letter":
            lines = [str(words[name]) for name in (f"address_line_{n}" for n in range(1, 8)) if words.get(name)]
            if not _LINES[0] <= len(lines) <= _LINES[1]:
                raise _invalid("Address must be at least 3 lines" if len(lines) < _LINES[0] else "Too many lines")
            if not _POSTCODE.fullmatch(lines[-1]):
                raise _invalid("Last line of address must be a real UK postcode or another country")
            return lines[0], lines
        to = str(asked[_ADDRESS[channel]])
        if channel == "sms" and not re.fullmatch(r"447[0-9]{9}", _dialled(to)):
            raise _invalid("phone_number Not a UK mobile number")
        if channel == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", to):
            raise _invalid("email_address Not a valid email address")
        return to, []


def template_of(channel: str) -> dict[str, Any]:
    return {"id": TEMPLATES[channel], "version": 1, "uri": f"/v2/template/{TEMPLATES[channel]}/1"}


def whole_template(channel: str) -> dict[str, Any]:
    """As `GET /v2/template/{id}` says it."""
    return {
        "id": TEMPLATES[channel],
        "name": channel,
        "type": channel,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "updated_at": None,
        "version": 1,
        "created_by": "somebody@example.org",
        "subject": None if channel == "sms" else "((subject))",
        "body": "((body))",
        "postage": "second" if channel == "letter" else None,
        "letter_contact_block": None,
        "personalisation": {name: {"required": True} for name in _placeholders(channel)},
    }


def _placeholders(channel: str) -> tuple[str, ...]:
    return ("body",) if channel == "sms" else ("subject", "body")


def _invalid(message: str) -> RefusedError:
    return RefusedError(400, "ValidationError", message)


def _dialled(number: str) -> str:
    digits = re.sub(r"[^0-9]", "", number)
    return f"44{digits[1:]}" if digits.startswith("0") else digits


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
