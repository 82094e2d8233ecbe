"""HTTP in, for agencies: set, read, rotate, end and replay the webhook. Notify does the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral import contract as intake
from services.referral import feed_cursor, feed_epoch
from services.referral.agency_keys import Callers
from services.referral.identity import Identities
from services.referral.webhooks import changes
from services.referral.webhooks.client import WebhookClient
from services.referral.webhooks.contract import (
    CURSOR,
    NEW_SECRET,
    SHOWN,
    SHOWN_WEBHOOK,
    URL,
    WITH_SECRET,
    ShownWebhook,
    WebhookCursor,
    WebhookSecret,
    WebhookUrl,
    WebhookWithSecret,
    takes,
)
from shared.web import NO_STORE, answer, read_json_body, read_model


@dataclass(frozen=True)
class WebhookApi:
    """The key of the agency opens them, within its share of requests."""

    engine: AsyncEngine
    callers: Callers
    identities: Identities
    notify: WebhookClient

    def router(self) -> APIRouter:
        routes = APIRouter(tags=["webhook"])
        routes.put(
            "/webhook",
            status_code=201,
            openapi_extra=takes(WebhookUrl, URL),
            responses=intake.gives(WebhookWithSecret, 201, example=WITH_SECRET),
            summary="Be called when one of your referrals changes",
        )(self.put)
        routes.get(
            "/webhook",
            openapi_extra=intake.KEYED,
            responses=intake.gives(ShownWebhook, 200, example=SHOWN_WEBHOOK),
            summary="How your webhook is",
        )(self.get)
        routes.post(
            "/webhook/rotate",
            openapi_extra=intake.KEYED,
            responses=intake.gives(WebhookSecret, 200, example=NEW_SECRET),
            summary="A further secret; the one before signs as well for 24 hours",
        )(self.rotate)
        routes.delete("/webhook", status_code=204, openapi_extra=intake.KEYED, summary="Be called no more")(self.delete)
        routes.post(
            "/webhook/replay",
            openapi_extra=takes(WebhookCursor, CURSOR),
            responses=intake.gives(ShownWebhook, 200, example=SHOWN_WEBHOOK),
            summary="Be told again of all changes since a cursor of your feed",
        )(self.replay)
        return routes

    async def put(self, request: Request) -> Response:
        """What has changed before is in the feed; from now on the system is called."""
        agency = await self.callers.agency(request)
        asked = read_model(WebhookUrl, await read_json_body(request))
        async with self.engine.connect() as tx:
            since = await changes.end_of_feed(tx, self.identities)
        return answer(_shown(await self.notify.put(agency, asked.url, since), "secret"), 201)

    async def get(self, request: Request) -> Response:
        return answer(_shown(await self.notify.get(await self.callers.agency(request))))

    async def rotate(self, request: Request) -> Response:
        return answer(await self.notify.rotate(await self.callers.agency(request)))

    async def delete(self, request: Request) -> Response:
        await self.notify.end(await self.callers.agency(request))
        return Response(status_code=204, headers=NO_STORE)

    async def replay(self, request: Request) -> Response:
        """The cursor is checked as the feed's: Problem 400 for one that is not ours, 410 from before a restore."""
        agency = await self.callers.agency(request)
        asked = read_model(WebhookCursor, await read_json_body(request))
        async with self.engine.connect() as tx:
            feed_cursor.read(self.identities, asked.since, await feed_epoch.current(tx))
        return answer(_shown(await self.notify.replay(agency, asked.since)))


def _shown(told: dict[str, Any], *more: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name in SHOWN or name in more}
