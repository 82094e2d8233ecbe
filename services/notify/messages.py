"""A message to be, and the id that makes it the same message for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from services.notify.content import Content, State
from shared.events import Audience, Channel, MessageKind
from shared.messaging.outbox import PARTS, Cause, part_of

CHANNEL: Final = "email"
FAMILIES_FIRST: Final = 4 * PARTS
TEXTS_OUT_FIRST: Final = 5 * PARTS
"""Where the parts of other loops than those of mail begin."""
NAMESPACE: Final = UUID("6f0d3b1e-52c1-5e0b-9c44-7d1f0a9be2c7")
"""Of every message id, for good: another one would send everything again."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be. `occasion` tells those of one kind and referral apart: a version, a decision, a step.

    What `is_urgent` is never held back: not for the mail of the day, nor while the record may not be used. A question
    that somebody asks is: they have read what they may do, and work waits for the answer.
    """

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
    is_urgent: bool = False
    channel: Channel = Channel.EMAIL

    @property
    def part(self) -> int:
        """Which lease it is sent under: 0..PARTS-1; what calls a person out has PARTS of its own, above them.

        So have messages to families, and texts that call a person out.
        """
        first = {Audience.AGENCY: 0, Audience.ON_CALL: PARTS, Audience.HOUSEHOLD: FAMILIES_FIRST}[self.audience]
        is_text_out = self.audience is Audience.ON_CALL and self.channel is Channel.SMS
        return part_of(self.referral_id) + (TEXTS_OUT_FIRST if is_text_out else first)

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
