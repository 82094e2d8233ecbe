"""Who an agency key belongs to, and whether that agency may call now.

All valid keys are in memory, fresh enough that a revoked one stops within a minute.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.agencies import Agency, digest_of, valid_keys
from services.referral.request_limits import RequestLimits
from shared.errors import is_transient
from shared.problems import Problem
from shared.web import bearer_token

FRESH_SECONDS: Final = 20.0
STALE_SECONDS: Final = 55.0
"""While PostgreSQL is away known keys still open the door this long, so that the answer is 503 rather than 401."""
READ_SECONDS: Final = 2.0
"""How long a request waits for the keys; with what the batch writer takes it stays under the 8 s of the contract."""


class AgencyKeys:
    """All valid keys in memory, read again every 20 s, or at once for a key not seen yet."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: dict[bytes, Agency] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._has_failed = False

    async def find(self, key: str) -> Agency:
        """The agency; raises Problem 401 for a key that is unknown, revoked or an inactive agency's.

        503 for a key not seen yet that can't be looked up now.
        """
        digest = digest_of(key)
        age = time.monotonic() - self._read_at
        if age > FRESH_SECONDS or (digest not in self._known and age > 1):
            await self._read(age)
        if (agency := self._known.get(digest)) is None:
            if self._has_failed:
                raise Problem("unavailable", "This key can't be looked up now")
            raise Problem("credentials-unknown", "This key is not known, or was revoked")
        return agency

    async def _read(self, age: float) -> None:
        """Wait for the one read that is under way, but not for long: a silent PostgreSQL must not hold requests up."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_all())
            self._reading.add_done_callback(lambda task: task.cancelled() or task.exception())  # seen, if nobody waits
        reading = self._reading
        await asyncio.wait([reading], timeout=READ_SECONDS)
        error = reading.exception() if reading.done() else TimeoutError("the keys could not be read in time")
        self._has_failed = error is not None
        if error and (not is_transient(error) or age > STALE_SECONDS):
            raise error

    async def _read_all(self) -> None:
        async with self._engine.connect() as connection:
            self._known = await valid_keys(connection)
        self._read_at, self._has_failed = time.monotonic(), False


@dataclass(frozen=True, slots=True)
class Callers:
    """The agencies that call with their keys, each within its share of requests."""

    keys: AgencyKeys
    limits: RequestLimits

    async def agency(self, request: Request) -> Agency:
        """Whose key it is; raises Problem 401 or 429."""
        agency = await self.keys.find(bearer_token(request))
        request.scope["pir_caller"] = agency.slug
        self.limits.take(agency.id, now=time.monotonic())
        return agency
