"""Channels: one file each. A sender takes mails and says of each what came of it; it never raises for a mail."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """No error: handed over. Else a code (never a server's words, which may hold an address); `is_final` = give up.

    `is_held`: it may not go; `again_in`: it was no try, and is due again then. `accepted`: how often GOV.UK Notify has
    taken it on with this one.
    """

    error: str | None = None
    is_final: bool = False
    is_held: bool = False
    again_in: timedelta | None = None
    accepted: int | None = None


HANDED_OVER = DeliveryResult()


class Sender(Protocol):
    """`batch` is how many mails it takes at a time."""

    batch: int

    def send(self, mails: Sequence[Any]) -> AsyncGenerator[list[DeliveryResult], None]:
        """Hand over each, in their order; yields what came of the next ones, so that it is written down at once.

        Whoever stops reading after one outcome has sent no more than that.
        """
