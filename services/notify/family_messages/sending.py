"""One message at a time: is it known already, may it go, where to, in which words; then it is handed over.

In this order, so that a message that Notify has taken on is never sent a second time: its reference is asked for before
every send, because a lost answer, and a process that was killed after it, look the same from here. That is one call
more for each message, of which families get a few thousand a year.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import httpx
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify import measures, templates
from services.notify.content import Content
from services.notify.family_messages import rows
from services.notify.family_messages.contacts import Contact, ContactsClient, Refused
from services.notify.family_messages.words import FamilyWords
from services.notify.senders import DeliveryResult
from services.notify.senders.govuk_notify import GovukNotify, Known, Outgoing, Result
from services.notify.writing import UNWRITABLE
from shared.events import Audience, Channel, MessageKind
from shared.working_time import day_in_london

log = structlog.get_logger(__name__)

MOST_ACCEPTED: Final = 3
"""How often Notify may take one message on after a failure that may pass: each time is charged."""
REFUSED_PAUSE: Final = timedelta(minutes=10)
"""After a 403 nothing is sent for so long, then one message tries whether a person has mended it."""
CLOSED: Final = "closed"
"""An earlier message of this family found that way of no use."""
NO_CONTACT: Final = "no-contact"
"""The referral service does not answer now."""
GIVEN_UP: Final = "permanent-failure"
TEMPORARY: Final = "temporary-failure"
_FINAL: Final = {Result.UNUSABLE}


def reference_of(message_id: UUID, nth: int) -> str:
    """Under which Notify knows the nth send of a message: its id, then `<id>/2`, `<id>/3`."""
    return str(message_id) if nth == 1 else f"{message_id}/{nth}"


def read_reference(text: object) -> tuple[UUID, int] | None:
    """What `reference_of` made; None for any other text."""
    whole, _, nth = str(text).partition("/")
    try:
        return UUID(whole), int(nth or 1)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Item:
    """A row that is due, with the codes its words are made from."""

    id: UUID
    referral_id: UUID
    reference: str
    kind: MessageKind
    audience: Audience
    content: Content
    accepted: int
    is_released: bool
    words_digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """In place of a writer of mails: words are made after the address is known. Nothing is collected here."""

    mobiles: int

    def write(self, due: Sequence[Any], outcomes: dict[UUID, DeliveryResult]) -> list[Item]:
        """All that can be read; of texts to the people on call those with a number in the policy of now."""
        found = []
        for row in due:
            try:
                item = Item(
                    row["id"], row["referral_id"], row["reference"], MessageKind(row["kind"]),
                    Audience(row["audience"]), Content.model_validate_json(row["content"]), row["accepted"],
                    row["is_released"], row["words_digest"],
                )  # fmt: skip
            except Exception:  # whatever it is, the other messages have to go
                log.exception("unwritable", message=str(row["id"]), kind=row["kind"])
                outcomes[row["id"]] = DeliveryResult(UNWRITABLE)
                continue
            if item.audience is not Audience.ON_CALL or item.content.mobile < self.mobiles:
                found.append(item)
        return found

    def recipient(self, _: Any) -> str | None:
        return None

    def together(self, *_: Any) -> None:
        return None


@dataclass
class FamilySender:
    """The `Sender` of both loops; each has one of its own, so that a pause of one is none of the other."""

    engine: AsyncEngine
    notify: GovukNotify
    contacts: ContactsClient
    words: FamilyWords
    mobiles: Sequence[str]
    now: Callable[[], datetime]
    batch: int = 20
    _not_before: datetime | None = None
    _why: str = ""

    async def send(self, items: Sequence[Item]) -> AsyncGenerator[list[DeliveryResult], None]:
        for item in items:
            yield [await self._send(item)]

    async def _send(self, item: Item) -> DeliveryResult:
        if self._not_before and (waits := self._not_before - self.now()) > timedelta():
            return DeliveryResult(self._why, again_in=waits)
        nth = item.accepted + 1
        try:
            known = await self.notify.known(reference_of(item.id, nth))
        except httpx.HTTPError as error:
            if item.audience is not Audience.ON_CALL:
                return self._unknown(error)
            known = None  # twice is better than not at all, where somebody is called out
        if known in (Known.ON_ITS_WAY, Known.DELIVERED):
            return DeliveryResult(accepted=nth)
        if known is not None:  # its receipt was lost
            is_over = known is Known.GIVEN_UP or nth >= MOST_ACCEPTED
            return DeliveryResult(GIVEN_UP if known is Known.GIVEN_UP else TEMPORARY, is_final=is_over, accepted=nth)
        contact = await self._contact(item)
        if isinstance(contact, DeliveryResult):
            return contact
        return await self._hand_over(item, contact, reference_of(item.id, nth), nth)

    async def _contact(self, item: Item) -> Contact | DeliveryResult:
        """Where it goes, or why not now; asked at this moment, and the only place where an address is."""
        if item.audience is Audience.ON_CALL:
            return Contact(channel=Channel.SMS, to=self.mobiles[item.content.mobile])
        released = item.words_digest.hex() if item.is_released and item.words_digest else None
        found = await self.contacts.of(item.referral_id, item.id, released=released)
        if isinstance(found, Refused):
            return await self._held(item, found.code, found.words)
        if found is None:
            return DeliveryResult(NO_CONTACT)
        if not item.is_released:
            async with self.engine.connect() as tx:
                is_closed = await rows.is_closed(tx, item.reference, found.channel)
            if is_closed:
                return await self._held(item, CLOSED, found.words)
        return found

    async def _held(self, item: Item, why: str, words: str) -> DeliveryResult:
        """For a person, who reads what stands there now."""
        if words:
            async with self.engine.begin() as tx:
                await rows.keep_words(tx, item.id, bytes.fromhex(words))
        return DeliveryResult(why, is_held=True)

    async def _hand_over(self, item: Item, contact: Contact, reference: str, nth: int) -> DeliveryResult:
        try:
            subject, body = self._written(item, contact)
        except Exception:  # as in Items.write
            log.exception("unwritable", message=str(item.id), kind=item.kind.value)
            return DeliveryResult(UNWRITABLE)
        sent = await self.notify.send(
            Outgoing(reference, contact.channel, contact.to, contact.address_lines, subject, body, contact.stop_url)
        )
        if sent.result is Result.TAKEN:
            measures.NOTIFY_REFUSED.set(0)
            return DeliveryResult(accepted=nth)
        if sent.result is Result.REFUSED:
            return self._refused()
        if sent.again_in:
            return self._wait(sent.result.value, sent.again_in)
        return DeliveryResult(sent.result.value, is_final=sent.result in _FINAL)

    def _written(self, item: Item, contact: Contact) -> tuple[str, str]:
        if item.audience is Audience.ON_CALL:
            return "", templates.on_call_text(item.reference, item.content)
        on = day_in_london(self.now())
        text = self.words.write(item.kind, item.content, contact.channel, language=contact.language, on=on)
        return text.subject, text.body

    def _unknown(self, error: httpx.HTTPError) -> DeliveryResult:
        """Notify does not say whether it has it: nothing is sent before it does."""
        status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return self._refused()
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return self._wait(Result.LATER.value, timedelta(seconds=60))
        return DeliveryResult(Result.NO_ANSWER.value)

    def _refused(self) -> DeliveryResult:
        """Our key or our clock: one alert, and no try of any message is used up by it."""
        log.error("GOV.UK Notify refuses our key or our clock")
        measures.NOTIFY_REFUSED.set(1)
        return self._wait(Result.REFUSED.value, REFUSED_PAUSE)

    def _wait(self, why: str, pause: timedelta) -> DeliveryResult:
        self._not_before, self._why = self.now() + pause, why
        return DeliveryResult(why, again_in=pause)
