"""For the referral service: a code to sign in with, mailed at once to whoever asked for it. Nothing of it is kept.

Unlike a message it has no row, no second try and no queue: who asked waits for it, and asks again when none comes.
Address and code stand in the mail alone: in no table, log line or metric, and the Message-ID tells neither.
"""

from __future__ import annotations

import asyncio
import hmac
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StrictStr

from services.notify import mail
from services.notify.content import State
from services.notify.measures import SIGN_IN_CODES
from services.notify.messages import message_id_header
from services.notify.senders import DeliveryResult, Sender
from services.notify.settings import Settings
from services.notify.templates import sign_in_code
from shared.access import internal_router
from shared.problems import Problem
from shared.web import NO_STORE, read_json_body, read_model

log = structlog.get_logger(__name__)

KIND: Final = "sign-in-code"
"""In the header X-PIR-Kind; it is no kind of message, because it is about no referral."""
SECONDS: Final = 5.0
"""Until the mail server has taken it: a person looks at the page meanwhile."""
AT_ONCE: Final = 4
"""Connections to the mail server: many who ask at one time must not keep it from what calls a person out."""
LONGEST_MINUTES: Final = 60


def _address(text: str) -> str:
    if not mail.is_address(text):
        raise ValueError("this is no plain e-mail address in ASCII")
    return text


class SignInCode(BaseModel):
    """Whom to send which code, and for how many minutes it opens the page that asked."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: Annotated[StrictStr, AfterValidator(_address)]
    code: Annotated[StrictStr, Field(pattern=r"^[A-Z0-9]{4}-[A-Z0-9]{4}$")]
    minutes: Annotated[StrictInt, Field(ge=1, le=LONGEST_MINUTES)]


class CodeMailer:
    """Writes and hands over one mail at a time to each of AT_ONCE connections of `sender`."""

    def __init__(self, sender: Sender, settings: Settings) -> None:
        self._sender = sender
        self._settings = settings
        self._connections = asyncio.Semaphore(AT_ONCE)

    async def send(self, asked: SignInCode, *, at: datetime) -> DeliveryResult:
        """What came of it within SECONDS; whatever the mail server said before that counts."""
        written, outcome = self._write(asked, at), DeliveryResult("timeout")
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS), self._connections:
                async for [told] in self._sender.send([written]):
                    outcome = told
        return outcome

    def _write(self, asked: SignInCode, at: datetime) -> mail.Mail:
        settings, id_ = self._settings, self._id_of(asked)
        subject, body = sign_in_code(asked.code, asked.minutes)
        whole = mail.write(
            sender=settings.sender,
            recipient=asked.email,
            message_id=message_id_header(id_, settings.mail_domain),
            at=at,
            reference=None,
            kind=KIND,
            subject=subject,
            body=body,
        )
        return mail.Mail(id_, settings.envelope_from, asked.email, whole)

    def _id_of(self, asked: SignInCode) -> UUID:
        """The same for the same code at every try. Keyed: mail servers log ids, and codes are few enough to guess."""
        about = f"{KIND}/{asked.email}/{asked.code}".encode()
        token = self._settings.from_referral.get_secret_value()
        return UUID(bytes=hmac.digest(token.encode(), about, "sha256")[:16])


def router(mailer: CodeMailer, internal_token: str) -> APIRouter:
    """One call, with the token of the service that makes it."""
    routes = internal_router(internal_token)

    @routes.post(
        "/sign-in-codes",
        summary="Mail somebody the code that they asked for",
        openapi_extra={"requestBody": {"content": {"application/json": {"schema": SignInCode.model_json_schema()}}}},
    )
    async def send(request: Request) -> Response:
        asked = read_model(SignInCode, await read_json_body(request))
        outcome = await mailer.send(asked, at=datetime.now(UTC))
        SIGN_IN_CODES.labels((State.FAILED if outcome.error else State.SENT).value).inc()
        if outcome.error:
            log.warning("sign-in code not sent", error=outcome.error)
            raise Problem("unavailable", "The mail can't be handed over now")
        return Response(status_code=204, headers=NO_STORE)

    return routes
