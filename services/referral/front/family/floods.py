"""More requests for help than families send: counted, slowed, marked for the person who reads them; never refused.

Counts live in the memory of one process, under digests that are keyed anew at each start: nothing says who wrote.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.referral.front.client_address import household_of

WITHIN: Final = timedelta(hours=1)
MOST_OF_ONE: Final = 10
"""An hour from one address: a family centre or a ward may share one."""
MOST_OF_ALL: Final = 60
"""An hour. A city of 330,000 has some 12 births a day."""
FASTEST: Final = timedelta(seconds=3)
"""From the first page to Send: no person reads eight pages in that time."""
STEP: Final = 0.5
"""Seconds that each one beyond the most waits longer than the one before it."""
SLOWEST: Final = 5.0
"""Seconds: a parent who shares an address with many still waits no longer than on a bad network."""
MOST_WAITING: Final = 50
"""Answers that wait at once, each a task and a connection; beyond that they are not slowed."""
_COUNTED_BEYOND: Final = int(SLOWEST / STEP)


class Mark(StrEnum):
    """Why a request may come from a program."""

    HIDDEN_BOX = "hidden_box"
    TOO_FAST = "too_fast"
    ONE_ADDRESS = "one_address"
    MANY_IN_ALL = "many_in_all"


@dataclass(frozen=True, slots=True)
class Households:
    """Whose address it is, as a digest under a key that nobody else has, not even the next one made."""

    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def __call__(self, address: str) -> bytes:
        return hmac.digest(self._key, household_of(address).encode(), "sha256")


@dataclass(frozen=True, slots=True)
class Counted:
    """The marks of one request, and how many seconds its answer waits."""

    marks: list[Mark]
    seconds: float


@dataclass(slots=True)
class Counts:
    """Requests of the last hour. At most 60 addresses are remembered: while there are more, all are marked anyway."""

    _households: Households = field(default_factory=Households)
    _all: deque[datetime] = field(default_factory=lambda: deque(maxlen=MOST_OF_ALL + _COUNTED_BEYOND))
    _by_address: dict[bytes, deque[datetime]] = field(default_factory=dict)

    def count(self, address: str, *, at: datetime) -> Counted:
        """Count one more."""
        household, in_all = self._households(address), _recent(self._all, at)
        if in_all < MOST_OF_ALL:
            self._by_address = {key: times for key, times in self._by_address.items() if times[-1] > at - WITHIN}
        own = self._by_address.get(household, deque(maxlen=MOST_OF_ONE + _COUNTED_BEYOND))
        beyond = {Mark.MANY_IN_ALL: in_all + 1 - MOST_OF_ALL, Mark.ONE_ADDRESS: _recent(own, at) + 1 - MOST_OF_ONE}
        if own or len(self._by_address) < MOST_OF_ALL:
            self._by_address[household] = own
        own.append(at)
        self._all.append(at)
        seconds = min(SLOWEST, STEP * max(0, *beyond.values()))
        return Counted([mark for mark, many in beyond.items() if many > 0], seconds)


@dataclass(slots=True)
class SlowedAnswers:
    """Answers that wait now."""

    _now: int = 0

    async def wait(self, seconds: float) -> None:
        """Wait, unless too many do; whatever had to be stored is stored before."""
        if not seconds or self._now >= MOST_WAITING:
            return
        self._now += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._now -= 1


def _recent(times: deque[datetime], at: datetime) -> int:
    return sum(each > at - WITHIN for each in times)
