"""What GOV.UK Notify calls: receipts, letters that came back, and answers to texts. With a token of ours, else 403.

POST /callbacks/govuk-notify                    a receipt; 200 for a reference that is not ours, too
POST /callbacks/govuk-notify/returned-letter    weeks after it was printed
POST /callbacks/govuk-notify/received           somebody has answered a text

Of what comes, the members named here are read and no others: `to`, numbers and texts are never stored or logged.
"""

from __future__ import annotations

import hmac
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notify import measures
from services.notify.announcing import announcement
from services.notify.content import Content, State
from services.notify.family_messages import rows
from services.notify.family_messages.contacts import ContactsClient
from services.notify.family_messages.receipts import Change, change_by
from services.notify.family_messages.sending import read_reference
from services.notify.family_messages.words import FamilyWords
from services.notify.senders.govuk_notify import STATUSES, Known
from services.notify.sending_rules import Retries
from shared import audit
from shared.audit import Actor, Entry
from shared.events import MessageDelivered, MessageUndeliverable
from shared.messaging import outbox
from shared.problems import Problem
from shared.strict_json import Unreadable, parse_json
from shared.web import answer, bearer_token, read_json_body

log = structlog.get_logger(__name__)

AT: Final = "/callbacks/govuk-notify"
NOTIFY: Final = Actor("system", "govuk-notify")
_ANNOUNCED: Final = {State.DELIVERED: MessageDelivered, State.UNDELIVERABLE: MessageUndeliverable}


@dataclass(frozen=True, slots=True)
class Callbacks:
    engine: AsyncEngine
    contacts: ContactsClient
    words: FamilyWords
    retries: Retries
    token: str
    now: Callable[[], datetime]
    wake_relay: Callable[[], None]

    def check(self, request: Request) -> None:
        """Raises Problem 403: what is forged changes nothing, and Notify does not repeat its own."""
        try:
            shown = bearer_token(request)
        except Problem:
            shown = ""
        if not hmac.compare_digest(shown.encode(), self.token.encode()):
            raise Problem("forbidden")

    async def reported(self, reference: object, known: Known, *, is_returned: bool = False) -> None:
        named = read_reference(reference)
        if named is None:
            return
        message_id, nth = named
        async with self.engine.begin() as tx:
            row = await rows.locked(tx, message_id)
            if row is None:
                return
            change = change_by(known, nth=nth, state=State(row.state), accepted=row.accepted, is_returned=is_returned)
            if change is None:
                return
            await self._keep(tx, row, change, nth)
        self.wake_relay()
        measures.MESSAGES.labels(row.kind, change.state.value).inc()

    async def _keep(self, tx: AsyncConnection, row: sa.Row[Any], change: Change, nth: int) -> None:
        now = self.now()
        is_again = change.state is State.FAILED
        pause = self.retries.pause(nth, chance=random.random()) if is_again else None  # noqa: S311  jitter
        await rows.report(
            tx, row.id, change.state.value, accepted=nth, due_at=now + pause if pause else None, error=change.error,
            at=now,
        )  # fmt: skip
        if kind := _ANNOUNCED.get(change.state):
            about = Content.model_validate(row.content).about
            await outbox.append(tx, [announcement(kind, row._asdict(), about=about, at=now)])
            await audit.write(tx, [Entry(NOTIFY, f"message.{change.state}", now, row.referral_id, row.kind)])

    async def received(self, number: str, text: str) -> None:
        """Raises Problem 503 while the referral service is away: Notify comes again."""
        is_known = await self.contacts.replied(number, is_stop=self.words.is_stop(text))
        if is_known is None:
            raise Problem("unavailable", headers={"Retry-After": "60"})
        if not is_known:
            log.warning("a text came from a number that we have not written to")


def router(callbacks: Callbacks) -> APIRouter:
    routes = APIRouter(tags=["callbacks"], prefix=AT)

    @routes.post("", summary="A receipt of GOV.UK Notify's")
    async def receipt(request: Request) -> Response:
        callbacks.check(request)
        said = await _members(request)
        known = STATUSES.get(str(said.get("status")), Known.ON_ITS_WAY)
        await callbacks.reported(said.get("reference"), known)
        return answer({})

    @routes.post("/returned-letter", summary="A letter that came back")
    async def returned(request: Request) -> Response:
        callbacks.check(request)
        said = await _members(request)
        await callbacks.reported(said.get("reference"), Known.GIVEN_UP, is_returned=True)
        return answer({})

    @routes.post("/received", summary="Somebody has answered a text message")
    async def received(request: Request) -> Response:
        callbacks.check(request)
        said = await _members(request)
        number, text = said.get("source_number"), said.get("message")
        if not isinstance(number, str) or not isinstance(text, str) or not 3 <= len(number) <= 40:  # noqa: PLR2004  short codes to international numbers
            raise Problem("unreadable")
        await callbacks.received(number, text)
        return answer({})

    return routes


async def _members(request: Request) -> dict[str, Any]:
    """Raises Problem 400, never with what was sent."""
    try:
        said = parse_json(await read_json_body(request))
    except Unreadable:
        raise Problem("unreadable") from None
    if not isinstance(said, dict):
        raise Problem("unreadable")
    return said
