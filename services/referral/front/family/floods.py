"""More requests for help than families send: counted, and marked for the person who reads them, but never refused.

Counts live in the memory of one process, under digests that are keyed anew at each start: nothing says who wrote.
"""

from __future__ import annotations

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


class Mark(StrEnum):
    """Why a request may come from a program."""

    HIDDEN_BOX = "hidden_box"
    TOO_FAST = "too_fast"
    ONE_ADDRESS = "one_address"
    MANY_IN_ALL = "many_in_all"


@dataclass(slots=True)
class Counts:
    """Requests of the last hour. At most 60 addresses are remembered: while there are more, all are marked anyway."""

    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _all: deque[datetime] = field(default_factory=lambda: deque(maxlen=MOST_OF_ALL))
    _by_address: dict[bytes, deque[datetime]] = field(default_factory=dict)

    def count(self, address: str, *, at: datetime) -> list[Mark]:
        """Count one more; the marks that it gets."""
        marks = []
        if _is_full(self._all, at):
            marks.append(Mark.MANY_IN_ALL)
        else:
            self._by_address = {key: times for key, times in self._by_address.items() if times[-1] > at - WITHIN}
        own = self._by_address.get(self._digest(address), deque(maxlen=MOST_OF_ONE))
        if _is_full(own, at):
            marks.append(Mark.ONE_ADDRESS)
        if own or len(self._by_address) < MOST_OF_ALL:
            self._by_address[self._digest(address)] = own
        own.append(at)
        self._all.append(at)
        return marks

    def _digest(self, address: str) -> bytes:
        return hmac.digest(self._key, household_of(address).encode(), "sha256")


def _is_full(times: deque[datetime], at: datetime) -> bool:
    return len(times) == times.maxlen and times[0] > at - WITHIN
