"""A service in this process behind its HTTP edge, and how it is asked there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import uuid4

import httpx
from fastapi.dependencies import models
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local import credentials
from shared.database import engine_of, sql
from shared.errors import DATABASE_TROUBLE
from shared.runtime import Service
from shared.settings import Settings
from tests.integration.support import ended
from tests.pooler import pooled
from tests.servers import own_url

S = TypeVar("S", bound=Settings)
FASTAPI_KNOWS: Final = (
    models._is_gen_callable_cached,
    models._is_async_gen_callable_cached,
    models._is_coroutine_callable_cached,
)
"""Of 4,096 functions each what kind it is, and with them their apps: after 80 tests 1.3 million objects to look through."""
NOTHING_OPEN: Final = "SELECT pg_snapshot_xmin(it) = pg_snapshot_xmax(it) FROM pg_current_snapshot() AS it"


@dataclass(frozen=True)
class Behind:
    """A service in this process and a client at its edge."""

    service: Service
    http: httpx.AsyncClient
    once: httpx.AsyncClient
    """As `http`, for whoever wants to see the first answer, whatever it is."""
    credentials: dict[str, Any]
    admin: AsyncEngine
    """All rights in the service's schema, for what no service does: to break something."""

    @property
    def engine(self) -> AsyncEngine:
        return self.service.engine

    def key(self, slug: str = "health-visiting") -> str:
        return str(self.credentials["agencies"][slug])

    async def send(
        self,
        body: Any,
        *,
        key: str | None = None,
        slug: str = "health-visiting",
        token: str | None = None,
        once: bool = False,
    ) -> httpx.Response:
        """POST /referrals; with a fresh Idempotency-Key unless one is given."""
        headers = {"Idempotency-Key": key or uuid4().hex, "Authorization": f"Bearer {token or self.key(slug)}"}
        return await (self.once if once else self.http).post("/referrals", json=body, headers=headers)

    async def look(self, path: str, *, slug: str = "health-visiting", **query: Any) -> httpx.Response:
        """GET; of the feed when all that was committed is in it."""
        if path == "/referrals":
            await self.is_settled()
        headers = {"Authorization": f"Bearer {self.key(slug)}"}
        return await self.http.get(path, params=query, headers=headers)

    async def is_settled(self) -> None:
        """A feed ends before the oldest transaction that is open on the server: of other databases and vacuum, too.

        Those of a test itself may stay open: then it looks after a second all the same.
        """
        with contextlib.suppress(*DATABASE_TROUBLE):
            for _ in range(50):
                async with self.admin.connect() as tx:
                    if await tx.scalar(sql(NOTHING_OPEN)):
                        return
                await asyncio.sleep(0.02)

    async def as_staff(
        self, method: str, path: str, body: Any = None, *, role: str = "triage-worker"
    ) -> httpx.Response:
        token = self.credentials["staff"][role]["token"]
        return await self.http.request(method, path, json=body or {}, headers={"Authorization": f"Bearer {token}"})


class Patient(httpx.ASGITransport):
    """As an agency's program does: 503 is an answer of a busy machine too, and the same is asked again.

    Three times in all, however much is asked: a service that often answers 503 fails a test.
    """

    left = 3

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()  # or its body could be sent once only
        while True:
            answer = await super().handle_async_request(request)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or not self.left:
                return answer
            self.left -= 1
            await asyncio.sleep(0.2)


def in_own_role(settings: S) -> S:
    """The same settings, with the rights in the database that the service has outside tests."""
    service = type(settings).__module__.split(".")[1]
    own = own_url(settings.dsn, service)
    update = {"database_url": SecretStr(own), "pooled_database_url": SecretStr(pooled(own))}
    return settings.model_copy(update=update)


@asynccontextmanager
async def behind(
    build: Callable[[Any], Awaitable[Service]], settings: Any, loops: tuple[str, ...] = ()
) -> AsyncIterator[Behind]:
    """Closed again, whatever happened: a connection that is left behind is blamed on a later test."""
    service = await build(in_own_role(settings))
    admin = engine_of(settings.dsn, service.name)
    tasks = [asyncio.create_task(service.http_loops[name]()) for name in loops]
    once = httpx.ASGITransport(app=service.app)
    try:
        async with (
            httpx.AsyncClient(transport=Patient(app=service.app), base_url="http://service") as client,
            httpx.AsyncClient(transport=once, base_url="http://service") as asking_once,
        ):
            yield Behind(service, client, asking_once, credentials.load(settings.credentials_file), admin)
    finally:
        await admin.dispose()
        for task in tasks:
            await ended(task)
        await service.close()
        for known in FASTAPI_KNOWS:
            known.cache_clear()
