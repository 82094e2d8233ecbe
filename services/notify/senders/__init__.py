"""Channels: one file each. A sender takes mails and says of each what came of it; it never raises for a mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.notify.mail import Mail


@dataclass(frozen=True, slots=True)
class Outcome:
    """No error: handed over. Else a code (never a server's words, which may hold an address); `is_final` = give up."""

    error: str | None = None
    is_final: bool = False


HANDED_OVER = Outcome()


class Sender(Protocol):
    """`batch` is how many mails it takes at a time: what it can finish while a service stops."""

    batch: int

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Hand over each; one outcome per mail, in their order."""
