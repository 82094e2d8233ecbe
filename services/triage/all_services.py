"""The four services as operations see them: asked all at once how they are and what is parked; nothing is kept here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx
import structlog
from pydantic import ValidationError

from shared.messaging.repair import NOT_GIVEN_UP
from shared.parked_calls import Found, Replayed
from shared.problems import Problem

log = structlog.get_logger(__name__)

PARKED: Final = "/internal/parked"
LOOK: Final = httpx.Timeout(5, connect=1)
REPLAY: Final = httpx.Timeout(30, connect=1)
"""A line may be long."""


class NoAnswerError(Exception):
    """The service can't be reached, or answers with something else; what was asked of it may be done all the same."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A service; `found` is None when it does not answer."""

    name: str
    found: Found | None


class AllServices:
    """The internal calls for parked messages, of each service at its URL."""

    def __init__(
        self, urls: Mapping[str, str], *, internal_token: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._urls = dict(urls)
        self._client = httpx.AsyncClient(
            timeout=LOOK, headers={"Authorization": f"Bearer {internal_token}"}, transport=transport
        )

    def knows(self, name: str) -> bool:
        return name in self._urls

    async def look(self) -> list[Seen]:
        """Each service, in the order of their work."""
        return list(await asyncio.gather(*(self.look_at(name) for name in self._urls)))

    async def look_at(self, name: str) -> Seen:
        try:
            answer = await self._ask("GET", name)
            return Seen(name, Found.model_validate_json(answer.content))
        except (NoAnswerError, ValidationError) as error:
            log.warning("no word of what is parked", service=name, cause=type(error).__name__)
            return Seen(name, None)

    async def replay(self, name: str, row_id: int, *, actor: str) -> Replayed | None:
        """Handle a row again with those behind it; None when it does not wait any more. Raises NoAnswerError."""
        answer = await self._ask("POST", name, f"/{row_id}/replay", actor=actor, timeout=REPLAY)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        try:
            return Replayed.model_validate_json(answer.content)
        except ValidationError:
            raise NoAnswerError(name) from None

    async def discard(self, name: str, row_id: int, *, reason: str, actor: str) -> bool:
        """Give a row up; False when it does not wait any more. Raises NoAnswerError."""
        answer = await self._ask("POST", name, f"/{row_id}/discard", actor=actor, json={"reason": reason})
        return answer.status_code != HTTPStatus.NOT_FOUND

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, name: str, path: str = "", *, actor: str = "", **more: Any) -> httpx.Response:
        headers = {"X-PIR-Actor": actor} if actor else {}
        try:
            answer = await self._client.request(method, f"{self._urls[name]}{PARKED}{path}", headers=headers, **more)
        except httpx.HTTPError as error:
            raise NoAnswerError(name) from error
        if answer.status_code == HTTPStatus.CONFLICT:
            raise Problem("conflict", NOT_GIVEN_UP)
        if not answer.is_success and answer.status_code != HTTPStatus.NOT_FOUND:
            raise NoAnswerError(name)
        return answer
