"""Fixtures of the integration tests: the plumbing alone, and services in this process behind their HTTP edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local import credentials
from deploy.secrets import CALL_TOKENS
from deploy.setup import add_demo_agencies
from services.referral import app as referral_app
from services.referral.settings import Settings as ReferralSettings
from services.referral.submitting.prepare import identities_of
from services.triage import app as triage_app
from services.triage.settings import Settings as TriageSettings
from shared.runtime import Service
from shared.settings import Settings
from tests.integration.support import ended, probe_engine
from tests.servers import own_url

S = TypeVar("S", bound=Settings)
NOWHERE = "127.0.0.1:1"
"""Where nobody listens: these services are tried without Kafka and without each other."""


@pytest.fixture
async def probe(database: str) -> AsyncIterator[AsyncEngine]:
    """An engine on inbox, outbox, parked and a table of effects."""
    async with probe_engine(database) as engine:
        yield engine


@dataclass(frozen=True)
class Behind:
    """A service in this process and a client at its edge."""

    service: Service
    http: httpx.AsyncClient
    credentials: dict[str, Any]

    @property
    def engine(self) -> AsyncEngine:
        return self.service.engine

    def key(self, slug: str = "health-visiting") -> str:
        return str(self.credentials["agencies"][slug])

    async def send(
        self, body: Any, *, key: str | None = None, slug: str = "health-visiting", token: str | None = None
    ) -> httpx.Response:
        """POST /referrals; with a fresh Idempotency-Key unless one is given."""
        headers = {"Idempotency-Key": key or uuid4().hex, "Authorization": f"Bearer {token or self.key(slug)}"}
        return await _patiently(partial(self.http.post, "/referrals", json=body, headers=headers))

    async def look(self, path: str, *, slug: str = "health-visiting", **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key(slug)}"}
        return await _patiently(partial(self.http.get, path, params=query, headers=headers))

    async def as_staff(
        self, method: str, path: str, body: Any = None, *, role: str = "triage-worker"
    ) -> httpx.Response:
        token = self.credentials["staff"][role]["token"]
        return await self.http.request(method, path, json=body or {}, headers={"Authorization": f"Bearer {token}"})


async def _patiently(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """As an agency's program does: 503 is an answer of a busy machine too, and the same is asked again, three times."""
    for _ in range(3):
        answer = await ask()
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return answer
        await asyncio.sleep(0.2)
    return await ask()


@pytest.fixture
def settings(database: str, tmp_path: Path) -> dict[str, Any]:
    """What every service is told, in development."""
    file = tmp_path / "credentials.json"
    secrets = credentials.load(file)["secrets"]
    return {
        "profile": "development",
        "DATABASE_URL": database,
        "KAFKA_BOOTSTRAP_SERVERS": NOWHERE,
        "credentials_file": file,
        **{name: secrets[name] for name in CALL_TOKENS},
        "master_key": secrets["PIR_MASTER_KEY"],
        "index_key": secrets["PIR_INDEX_KEY"],
        "triage_master_key": secrets["PIR_TRIAGE_MASTER_KEY"],
        "referral_url": f"http://{NOWHERE}",
    }


def in_own_role(settings: S) -> S:
    """The same settings, with the rights in the database that the service has outside tests."""
    service = type(settings).__module__.split(".")[1]
    return settings.model_copy(update={"database_url": SecretStr(own_url(settings.dsn, service))})


@asynccontextmanager
async def behind(
    build: Callable[[Any], Awaitable[Service]], settings: Any, loops: tuple[str, ...] = ()
) -> AsyncIterator[Behind]:
    service = await build(in_own_role(settings))
    tasks = [asyncio.create_task(service.http_loops[name]()) for name in loops]
    transport = httpx.ASGITransport(app=service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield Behind(service, client, credentials.load(settings.credentials_file))
    for task in tasks:
        await ended(task)
    await service.close()


@pytest.fixture
async def new_intake(database: str, settings: dict[str, Any]) -> AsyncIterator[Callable[[], Awaitable[Behind]]]:
    """Make one more copy of the referral service, all on the same database, with the demo agencies."""
    await add_demo_agencies(
        database, credentials.load(settings["credentials_file"]), identities_of(ReferralSettings(**settings))
    )
    async with AsyncExitStack() as copies:

        async def make() -> Behind:
            copy = behind(referral_app.build, ReferralSettings(**settings), ("batch-writer",))
            return await copies.enter_async_context(copy)

        yield make


@pytest.fixture
async def intake(new_intake: Callable[[], Awaitable[Behind]]) -> Behind:
    """One copy of the referral service."""
    return await new_intake()


@pytest.fixture
async def triage(settings: dict[str, Any]) -> AsyncIterator[Behind]:
    """The triage service; its clock does not run by itself."""
    async with behind(triage_app.build, TriageSettings(**settings)) as copy:
        yield copy
