"""Sends what is due to one endpoint, at most AT_ONCE at a time, and writes down what came of each.

    2xx                  delivered
    410                  the endpoint is off
    429, 503             the endpoint rests for as long as Retry-After says, an hour at most
    anything else, 3xx   tried again: 30 s, doubling to 1 h, full jitter, for 72 h

What comes of a try is recorded before the next one of the same referral goes, so that their order is kept. Who is
killed in between sends the same again, with the same id.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from services.notify.sending_rules import Retries
from services.notify.webhooks import deliveries, endpoints, measures, signing
from services.notify.webhooks.addresses import UrlRefusedError, read_url
from services.notify.webhooks.deliveries import CHECK, DeliveryState
from services.notify.webhooks.endpoints import EndpointState, WhyOff
from services.notify.webhooks.posting import Answer, Poster
from services.notify.webhooks.secrets import EndpointSecrets
from shared.backoff import pauses
from shared.crypto import UnreadableSecretError
from shared.errors import failure_kind, failure_name

log = structlog.get_logger(__name__)

AT_ONCE: Final = 4
"""To one agency: enough for a burst, and no flood for a small machine."""
UNREADABLE: Final = "secret"
"""A code of ours: the secret does not open with the key there is."""


@dataclass(frozen=True, slots=True)
class EndpointSender:
    """`chance` is in [0, 1): the jitter of a pause."""

    engine: AsyncEngine
    poster: Poster
    secrets: EndpointSecrets
    retries: Retries
    now: Callable[[], datetime]
    may_be_local: bool = False
    chance: Callable[[], float] = random.random

    async def send_due(self, endpoint_id: UUID) -> None:
        """Until nothing is due. Raises what PostgreSQL raises; a cancel leaves what was in hand due."""
        in_hand: dict[UUID, asyncio.Task[None]] = {}
        try:
            while True:
                for endpoint, row in await self._next(endpoint_id, in_hand):
                    in_hand[row.id] = asyncio.create_task(self._send(endpoint, row))
                if not in_hand:
                    return
                await asyncio.wait(in_hand.values(), return_when=asyncio.FIRST_COMPLETED)
                for id_ in [id_ for id_, task in in_hand.items() if task.done()]:
                    in_hand.pop(id_).result()
        finally:
            for task in in_hand.values():
                task.cancel()
            await asyncio.gather(*in_hand.values(), return_exceptions=True)

    async def _next(
        self, endpoint_id: UUID, in_hand: dict[UUID, asyncio.Task[None]]
    ) -> list[tuple[sa.Row[Any], sa.Row[Any]]]:
        free, now = AT_ONCE - len(in_hand), self.now()
        async with self.engine.connect() as tx:
            endpoint = await endpoints.one(tx, endpoint_id)
            if endpoint is None or endpoint.state == EndpointState.OFF or not free:
                return []
            if endpoint.paused_until is not None and endpoint.paused_until > now:
                return []
            checks = endpoint.state == EndpointState.CHECKING
            rows = await deliveries.due(tx, endpoint_id, now=now, in_hand=in_hand, most=free, checks=checks)
        return [(endpoint, row) for row in rows]

    async def _send(self, endpoint: sa.Row[Any], row: sa.Row[Any]) -> None:
        answer = await self._try(endpoint, row)
        for pause in pauses():
            try:
                return await self._record(endpoint, row, answer)
            except Exception as error:
                if failure_kind(error) == "other":
                    raise
                log.warning("recording again", cause=failure_name(error), seconds=round(pause.seconds, 1))
            await pause.sleep()
        return None

    async def _try(self, endpoint: sa.Row[Any], row: sa.Row[Any]) -> Answer:
        now, body = self.now(), deliveries.body_of(row)
        try:
            target = read_url(endpoint.url, may_be_local=self.may_be_local)
            secrets = self.secrets.opened(endpoint, at=now)
        except UrlRefusedError as error:
            return Answer(error.code)
        except UnreadableSecretError:
            log.error("the secret of a webhook does not open", endpoint=str(endpoint.id))  # noqa: TRY400  the trace says no more
            return Answer(UNREADABLE)
        headers = signing.signed(secrets, id_=row.id, at=now, body=body)
        return await self.poster.post(target, headers, body, now=now)

    async def _record(self, called: sa.Row[Any], row: sa.Row[Any], answer: Answer) -> None:
        """`called` is the endpoint as it was when the call went: of one that was set anew since it says nothing."""
        now = self.now()
        async with self.engine.begin() as tx:
            endpoint = await endpoints.one(tx, called.id, is_changed=True)
            if endpoint is None:
                return
            if endpoint.set_at != called.set_at:
                if answer.error is None:
                    await deliveries.record(tx, row.id, state=DeliveryState.DELIVERED, at=now)
                return
            state, due_at = self._judge(row, answer, now)
            await deliveries.record(tx, row.id, state=state, at=now, due_at=due_at, error=answer.error)
            paused_until = now + answer.wait if answer.wait else None
            await deliveries.record_of_endpoint(tx, endpoint.id, at=now, error=answer.error, paused_until=paused_until)
            if answer.is_gone:
                await endpoints.switch_off(tx, endpoint, WhyOff.GONE, at=now)
            if answer.error is None and row.type == CHECK:
                await endpoints.wake(tx)  # what has changed since may be asked for
        measures.TRIES.labels("delivered" if answer.error is None else "failed").inc()

    def _judge(self, row: sa.Row[Any], answer: Answer, now: datetime) -> tuple[DeliveryState, datetime | None]:
        if answer.error is None:
            return DeliveryState.DELIVERED, None
        if self.retries.is_over(since=row.first_tried_at or now, now=now):
            return DeliveryState.GIVEN_UP, None
        pause = self.retries.pause(row.attempts + 1, chance=self.chance())
        return DeliveryState.DUE, now + max(pause, answer.wait or timedelta())
