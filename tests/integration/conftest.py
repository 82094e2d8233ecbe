"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.support import probe_engine


@pytest.fixture
async def probe(database: str) -> AsyncIterator[AsyncEngine]:
    """An engine on inbox, outbox, parked and a table of effects."""
    async with probe_engine(database) as engine:
        yield engine
