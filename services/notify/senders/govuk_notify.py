"""GOV.UK Notify: one text, e-mail or letter by its REST API, and what it knows of one that we may have sent.

    201                          taken on
    400 ValidationError          final: the number or address can't be written to
    400 otherwise                our own settings (a template, trial mode): tried again, as a person may mend them
    403                          refused: our key or our clock; nobody's message is at fault
    429                          later, when it says so, else after RATE_PAUSE
    5xx                          tried again
    no answer                    tried again, after asking whether it was taken on

Errors are told apart by status and `error`, never by their words, which hold what was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey

from shared.events import Channel

RATE_PAUSE: Final = timedelta(seconds=60)
LONGEST_PAUSE: Final = timedelta(hours=1)
SECONDS: Final = 15.0
UUID_LENGTH: Final = 36


class Result(StrEnum):
    TAKEN = "taken"
    UNUSABLE = "validation"
    REFUSED = "notify-refused"
    LATER = "notify-later"
    FAILED = "notify-failed"
    NO_ANSWER = "no-answer"


class Known(StrEnum):
    """What has become of a message, as far as it matters to us."""

    ON_ITS_WAY = "on-its-way"
    DELIVERED = "delivered"
    TRY_AGAIN = "try-again"
    GIVEN_UP = "given-up"


STATUSES: Final = {
    "delivered": Known.DELIVERED,
    "sent": Known.DELIVERED,  # abroad: no network there says more
    "received": Known.DELIVERED,  # a letter that was printed
    "temporary-failure": Known.TRY_AGAIN,
    "technical-failure": Known.TRY_AGAIN,
    "permanent-failure": Known.GIVEN_UP,
    "validation-failed": Known.GIVEN_UP,
    "virus-scan-failed": Known.GIVEN_UP,
    "cancelled": Known.GIVEN_UP,
}
"""Any other (created, sending, pending, accepted, pending-virus-check) is on its way."""


@dataclass(frozen=True, slots=True)
class Sent:
    result: Result
    again_in: timedelta | None = None
    """Of LATER."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`to` is empty for a letter, whose address is `lines`; `stop_url` is of an e-mail."""

    reference: str
    channel: Channel
    to: str
    lines: Sequence[str]
    subject: str
    body: str
    stop_url: str | None = None


class GovukNotify:
    """`key` is an API key as Notify shows it: a name, the id of the service and the secret, with hyphens between."""

    def __init__(
        self,
        url: str,
        key: str,
        templates: dict[Channel, str],
        *,
        now: Callable[[], datetime],
        texts_from: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._service, self._secret = key[-73:-37], OctKey.import_key(key[-UUID_LENGTH:])
        self._templates, self._now, self._texts_from = templates, now, texts_from
        self._http = httpx.AsyncClient(base_url=url, timeout=SECONDS, transport=transport)

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, message: Outgoing) -> Sent:
        """Never raises for a message."""
        path = f"/v2/notifications/{message.channel.value}"
        try:
            answer = await self._http.post(path, json=self._body(message), headers=self._headers())
        except httpx.ConnectError:
            return Sent(Result.FAILED)
        except httpx.HTTPError:
            return Sent(Result.NO_ANSWER)
        return _judged(answer)

    async def known(self, reference: str) -> Known | None:
        """What it has under this reference, the best of several; None for nothing. Raises httpx.HTTPError."""
        answer = await self._http.get("/v2/notifications", params={"reference": reference}, headers=self._headers())
        answer.raise_for_status()
        try:
            found = [STATUSES.get(each["status"], Known.ON_ITS_WAY) for each in answer.json()["notifications"]]
        except (ValueError, LookupError, TypeError):  # whoever answers there, it is not Notify
            raise httpx.DecodingError("no answer of Notify's", request=answer.request) from None
        order = (Known.DELIVERED, Known.ON_ITS_WAY, Known.TRY_AGAIN, Known.GIVEN_UP)
        return min(found, key=order.index, default=None)

    def _headers(self) -> dict[str, str]:
        claims = {"iss": self._service, "iat": int(self._now().timestamp())}
        return {"Authorization": f"Bearer {jwt.encode({'typ': 'JWT', 'alg': 'HS256'}, claims, self._secret)}"}

    def _body(self, message: Outgoing) -> dict[str, Any]:
        """A template has ((body)), and where there is a subject ((subject)): the words stay with us."""
        words = {"body": message.body} | ({"subject": message.subject} if message.subject else {})
        body: dict[str, Any] = {
            "template_id": self._templates[message.channel],
            "reference": message.reference,
            "personalisation": words,
        }
        match message.channel:
            case Channel.SMS:
                body["phone_number"] = message.to
                body |= {"sms_sender_id": self._texts_from} if self._texts_from else {}
            case Channel.EMAIL:
                body["email_address"] = message.to
                body |= {"one_click_unsubscribe_url": message.stop_url} if message.stop_url else {}
            case Channel.LETTER:
                lines = {f"address_line_{number}": line for number, line in enumerate(message.lines, 1)}
                body["personalisation"] = words | lines
        return body


def _judged(answer: httpx.Response) -> Sent:
    match answer.status_code:
        case HTTPStatus.CREATED:
            return Sent(Result.TAKEN)
        case HTTPStatus.BAD_REQUEST if _error(answer) == "ValidationError":
            return Sent(Result.UNUSABLE)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return Sent(Result.REFUSED)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Sent(Result.LATER, _pause(answer.headers.get("Retry-After", "")))
        case _:
            return Sent(Result.FAILED)


def _error(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["errors"][0]["error"])
    except (ValueError, LookupError, TypeError):
        return ""


def _pause(text: str) -> timedelta:
    """What `Retry-After` says in seconds, an hour at most."""
    return min(timedelta(seconds=int(text)), LONGEST_PAUSE) if text.isdecimal() and len(text) < 9 else RATE_PAUSE  # noqa: PLR2004  digits, or int() may refuse
