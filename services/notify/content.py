"""What is known of a message besides its referral: its state, its audience, and the codes its words are made from."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

from shared.events import ClosureReason, DeclineReason, Kind, Model, Route


class State(StrEnum):
    """`failed` is tried again; `undeliverable` is a person's work now; `held` is kept back: `last_error` says why, with
    the codes of services/referral/contacts/may_message.py and of `hold_all` in family_messages/rows.py.

    `collected` waits for the one mail of its day: more went to that inbox than goes out one by one.
    """

    DUE = "due"
    COLLECTED = "collected"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNDELIVERABLE = "undeliverable"
    HELD = "held"


UNSENT: Final = (State.DUE, State.COLLECTED, State.FAILED)
"""States with a time to come."""


class Next(StrEnum):
    """What a decision means for the agency; a proposed decline is a person's look like any other."""

    ROUTED = "routed"
    PERSON = "person"


class Outcome(StrEnum):
    """What came of the work."""

    DECIDED = "decided"
    RELEASED = "released"
    ACCEPTED = "accepted"
    WAITING = "waiting"
    DECLINED = "declined"
    CHALLENGED = "challenged"
    REOPENED = "reopened"
    CLOSED = "closed"


class Content(Model):
    """All that the words of a message are made from: codes and dates. The ward says which services to name.

    `is_asked`: the decision has a question to the referrer, which goes in a message of its own.
    Of a call to the person on call: `is_again`, it is the second one; `is_opened`, somebody has opened the work since;
    `mobile`: which of the policy's numbers a text goes to.
    """

    about: Kind = Kind.FAMILY
    version: int = 1
    by: date | None = None
    must_ring: bool = False
    is_loss: bool = False
    next: Next = Next.PERSON
    outcome: Outcome = Outcome.DECIDED
    routes: tuple[Route, ...] = ()
    is_waiting_list: bool = False
    is_asked: bool = False
    reason: DeclineReason | None = None
    closed: ClosureReason | None = None
    is_again: bool = False
    is_opened: bool = False
    mobile: int = 0
    ward: str | None = None
