"""The loop of webhooks: asks what changed, stores it, sends what is due. Without an endpoint it only looks for one.

Each copy holds some of the parts (shared/messaging/leases.py), so that one endpoint is in one copy's hands. An
endpoint that is slow holds up no other: each has a task of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify.senders import Sender
from services.notify.settings import Settings
from services.notify.webhooks import deliveries, endpoints, mails
from services.notify.webhooks.endpoints import CHANNEL, DEAD_AFTER, EndpointState, WhyOff
from services.notify.writing import utc_now
from shared.backoff import pauses
from shared.errors import failure_kind, failure_name
from shared.messaging.leases import leased
from shared.messaging.waking import Wake

if TYPE_CHECKING:  # what needs httpx is imported when there is an endpoint
    from services.notify.webhooks.feed import FeedClient
    from services.notify.webhooks.sending import EndpointSender

log = structlog.get_logger(__name__)

IDLE_SECONDS: Final = 5.0
"""Between two looks while no agency has a webhook; one that is set in this process wakes it at once."""
POLL_SECONDS: Final = 1.0
"""Between two questions to the referral service, and how late a second try may be."""
LONGEST_SILENCE: Final = 30.0
"""Between two questions while the referral service does not answer: 1 s, doubling to this."""
MOST_WAITING: Final = 200
"""Deliveries of one endpoint; what comes after them waits in the feed, where later changes of a referral are one."""
MAIL_AGAIN: Final = timedelta(minutes=5)
SWEEP_SECONDS: Final = 3600.0


@dataclass
class WebhookLoop:
    """`run()` never returns by itself; cancel it to stop. `wake` is set when an agency of this process changed its own.

    `feed` and `sender` are made when they are needed: a service that calls nobody pays nothing for them.
    """

    dsn: str
    schema: str
    engine: AsyncEngine
    feed: Callable[[], FeedClient]
    sender: Callable[[], EndpointSender]
    mail: Sender
    settings: Settings
    now: Callable[[], datetime] = utc_now
    _workers: dict[UUID, asyncio.Task[None]] = field(default_factory=dict)
    _parts: dict[UUID, int] = field(default_factory=dict)
    _ask_at: float = 0.0
    _silence: float = 0.5
    _swept_at: float = float("-inf")

    def __post_init__(self) -> None:
        self.wake = Wake(CHANNEL)

    async def run(self) -> None:
        """Start afresh after any trouble: a new connection, new leases."""
        for pause in pauses():
            try:
                await self._wait_for_endpoints()
                await self._work_until_trouble(pause.reset)
            except Exception as error:
                if failure_kind(error) == "other":
                    raise
                log.warning("webhooks paused", cause=failure_name(error), seconds=round(pause.seconds, 1))
            await pause.sleep()

    async def _wait_for_endpoints(self) -> None:
        while True:
            self.wake.clear()
            async with self.engine.connect() as tx:
                if await endpoints.exists(tx):
                    return
            await self.wake.pause(IDLE_SECONDS)

    async def _work_until_trouble(self, going_well: Callable[[], None]) -> None:
        """Returns when no agency has a webhook any more."""
        async with leased(self.dsn, self.schema, "webhook", self.wake) as leases:
            try:
                while True:
                    if leases.are_due:
                        await leases.balance(busy={self._parts[each] for each in self._workers})
                    self.wake.clear()
                    has_more = await self.round(leases.held)
                    going_well()
                    async with self.engine.connect() as tx:
                        if not await endpoints.exists(tx):
                            return
                    if not has_more:
                        await self.wake.wait(leases.connection, leases.held, POLL_SECONDS)
            finally:
                await self._stop_workers()

    async def round(self, parts: Sequence[int]) -> bool:
        """One look at the endpoints of these parts; whether there is more to ask for at once."""
        self._reap()
        async with self.engine.begin() as tx:
            for agency_id in await endpoints.end_of_ended_agencies(tx):
                log.info("webhook of an ended agency taken away", agency=str(agency_id))
            held = await endpoints.of_parts(tx, parts)
        has_more = await self._ask_for(held)
        if has_more is not None:
            async with self.engine.connect() as tx:
                held = await endpoints.of_parts(tx, parts)
        self._reap()
        for endpoint in held:
            await self._look_after(endpoint)
        await self._sweep()
        return bool(has_more)

    async def _ask_for(self, held: Sequence[sa.Row[Any]]) -> bool | None:
        """Store what has changed; True when there is more, None when nothing was stored."""
        clock = asyncio.get_running_loop().time
        asked = [each for each in held if each.state == EndpointState.ACTIVE and each.waiting < MOST_WAITING]
        if not asked or clock() < self._ask_at:
            return None
        found = await self.feed().changes(asked)
        if found is None:
            self._silence = min(self._silence * 2, LONGEST_SILENCE)
            self._ask_at = clock() + self._silence
            return None
        self._silence, self._ask_at = 0.5, 0.0
        stored, has_more = 0, False
        for endpoint in asked:
            told = found.get(endpoint.agency_id)
            if told is None or told.next == endpoint.cursor:
                continue
            async with self.engine.begin() as tx:
                stored += await deliveries.store(tx, endpoint, told.changes, following=told.next, at=self.now())
            has_more = has_more or told.more
        return has_more if stored or has_more else None

    async def _look_after(self, endpoint: sa.Row[Any]) -> None:
        now = self.now()
        if endpoint.mail_due_at is not None and endpoint.mail_due_at <= now:
            await self._mail(endpoint)
        if endpoint.state == EndpointState.OFF:
            return
        if endpoint.failing_since is not None and now - endpoint.failing_since >= DEAD_AFTER:
            async with self.engine.begin() as tx:
                fresh = await endpoints.one(tx, endpoint.id, is_changed=True)
                if fresh is not None and fresh.failing_since == endpoint.failing_since:
                    await endpoints.switch_off(tx, fresh, WhyOff.DEAD, at=now)
            return
        is_resting = endpoint.paused_until is not None and endpoint.paused_until > now
        is_due = endpoint.next_due_at is not None and endpoint.next_due_at <= now
        if is_due and not is_resting and endpoint.id not in self._workers:
            self._parts[endpoint.id] = endpoint.part
            self._workers[endpoint.id] = asyncio.create_task(self.sender().send_due(endpoint.id))

    async def _mail(self, endpoint: sa.Row[Any]) -> None:
        """To the team, until a mail server has taken it or says that there is no such mailbox."""
        written = mails.written(endpoint, self.settings, at=self.now())
        again_at: datetime | None = self.now() + MAIL_AGAIN
        if written is not None:
            async with aclosing(self.mail.send([written])) as handed:
                async for [outcome] in handed:
                    if outcome.error is None or outcome.is_final:
                        again_at = None
                    if outcome.error is not None:
                        log.error("a team was not told that its webhook is off", cause=outcome.error)
        async with self.engine.begin() as tx:
            await endpoints.mailed(tx, endpoint.id, again_at=again_at)

    async def _sweep(self) -> None:
        clock = asyncio.get_running_loop().time
        if clock() - self._swept_at >= SWEEP_SECONDS:
            async with self.engine.begin() as tx:
                await deliveries.forget_old(tx, before=self.now() - deliveries.KEPT)
            self._swept_at = clock()

    def _reap(self) -> None:
        """Workers that have ended; raises what one of them raised."""
        for endpoint_id in [each for each, task in self._workers.items() if task.done()]:
            task = self._workers.pop(endpoint_id)
            task.result()

    async def _stop_workers(self) -> None:
        for task in self._workers.values():
            task.cancel()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)
        self._workers.clear()
