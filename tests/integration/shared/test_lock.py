"""Connections that are used apart from a transaction of the pool: a lock across all copies, and the driver's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database import alone, driver_of
from tests.integration.support import engine_of
from tests.servers import Servers

KEY = 4711


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    made = engine_of(database, "public")
    yield made
    await made.dispose()


@pytest.fixture
async def other(database: str) -> AsyncIterator[AsyncEngine]:
    """Of another copy: what the first keeps in its pool is no use to it."""
    made = engine_of(database, "public")
    yield made
    await made.dispose()


async def is_free(other: AsyncEngine, key: int = KEY) -> bool:
    async with alone(other, key) as connection:
        return connection is not None


async def cut_off(connection: AsyncConnection, stack: Servers) -> None:
    """As when its server or the network is gone."""
    async with connection.begin():
        pid = await connection.scalar(sa.text("SELECT pg_backend_pid()"))
    stack.execute(f"SELECT pg_terminate_backend({pid}, 5000)")


async def test_one_holds_the_lock_and_the_other_is_refused_until_it_is_given_back(
    engine: AsyncEngine, other: AsyncEngine
) -> None:
    async with alone(engine, KEY) as connection:
        assert connection is not None
        assert not await is_free(other)
        assert not await is_free(other), "the one that was refused gave back nothing"
        assert await is_free(other, KEY + 1)
    assert await is_free(other)


async def test_the_holder_is_outside_any_transaction_and_may_begin_its_own(
    engine: AsyncEngine, other: AsyncEngine
) -> None:
    async with alone(engine, KEY) as connection:
        assert connection is not None
        assert not connection.in_transaction()
        for _ in range(2):
            async with connection.begin():
                await connection.execute(sa.text("SELECT 1"))
        assert not await is_free(other)


async def test_the_lock_is_free_again_after_an_error_which_is_raised_as_it_is(
    engine: AsyncEngine, other: AsyncEngine
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with alone(engine, KEY):
            raise ZeroDivisionError
    assert await is_free(other)


async def test_the_lock_is_free_again_after_its_holder_was_cut_off(
    engine: AsyncEngine, other: AsyncEngine, stack: Servers
) -> None:
    async with alone(engine, KEY) as connection:
        assert connection is not None
        await cut_off(connection, stack)
        assert await is_free(other)


async def test_whatever_ended_the_work_is_raised_although_the_holder_was_cut_off(
    engine: AsyncEngine, stack: Servers
) -> None:
    async def work() -> None:
        async with alone(engine, KEY) as connection:
            assert connection is not None
            await cut_off(connection, stack)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()


async def test_a_holder_that_was_cut_off_notices_when_it_asks_for_something(
    engine: AsyncEngine, stack: Servers
) -> None:
    async with alone(engine, KEY) as connection:
        assert connection is not None
        await cut_off(connection, stack)
        with pytest.raises(sa.exc.DBAPIError):
            await connection.execute(sa.text("SELECT 1"))


async def test_the_lock_is_free_again_after_its_holder_was_cancelled(engine: AsyncEngine, other: AsyncEngine) -> None:
    began = asyncio.Event()

    async def work() -> None:
        async with alone(engine, KEY):
            began.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await is_free(other)


async def test_a_connection_that_dies_in_a_transaction_is_not_given_again(engine: AsyncEngine) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        async with driver_of(engine) as driver:
            await driver.execute("BEGIN; SELECT pg_terminate_backend(pg_backend_pid())")
    async with driver_of(engine) as driver:
        assert await driver.fetchval("SELECT 1") == 1


async def test_a_transaction_that_an_error_left_open_is_rolled_back(engine: AsyncEngine) -> None:
    with pytest.raises(asyncpg.PostgresError):
        async with driver_of(engine) as driver:
            await driver.execute("BEGIN; SELECT 1 / 0")
    async with driver_of(engine) as driver:
        assert not driver.is_in_transaction()
        assert await driver.fetchval("SELECT 1") == 1
