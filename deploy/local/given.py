"""Servers that the environment names: asked once, and an error when silent, never a fall-through to ours."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg

from deploy.local.console import LocalError
from deploy.local.kafka import ask_brokers

SECONDS = 10


def database_url() -> str | None:
    """DATABASE_URL, None when unset or empty."""
    return os.environ.get("DATABASE_URL") or None


def brokers() -> str | None:
    """KAFKA_BOOTSTRAP_SERVERS, None when unset or empty."""
    return os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or None


def check() -> None:
    """Raise LocalError unless every server that is named answers; blocks, and must not run inside an event loop."""
    if url := database_url():
        place = urlsplit(url)
        _ask(lambda: _ask_database(url), f"DATABASE_URL ({place.hostname}:{place.port or 5432})")
    if servers := brokers():
        _ask(lambda: ask_brokers(servers), f"KAFKA_BOOTSTRAP_SERVERS ({servers})")


def _ask(question: Callable[[], Awaitable[None]], name: str) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS):
            await question()

    try:
        asyncio.run(bounded())
    except Exception as error:  # whatever a client library raises means the same here
        words = " ".join(str(error).split()) or type(error).__name__
        raise LocalError(f"{name} is set but does not answer: {words}") from error


async def _ask_database(url: str) -> None:
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg:", "postgresql:", 1), timeout=5)
    try:
        await connection.fetchval("SELECT 1")
    finally:
        await connection.close()
