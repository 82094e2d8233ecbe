"""Internal calls of other services: who a family is, forms for callers, messages, what is parked; nothing is kept.

Each call tells the other service who acts, which writes its own audit. One that gets no answer says so by None.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import httpx
import structlog
from pydantic import BaseModel, Field, ValidationError

from shared.internal_client import Called, InternalClient, acting
from shared.messaging.repair import NOT_GIVEN_UP
from shared.parked_calls import Found, Replayed
from shared.problems import FieldError, Problem

log = structlog.get_logger(__name__)

PARKED: Final = "/internal/parked"
REPLAY: Final = httpx.Timeout(30, connect=1)
"""A line may be long."""


class NoAnswerError(Exception):
    """The service can't be reached, or answers with something else; what was asked of it may be done all the same."""


class Match(BaseModel):
    """A referral about somebody who was looked for."""

    id: UUID
    reference: str
    received_at: datetime


class Matches(BaseModel):
    """The newest first; `is_more` when there are more than the referral service lists."""

    referrals: tuple[Match, ...]
    is_more: bool = Field(alias="more")


class Families(InternalClient):
    """Who a referral is about, asked of the referral service when a person opens it."""

    CONNECT = 2

    async def look(self, referral_id: UUID, *, actor: str) -> dict[str, Any] | None:
        """What was sent about the family; None when the referral service can't say now, or it was erased."""
        answer = await self._ask("no identity now", "GET", f"/internal/referrals/{referral_id}/identity", actor=actor)
        return answer.json() if answer else None

    async def find(self, who: Mapping[str, str], *, reason: str, actor: str) -> Matches | None:
        """Referrals about a person, by the members of its search; None when the referral service can't say now.

        Raises Problem "invalid" with the referral service's words when it can't use a member.
        """
        asked = {"reason": reason, **who}
        unusable = HTTPStatus.UNPROCESSABLE_ENTITY
        answer = await self._ask(
            "no search now", "POST", "/internal/referrals/search", actor=actor, also=unusable, json=asked
        )
        if answer is None:
            return None
        body = answer.json()
        if answer.status_code == unusable:
            raise Problem("invalid", errors=[FieldError(**each) for each in body.get("errors", ())])
        return Matches.model_validate(body)

    async def have_names(self, pairs: Sequence[tuple[UUID, str]], *, actor: str) -> list[bool] | None:
        """For each referral whether somebody in it has this family name; None when the referral service can't say."""
        body = {"pairs": [{"referral_id": str(each), "family_name": name} for each, name in pairs]}
        answer = await self._ask("no comparison now", "POST", "/internal/referrals/own-names", actor=actor, json=body)
        return answer.json()["same"] if answer else None


class RingingAgency(BaseModel):
    """An agency for which somebody may ring; `is_families` is the one of parents who ring for themselves."""

    slug: str
    name: str
    is_families: bool


class _RingingAgencies(BaseModel):
    items: tuple[RingingAgency, ...]


class Arrivals(InternalClient):
    """What is told on the telephone: the referral service keeps the form, and opens it for whoever takes the call."""

    async def agencies(self) -> Sequence[RingingAgency] | None:
        """Those that refer now, by name; None when the referral service can't say."""
        answer = await self._ask("no agencies now", "GET", "/internal/front/agencies")
        return _RingingAgencies.model_validate_json(answer.content).items if answer else None

    async def begin(self, caller: Mapping[str, str], *, staff_name: str, actor: str) -> str | None:
        """A form for this caller: where it is opened, once, within a minute. None when the referral service can't.

        Raises Problem "invalid" with the referral service's words when it can't use a member.
        """
        told = {"staff_name": staff_name, **{name: value for name, value in caller.items() if value}}
        unusable = HTTPStatus.UNPROCESSABLE_ENTITY
        answer = await self._ask("no form now", "POST", "/internal/front/calls", actor=actor, also=unusable, json=told)
        if answer is None:
            return None
        body = answer.json()
        if answer.status_code == unusable:
            raise Problem("invalid", errors=[FieldError(**each) for each in body.get("errors", ())])
        return str(body["path"])


class Messages(InternalClient):
    """What became of the messages about a referral: kinds, states, times and words; no addresses.

    A held one to a family is let go or kept back by a person here.
    """

    SECONDS = 3

    async def about(self, reference: str) -> list[dict[str, Any]] | None:
        """The messages about one referral, oldest first; None when the notify service can't say now."""
        answer = await self._ask("no messages now", "GET", f"/internal/messages/{reference}")
        return answer.json()["items"] if answer else None

    async def settle(self, message_id: UUID, *, reason: str | None, actor: str) -> bool | None:
        """Let it go; with a `reason` keep it back. False when it is not held any more; None without an answer."""
        step, body = ("release", None) if reason is None else ("keep-back", {"reason": reason})
        path = f"/internal/family-messages/{message_id}/{step}"
        answer = await self._ask("no message settled", "POST", path, actor=actor, also=HTTPStatus.CONFLICT, json=body)
        return answer.status_code == HTTPStatus.OK if answer else None


@dataclass(frozen=True, slots=True)
class Seen:
    """A service; `found` is None when it does not answer."""

    name: str
    found: Found | None


class AllServices(InternalClient):
    """What is parked, asked of each service, all at once."""

    def __init__(self, services: Mapping[str, Called], *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        super().__init__(transport=transport)
        self._services = dict(services)

    def knows(self, name: str) -> bool:
        return name in self._services

    async def look(self) -> list[Seen]:
        """Each service, in the order of their work."""
        return list(await asyncio.gather(*(self.look_at(name) for name in self._services)))

    async def look_at(self, name: str) -> Seen:
        try:
            answer = await self._parked("GET", name)
            return Seen(name, Found.model_validate_json(answer.content))
        except (NoAnswerError, ValidationError) as error:
            log.warning("no word of what is parked", service=name, cause=type(error).__name__)
            return Seen(name, None)

    async def replay(self, name: str, row_id: int, *, actor: str) -> Replayed | None:
        """Handle a row again with those behind it; None when it does not wait any more. Raises NoAnswerError."""
        answer = await self._parked("POST", name, f"/{row_id}/replay", actor=actor, timeout=REPLAY)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        try:
            return Replayed.model_validate_json(answer.content)
        except ValidationError:
            raise NoAnswerError(name) from None

    async def discard(self, name: str, row_id: int, *, reason: str, actor: str) -> bool:
        """Give a row up; False when it does not wait any more. Raises NoAnswerError."""
        answer = await self._parked("POST", name, f"/{row_id}/discard", actor=actor, json={"reason": reason})
        return answer.status_code != HTTPStatus.NOT_FOUND

    async def _parked(self, method: str, name: str, path: str = "", *, actor: str = "", **more: Any) -> httpx.Response:
        try:
            called = self._services[name]
            url, headers = f"{called.url}{PARKED}{path}", called.headers | acting(actor)
            answer = await self._http.request(method, url, headers=headers, **more)
        except httpx.HTTPError as error:
            raise NoAnswerError(name) from error
        if answer.status_code == HTTPStatus.CONFLICT:
            raise Problem("conflict", NOT_GIVEN_UP)
        if not answer.is_success and answer.status_code != HTTPStatus.NOT_FOUND:
            raise NoAnswerError(name)
        return answer
