"""Who a referral is about, fetched from the referral service when a person opens it; never stored here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import structlog

log = structlog.get_logger(__name__)


class Families:
    """The one internal call for identities; it tells the referral service who looks, which writes its own audit."""

    def __init__(self, *, referral_url: str, internal_token: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=referral_url,
            timeout=httpx.Timeout(5, connect=2),
            headers={"Authorization": f"Bearer {internal_token}"},
        )

    async def look(self, referral_id: UUID, *, actor: str) -> dict[str, Any] | None:
        """What was sent about the family; None when the referral service can't say now, or it was erased."""
        try:
            answer = await self._client.get(
                f"/internal/referrals/{referral_id}/identity", headers={"X-PIR-Actor": actor}
            )
        except httpx.HTTPError as error:
            log.warning("no identity now", cause=type(error).__name__)
            return None
        if answer.status_code != httpx.codes.OK:
            log.warning("no identity now", status=answer.status_code)
            return None
        found: dict[str, Any] = answer.json()
        return found

    async def close(self) -> None:
        await self._client.aclose()
