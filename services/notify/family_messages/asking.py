"""Receipts that never came: what GOV.UK Notify took on and has said nothing of is asked for, once an hour.

Its callbacks are lost when we are away for longer than it repeats them, or show a wrong token; of letters it sends none
but for those that came back. Two copies that ask the same do no harm: a report that says nothing new changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify.family_messages import rows
from services.notify.family_messages.callbacks import Callbacks
from services.notify.family_messages.sending import reference_of
from services.notify.senders.govuk_notify import GovukNotify, Known
from shared.errors import failure_kind, failure_name

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(hours=1)
"""Between two rounds, and how long a receipt may take before it is asked for."""
FOR: Final = timedelta(days=7)
"""For so long Notify knows a message, unless its account says otherwise."""
REST_SECONDS: Final = 0.05
"""Between two questions: far below Notify's limit of 3,000 a minute."""


@dataclass(frozen=True, slots=True)
class Asking:
    engine: AsyncEngine
    notify: GovukNotify
    callbacks: Callbacks
    now: Callable[[], datetime]

    async def run(self) -> None:
        """Never returns by itself; cancel it to stop. Whatever passes is tried again with the next round."""
        while True:
            try:
                await self.once()
            except Exception as error:
                if failure_kind(error) == "other":
                    raise
                log.warning("receipts not asked for", cause=failure_name(error))
            await asyncio.sleep(EVERY.total_seconds())

    async def once(self) -> None:
        """One round, which ends when Notify does not answer."""
        now = self.now()
        async with self.engine.connect() as tx:
            sent = await rows.without_a_receipt(tx, since=now - FOR, until=now - EVERY)
        for row in sent:
            reference = reference_of(row.id, row.accepted)
            try:
                known = await self.notify.known(reference)
            except httpx.HTTPError as error:
                log.warning("receipts not asked for", cause=failure_name(error))
                return
            if known not in (None, Known.ON_ITS_WAY):
                await self.callbacks.reported(reference, known)
            await asyncio.sleep(REST_SECONDS)
