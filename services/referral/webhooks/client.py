"""Notify, asked about the webhook of an agency. What it refuses is passed on; silence is "unavailable"."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import httpx
import structlog

from services.referral.agencies import Agency
from shared.internal_client import InternalClient, acting
from shared.problems import FieldError, Problem

log = structlog.get_logger(__name__)


class WebhookClient(InternalClient):
    """A name that an agency gives is resolved while it waits."""

    SECONDS = 8

    async def put(self, agency: Agency, url: str, since: str) -> dict[str, Any]:
        """The state with the secret. Raises Problem 422 for an address that no webhook may go to."""
        return await self._of("PUT", agency, json={"url": url, "since": since})

    async def get(self, agency: Agency) -> dict[str, Any]:
        """The state and the last deliveries."""
        return await self._of("GET", agency)

    async def rotate(self, agency: Agency) -> dict[str, Any]:
        """The new secret, and until when the one before signs beside it."""
        return await self._of("POST", agency, "/rotate")

    async def end(self, agency: Agency) -> None:
        await self._of("DELETE", agency)

    async def replay(self, agency: Agency, since: str) -> dict[str, Any]:
        """The state."""
        return await self._of("POST", agency, "/replay", json={"since": since})

    async def _of(self, method: str, agency: Agency, path: str = "", **more: Any) -> dict[str, Any]:
        """Raises Problem 404 when the agency has set none, and 503 when notify does not answer."""
        try:
            told = await self._http.request(
                method, f"/internal/webhooks/{agency.id}{path}", headers=acting(agency.slug), **more
            )
            if told.status_code == HTTPStatus.NO_CONTENT:
                return {}
            body = told.json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("no webhook now", cause=type(error).__name__)
            raise Problem("unavailable", "Webhooks can't be reached now") from None
        if told.is_success:
            return dict(body)
        if told.status_code == HTTPStatus.NOT_FOUND:
            raise Problem("not-found", "You have set no webhook")
        if told.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise Problem("invalid", errors=[FieldError(**each) for each in body.get("errors", [])])
        log.warning("no webhook now", status=told.status_code)
        raise Problem("unavailable", "Webhooks can't be reached now")
