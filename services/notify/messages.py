"""What a message is: to whom, about what, in which state; and the id that makes it the same message for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from shared.events import DeclineReason, Kind, MessageKind, Model, Route
from shared.outbox import Cause

CHANNEL: Final = "email"
NAMESPACE: Final = UUID("6f0d3b1e-52c1-5e0b-9c44-7d1f0a9be2c7")
"""Of every message id, for good: another one would send everything again."""


class State(StrEnum):
    """`failed` is tried again; `held` waits behind a contact hold; `undeliverable` is a person's work now."""

    DUE = "due"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNDELIVERABLE = "undeliverable"
    HELD = "held"


class Audience(StrEnum):
    AGENCY = "agency"
    HOUSEHOLD = "household"
    ON_CALL = "on-call"


class Next(StrEnum):
    """What a decision means for the agency; a proposed decline is a person's look like any other."""

    ROUTED = "routed"
    PERSON = "person"


class Outcome(StrEnum):
    """What came of the work."""

    DECIDED = "decided"
    ACCEPTED = "accepted"
    DECLINED = "declined"


class Content(Model):
    """All that the words of a message are made from: codes and dates."""

    enquiry: Kind = Kind.FAMILY
    version: int = 1
    by: date | None = None
    must_ring: bool = False
    is_loss: bool = False
    next: Next = Next.PERSON
    outcome: Outcome = Outcome.DECIDED
    routes: tuple[Route, ...] = ()
    is_duplicate: bool = False
    is_waiting_list: bool = False
    reason: DeclineReason | None = None
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be. `occasion` tells messages of one kind about one referral apart: a version, a decision, a step."""

    referral_id: UUID
    reference: str
    agency_id: UUID
    kind: MessageKind
    occasion: str
    state: State
    content: Content
    at: datetime
    cause: Cause
    audience: Audience = Audience.AGENCY
    version: int | None = None

    @property
    def id(self) -> UUID:
        """The same for the same message, however often its event is read."""
        return message_id(
            self.referral_id, kind=self.kind, occasion=self.occasion, agency_id=self.agency_id, audience=self.audience
        )


def message_id(referral_id: UUID, *, kind: MessageKind, occasion: str, agency_id: UUID, audience: Audience) -> UUID:
    """uuid5 of what makes a message this one: referral, kind, occasion, recipient, channel."""
    return uuid5(NAMESPACE, "/".join((str(referral_id), kind, occasion, audience, str(agency_id), CHANNEL)))


def message_id_header(id_: UUID, domain: str) -> str:
    """RFC 5322's Message-ID, stored with the message so that a new domain changes no message that is on its way."""
    return f"<{id_}@{domain}>"
