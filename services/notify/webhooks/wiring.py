"""Webhooks wired together for app.py. What needs a network is made when an agency first has one, and not before."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notify import tables
from services.notify.senders import Sender
from services.notify.sending_rules import Retries
from services.notify.settings import Settings
from services.notify.webhooks import internal_api, measures, secrets
from services.notify.webhooks.loop import WebhookLoop
from services.notify.webhooks.secrets import EndpointSecrets
from services.notify.writing import utc_now

if TYPE_CHECKING:
    from services.notify.webhooks.feed import FeedClient
    from services.notify.webhooks.network import Networks, SystemNames
    from services.notify.webhooks.sending import EndpointSender


class Webhooks:
    """`loop` is one of the service's; `router` has the calls of the referral service."""

    def __init__(self, settings: Settings, engine: AsyncEngine, retries: Retries, mail: Sender) -> None:
        self.settings = settings
        self._engine = engine
        self._retries = retries
        self._key = secrets.held(settings)
        self.secrets = EndpointSecrets(self._key.safe)
        self.loop = WebhookLoop(
            dsn=settings.dsn,
            schema=tables.SCHEMA,
            engine=engine,
            feed=lambda: self.feed,
            sender=lambda: self.sender,
            mail=mail,
            settings=settings,
        )

    @cached_property
    def names(self) -> SystemNames:
        from services.notify.webhooks.network import SystemNames  # noqa: PLC0415  httpx: 3 MB that few deployments need

        return SystemNames()

    @cached_property
    def networks(self) -> Networks:
        from services.notify.webhooks.network import Networks  # noqa: PLC0415  as above

        return Networks(self.names)

    @cached_property
    def feed(self) -> FeedClient:
        from services.notify.webhooks.feed import FeedClient  # noqa: PLC0415  as above
        from shared.internal_client import Called  # noqa: PLC0415  as above

        return FeedClient(Called(self.settings.referral_url, self.settings.to_referral.get_secret_value()))

    @cached_property
    def sender(self) -> EndpointSender:
        from services.notify.webhooks.posting import Poster  # noqa: PLC0415  as above
        from services.notify.webhooks.sending import EndpointSender  # noqa: PLC0415  as above

        return EndpointSender(
            engine=self._engine,
            poster=Poster(self.networks),
            secrets=self.secrets,
            retries=self._retries,
            now=utc_now,
            may_be_local=self.settings.webhook_local,
        )

    def router(self, internal_token: str) -> APIRouter:
        return internal_api.router(
            self._engine,
            internal_token,
            secrets=self.secrets,
            networks=lambda: self.networks,
            may_be_local=self.settings.webhook_local,
            wake=self.loop.wake.set,
        )

    async def measure(self, tx: AsyncConnection) -> None:
        await measures.measure(tx)

    async def check_key(self) -> None:
        """Raises WrongKeyError."""
        async with self._engine.begin() as tx:
            await secrets.check(tx, self._key, at=datetime.now(UTC))

    async def close(self) -> None:
        """What was made."""
        if "feed" in vars(self):
            await self.feed.close()
        if "names" in vars(self):
            self.names.close()
