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
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

from fastapi import Request

WITHIN: Final = timedelta(hours=1)
MOST_OF_ONE: Final = 10
"""An hour from one address: a family centre or a ward may share one."""
MOST_OF_ALL: Final = 60
"""An hour. A city of 330,000 has some 12 births a day."""
FASTEST: Final = timedelta(seconds=3)
"""From the first page to Send: no person reads eight pages in that time."""
_HOUSEHOLD: Final = 64
"""Bits of an IPv6 address that a household shares."""


class Mark(StrEnum):
    """Why a request may come from a program."""

    HIDDEN_BOX = "hidden_box"
    TOO_FAST = "too_fast"
    ONE_ADDRESS = "one_address"
    MANY_IN_ALL = "many_in_all"


def address_of(request: Request, header: str) -> str:
    """Where it comes from: the last entry of the header that the nearest proxy writes, or else who is connected."""
    told = request.headers.get(header, "") if header else ""
    connected = request.client.host if request.client else ""
    return told.rpartition(",")[2].strip() or connected


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
        return hmac.digest(self._key, _place(address).encode(), "sha256")


def _is_full(times: deque[datetime], at: datetime) -> bool:
    return len(times) == times.maxlen and times[0] > at - WITHIN


def _place(address: str) -> str:
    """A household has one IPv4 address, or 2^64 of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(found if isinstance(found, IPv4Address) else ip_network((found, _HOUSEHOLD), strict=False))
