"""What became of the messages about a referral, asked of the notify service when somebody opens it; not kept here."""

from __future__ import annotations

from typing import Any

import httpx
import structlog

log = structlog.get_logger(__name__)


class Messages:
    """The one internal call for messages: kinds, states and times; no words, no addresses."""

    def __init__(self, *, notify_url: str, internal_token: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=notify_url,
            timeout=httpx.Timeout(3, connect=1),
            headers={"Authorization": f"Bearer {internal_token}"},
        )

    async def about(self, reference: str) -> list[dict[str, Any]] | None:
        """The messages about one referral, oldest first; None when the notify service can't say now."""
        try:
            answer = await self._client.get(f"/internal/messages/{reference}")
        except httpx.HTTPError as error:
            log.warning("no messages now", cause=type(error).__name__)
            return None
        if answer.status_code != httpx.codes.OK:
            log.warning("no messages now", status=answer.status_code)
            return None
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def close(self) -> None:
        await self._client.aclose()
