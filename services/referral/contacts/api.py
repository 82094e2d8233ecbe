"""For the notify service: where a message to a family goes, asked at the moment of sending; and replies to texts.

GET  /internal/contacts/{referral_id}?message=    where it goes; 409 with a code when it may not go (now)
POST /internal/contacts/replied                   somebody answered a text: a stop, or word for a person to ring

Each answer has an audit row that was committed before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.referral import tables
from services.referral.contacts import stops
from services.referral.contacts.addressee import Addressee, addressee_of, stopped
from services.referral.contacts.may_message import Refusal, may_message
from services.referral.contacts.stops import Addresses
from services.referral.document.model import ReferralDocument
from services.referral.identity import Identities, Sealed
from shared import audit
from shared.access import internal_router
from shared.audit import Actor, Entry
from shared.contact_holds import contact_holds
from shared.database import sql
from shared.events import AFTER_A_LOSS, Facts, Hold
from shared.policy import Policy
from shared.problems import Problem
from shared.web import answer

NOTIFY: Final = Actor("system", "notify")
GIVEN: Final = "contact.given"
REFUSED: Final = "contact.refused"


class Reply(BaseModel):
    """Who answered a text, and whether that was a word for "no more"; the text itself is never sent here."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    number: Annotated[StrictStr, Field(min_length=3, max_length=40)]
    is_stop: StrictBool


@dataclass(frozen=True, slots=True)
class NotGiven:
    """`words`: which ones a person is to read, as a keyed digest; empty where that is not why."""

    why: Refusal
    words: str = ""


@dataclass(frozen=True, slots=True)
class Contacts:
    """What it takes to say where a message goes. `stop_at` is where a token of an address is a page of ours."""

    engine: AsyncEngine
    identities: Identities
    addresses: Addresses
    policy: Policy
    stop_at: str
    now: Callable[[], datetime]

    async def of(self, referral_id: UUID, message_id: UUID, *, released: str | None) -> dict[str, Any] | NotGiven:
        """`released`: the words that a person has read, who let this message go.

        Raises Problem 404 for a referral that there never was.
        """
        now = self.now()
        async with self.engine.begin() as tx:
            found = await self._look(tx, referral_id, released=released)
            if isinstance(found, NotGiven):
                await audit.write(tx, [Entry(NOTIFY, REFUSED, now, referral_id, found.why.value)])
                return found
            channel = found.wish.channel.value
            told: dict[str, Any] = {
                "channel": channel,
                "to": found.to,
                "language": found.language,
                "address_lines": list(found.lines),
                "stop_url": None,
                "words": await self._digest(tx, referral_id, found.words),
            }
            if found.to:
                digest = await self.addresses.digest(tx, found.to)
                await stops.note_given(tx, message_id, referral_id, digest, at=now)
                told["stop_url"] = f"{self.stop_at}/{await self.addresses.token(tx, digest)}"
            await audit.write(tx, [Entry(NOTIFY, GIVEN, now, referral_id, channel)])
        return told

    async def _look(self, tx: AsyncConnection, referral_id: UUID, *, released: str | None) -> Addressee | NotGiven:
        """As things stand in this transaction: a change of the referral waits for it, or is seen by it."""
        rows = await tx.execute(
            sa.select(tables.referral).where(tables.referral.c.id == referral_id).with_for_update(read=True)
        )
        if (row := rows.one_or_none()) is None:
            raise Problem("not-found")
        if row.wrapped_key is None:
            return NotGiven(Refusal.ERASED)
        if await tx.scalar(_RESTRICTED, {"id": referral_id}):
            return NotGiven(Refusal.RESTRICTED)
        if row.withdrawn_at is not None:
            return NotGiven(Refusal.ENDED)
        sent = self.identities.unseal(referral_id, Sealed(row.wrapped_key, row.identity))["document"]
        addressee = addressee_of(ReferralDocument.model_validate(sent))
        if addressee.to and await stops.is_stopped(tx, await self.addresses.digest(tx, addressee.to)):
            addressee = stopped(addressee)
        facts = Facts.model_validate(row.facts)
        holds = _holds(row, facts, self.policy, now=self.now())
        if await tx.scalar(_CLOSED_BY_A_LOSS, {"id": referral_id}):
            holds |= {Hold.C1}
        words = await self._digest(tx, referral_id, addressee.words)
        refusal = may_message(
            facts,
            holds,
            addressee.wish,
            is_on=self.policy.family_messages.on,
            is_released=released == words,
        )
        if refusal is None:
            return addressee
        return NotGiven(refusal, words if refusal is Refusal.UNCLEAR else "")

    async def _digest(self, tx: AsyncConnection, referral_id: UUID, words: str) -> str:
        return (await self.addresses.digest_of_words(tx, referral_id, words)).hex()


_RESTRICTED: Final = sql("SELECT true FROM hold WHERE referral_id = :id AND restricts AND ended_at IS NULL LIMIT 1")
_CLOSED_BY_A_LOSS: Final = sql("SELECT true FROM route_state WHERE referral_id = :id AND is_loss LIMIT 1")


def _holds(row: sa.Row[Any], facts: Facts, policy: Policy, *, now: datetime) -> frozenset[Hold]:
    """Those of the decision that we heard of, and those that the facts of now bring about, by the day of
    receipt and by today: a due date may pass while a family waits.

    A person who decides on work after a loss keeps the holds of the rules, which may know of none: the route says it.
    """
    decision = row.decision or {}
    decided = {Hold(each) for each in decision.get("holds", ())}
    if AFTER_A_LOSS.intersection(decision.get("routes", ())):
        decided.add(Hold.C1)
    reckoned = (contact_holds(facts, at=at, policy=policy) for at in (row.received_at, now))
    return frozenset().union(decided, *reckoned)


def router(contacts: Contacts, token: str) -> APIRouter:
    """With the token of the notify service."""
    routes = internal_router(token, below="/contacts")

    @routes.get("/{referral_id}", summary="Where a message to a family goes; 409 with a code if it may not (audited)")
    async def contact(referral_id: UUID, message: UUID, *, released: str | None = None) -> Response:
        found = await contacts.of(referral_id, message, released=released)
        if isinstance(found, NotGiven):
            extra = {"code": found.why.value} | ({"words": found.words} if found.words else {})
            raise Problem("conflict", "This message may not go now", extra=extra)
        return answer(found)

    @routes.post("/replied", summary="Somebody answered a text message: a stop, or word for a person to ring")
    async def replied(reply: Reply) -> Response:
        async with contacts.engine.begin() as tx:
            digest = await contacts.addresses.digest(tx, reply.number)
            if reply.is_stop:
                await stops.stop(tx, digest, at=contacts.now())
                is_known = True
            else:
                is_known = await stops.note_reply(tx, digest, at=contacts.now())
        return answer({"is_known": is_known})

    return routes
