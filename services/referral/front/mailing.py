"""Mails with codes, sent by a loop of their own: the answer takes the same time whether an address is known."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.front import codes, members
from services.referral.front.clients import NotifyClient
from services.referral.identity import Identities

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 1_000
"""For a slow mail server; what comes after them is dropped, and people ask again."""
NOT_SENT: Final = "a code to sign in was not sent"


@dataclass(frozen=True, slots=True)
class Mailing:
    """`run` is a loop of the HTTP side."""

    engine: AsyncEngine
    identities: Identities
    notify: NotifyClient
    _waiting: asyncio.Queue[tuple[str, str]] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))

    def send(self, email: str, code: str) -> None:
        """To whoever has the address; nobody may."""
        try:
            self._waiting.put_nowait((email, code))
        except asyncio.QueueFull:
            log.error(NOT_SENT, cause="too many wait")  # noqa: TRY400  the trace says nothing more

    async def run(self) -> None:
        """One after the other; never returns by itself. The log says of which member, never an address."""
        minutes = int(codes.LASTS.total_seconds() / 60)
        while True:
            email, code = await self._waiting.get()
            try:
                async with self.engine.connect() as tx:
                    member = await members.by_email(tx, self.identities, email)
            except Exception as error:  # noqa: BLE001  whatever PostgreSQL says: they ask again
                log.error(NOT_SENT, cause=type(error).__name__)  # noqa: TRY400  its words may hold an address
                continue
            if member and not await self.notify.send_code(member.email, code, minutes):
                log.error(NOT_SENT, member=str(member.id))
