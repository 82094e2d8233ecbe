"""Fixtures of the integration tests: the plumbing alone, services behind their HTTP edge, pages for who refer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local import credentials
from deploy.secrets import CALL_TOKENS
from services.referral import app as referral_app
from services.referral.settings import Settings as ReferralSettings
from services.triage import app as triage_app
from services.triage.settings import Settings as TriageSettings
from tests.integration.behind import Behind, behind
from tests.integration.front import MEMBER, Browser, FrontSite, front_site
from tests.integration.front_work import Front
from tests.integration.support import probe_engine
from tests.servers import Servers

NOWHERE = "127.0.0.1:1"
"""Where nobody listens: these services are tried without Kafka and without each other."""


@pytest.fixture
async def probe(database: str) -> AsyncIterator[AsyncEngine]:
    """An engine on inbox, outbox, parked and a table of effects."""
    async with probe_engine(database) as engine:
        yield engine


@pytest.fixture
def settings(stack: Servers, database: str, tmp_path: Path) -> dict[str, Any]:
    """What every service is told, in development."""
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps(stack.credentials))
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
        "notify_master_key": secrets["PIR_NOTIFY_MASTER_KEY"],
        "audit_signing_key": secrets["PIR_AUDIT_SIGNING_KEY_REFERRAL"],
        "referral_url": f"http://{NOWHERE}",
    }


@pytest.fixture
async def new_intake(settings: dict[str, Any]) -> AsyncIterator[Callable[[], Awaitable[Behind]]]:
    """Make one more copy of the referral service, all on the same database, with the demo agencies."""
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


@pytest.fixture
async def site(settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FrontSite]:
    """The pages for people who refer, with a real notify service; Kafka and triage are away."""
    async with front_site(settings, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def front(site: FrontSite, settings: dict[str, Any]) -> Front:
    """The same, and what is set up behind them."""
    return Front(site, settings)


@pytest.fixture
async def ada(site: FrontSite) -> Browser:
    """Signed in; she sends referrals and is no keeper."""
    return await site.signed_in(MEMBER)
