"""Whether reports may be made: everything that was said has been counted. If not, why, in words.

What a rebuild still lacks may wait in the outbox of another service, which is not ours to read. So a person says that
it is whole (`ready`); the rest is looked at each time. Why so: ADR 16.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.metrics.settings import Settings
from services.metrics.unread import unread as messages_unread
from shared.database import sql
from shared.events import TOPICS

Unread = Callable[[], Awaitable[int | None]]
"""Messages that this service has not read yet, on all partitions; None when Kafka does not say."""


def unread_by(settings: Settings) -> Unread:
    """How the brokers are asked."""
    return partial(messages_unread, settings.brokers, service="metrics", topics=TOPICS)


class NotReadyError(Exception):
    """Reports can't be made now; its text is a reason in words."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """`is_whole`: no rebuild is under way. `parked`: records set aside. `unread`: as Kafka says it; None: unknown."""

    is_whole: bool
    parked: int
    unread: int | None

    @property
    def reason(self) -> str:
        """Why reports wait, as the rest of a sentence; empty when they need not."""
        found = [] if self.is_whole else [REBUILDING]
        if self.parked:
            found.append(f"{_messages(self.parked)} parked")
        if self.unread is None:
            found.append("Kafka does not say whether all messages are counted")
        elif self.unread:
            found.append(f"{_messages(self.unread)} not counted yet")
        return ", ".join(found)


REBUILDING = "what is counted is being built again"


def _messages(count: int) -> str:
    return "1 message is" if count == 1 else f"{count:,} messages are"


async def readiness(engine: AsyncEngine, unread: Unread) -> Readiness:
    """As it is now. What Kafka holds is asked first: what was parked of it is in the table by then."""
    behind = await unread()
    async with engine.connect() as tx:
        is_whole = bool(await tx.scalar(sql("SELECT EXISTS (SELECT 1 FROM counting)")))
        parked = int(await tx.scalar(sql("SELECT count(*) FROM parked WHERE resolved_at IS NULL")) or 0)
    return Readiness(is_whole, parked, behind)


async def lock_ready(tx: AsyncConnection) -> None:
    """No rebuild begins while this transaction reads. Raises NotReadyError when one is under way.

    TRUNCATE empties a table even for a transaction that began before it: a snapshot alone would not do.
    """
    if await tx.scalar(sql("SELECT is_ready FROM counting FOR SHARE")) is None:
        raise NotReadyError(REBUILDING)


async def set_ready(tx: AsyncConnection, at: datetime) -> None:
    """Everything is counted: reports may be made from now on."""
    await tx.execute(sql("INSERT INTO counting VALUES (true, :at) ON CONFLICT DO NOTHING"), {"at": at})


async def say_ready(engine: AsyncEngine, unread: Unread, at: datetime) -> str:
    """As `set_ready`, unless it can be seen that something is missing: then the reason."""
    found = replace(await readiness(engine, unread), is_whole=True)
    if not found.reason:
        async with engine.begin() as tx:
            await set_ready(tx, at)
    return found.reason


async def set_unready(tx: AsyncConnection) -> None:
    """A rebuild begins. Waits for whoever makes a report of the rows now."""
    await tx.execute(sql("DELETE FROM counting"))
