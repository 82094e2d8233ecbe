"""Pure decisions: who may be written to, how much a day, how long to wait, until when to try."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from shared.events import Audience, Hold, MessageKind
from shared.working_time import LONDON, day_in_london

FOR_HOUSEHOLDS: Final = frozenset({MessageKind.RECEIPT, MessageKind.OUTCOME})
"""What a family may hear from us by itself; everything else is written for professionals."""


def may_send(kind: MessageKind, audience: Audience, holds: Collection[Hold]) -> bool:
    """Whether a message may go by itself: any contact hold stops what would reach the household.

    The on-call contact hears escalations only, and nobody else hears those.
    """
    if audience is Audience.HOUSEHOLD:
        return kind in FOR_HOUSEHOLDS and not holds
    return (kind is MessageKind.ON_CALL) is (audience is Audience.ON_CALL)


RING_RULES: Final = frozenset({"S1", "S2", "S5", "S6"})
"""The rules of triage that say so (`Facts.tells_of_danger`): a decision has no ticks."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How many mails of one kind go to an agency's inbox one by one in a day of London's; None: all of them.

    `own`: of those that the agency's own calls bring about; `others`: of word about what other agencies sent. Once a
    day, at `collected_at`, what came on top goes in one mail. What staff decide or ask is never capped.
    """

    own: int | None = None
    others: int | None = None
    collected_at: time = time(7)

    def most(self, kind: MessageKind, *, is_urgent: bool) -> int | None:
        """Never a cap for what is urgent, nor for calls to the person on call: those are no kind of an agency's."""
        if is_urgent:
            return None
        if kind is MessageKind.DUPLICATE:
            return self.others
        return self.own if kind in (MessageKind.RECEIPT, MessageKind.DECISION, MessageKind.WITHDRAWAL) else None

    def goes_at(self, now: datetime) -> datetime:
        """When the mail goes that collects what comes now: on the next day, so that one day is one mail."""
        return datetime.combine(day_in_london(now) + timedelta(days=1), self.collected_at, LONDON)


def begin_of_day(now: datetime) -> datetime:
    """Midnight in London before an aware moment."""
    return datetime.combine(day_in_london(now), time(), LONDON)


@dataclass(frozen=True, slots=True)
class Retries:
    """Full jitter: a pause of anything up to `first`, doubled at each failure up to `longest`, until `give_up`.

    The numbers are in settings.py; which refusal of a mail server is final at once, in senders/smtp.py.
    """

    first: timedelta
    longest: timedelta
    give_up: timedelta

    def pause(self, attempts: int, *, chance: float) -> timedelta:
        """The pause after the `attempts`-th failure (from 1); `chance` is in [0, 1)."""
        doublings = min(attempts - 1, 32)  # far past `longest`, and still a number that timedelta takes
        return chance * min(self.first * 2.0**doublings, self.longest)

    def is_over(self, *, since: datetime, now: datetime) -> bool:
        """Whether it is time to give the message to a person; `since` is the first try."""
        return now - since >= self.give_up
