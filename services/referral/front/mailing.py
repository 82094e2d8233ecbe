"""Mails with codes, sent by a loop of their own: no time tells whether an address is known.

The loop begins a while after the answer, and not always the same while: a mail costs this process 3 ms, and the page
after the answer would show them (measured with tests/bench/front.py).
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.front import codes, members
from services.referral.front.clients import NotifyClient
from services.referral.identity import Identities
from shared.errors import failure_name

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 1_000
"""For a slow mail server; what comes after them is dropped, and people ask again."""
APART_SECONDS: Final = (0.5, 1.5)
"""Between the answer and its mail, drawn anew each time: nobody who asks five times an hour finds 3 ms in it."""
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
        """All that wait, one after the other, and again; never returns by itself."""
        while True:
            waiting = [await self._waiting.get()]
            await asyncio.sleep(random.uniform(*APART_SECONDS))  # noqa: S311  no secret
            while not self._waiting.empty():
                waiting.append(self._waiting.get_nowait())
            for email, code in waiting:
                await self._mail(email, code)

    async def _mail(self, email: str, code: str) -> None:
        """The log says of which member, never an address."""
        try:
            async with self.engine.connect() as tx:
                member = await members.by_email(tx, self.identities, email)
        except Exception as error:  # noqa: BLE001  whatever PostgreSQL says: they ask again
            log.error(NOT_SENT, cause=failure_name(error))  # noqa: TRY400  its words may hold an address
            return
        if member and not await self.notify.send_code(member.email, code, int(codes.LASTS.total_seconds() / 60)):
            log.error(NOT_SENT, member=str(member.id))
