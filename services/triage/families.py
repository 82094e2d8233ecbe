"""Who a referral is about, fetched from the referral service when a person opens it; never stored here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import structlog

from shared.problems import FieldError, Problem

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Match:
    """A referral about somebody who was looked for."""

    id: UUID
    reference: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Matches:
    """The newest first; `is_more` when there are more than the referral service lists."""

    referrals: tuple[Match, ...]
    is_more: bool


class Families:
    """The internal calls for identities; they tell the referral service who looks, which writes its own audit."""

    def __init__(
        self, *, referral_url: str, internal_token: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = httpx.AsyncClient(
            base_url=referral_url,
            timeout=httpx.Timeout(5, connect=2),
            headers={"Authorization": f"Bearer {internal_token}"},
            transport=transport,
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

    async def find(self, who: Mapping[str, str], *, reason: str, actor: str) -> Matches | None:
        """Referrals about a person, by the members of its search; None when the referral service can't say now.

        Raises Problem "invalid" with the referral service's words when it can't use a member.
        """
        try:
            answer = await self._client.post(
                "/internal/referrals/search", json={"reason": reason, **who}, headers={"X-PIR-Actor": actor}
            )
        except httpx.HTTPError as error:
            log.warning("no search now", cause=type(error).__name__)
            return None
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            errors = answer.json().get("errors", ())
            raise Problem("invalid", errors=[FieldError(**each) for each in errors])
        if answer.status_code != httpx.codes.OK:
            log.warning("no search now", status=answer.status_code)
            return None
        return _matches(answer.json())

    async def have_names(self, pairs: Sequence[tuple[UUID, str]], *, actor: str) -> list[bool] | None:
        """For each referral whether somebody in it has this family name; None when the referral service can't say."""
        body = {"pairs": [{"referral_id": str(each), "family_name": name} for each, name in pairs]}
        try:
            answer = await self._client.post("/internal/referrals/own-names", json=body, headers={"X-PIR-Actor": actor})
        except httpx.HTTPError as error:
            log.warning("no comparison now", cause=type(error).__name__)
            return None
        if answer.status_code != httpx.codes.OK:
            log.warning("no comparison now", status=answer.status_code)
            return None
        same: list[bool] = answer.json()["same"]
        return same

    async def close(self) -> None:
        await self._client.aclose()


def _matches(body: dict[str, Any]) -> Matches:
    found = (
        Match(UUID(each["id"]), each["reference"], datetime.fromisoformat(each["received_at"]))
        for each in body["referrals"]
    )
    return Matches(tuple(found), bool(body["more"]))
