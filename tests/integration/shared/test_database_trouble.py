"""What the driver says when PostgreSQL ends a connection: all of it is known."""

from __future__ import annotations

import asyncio
from collections import Counter

import asyncpg
import pytest

from shared.errors import DATABASE_TROUBLE, is_transient

ENDS = 60


async def ask_on(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    for _ in range(100):
        await connection.fetch("SELECT $1::int[]", [1])


async def test_each_word_of_the_driver_about_a_connection_that_ends_is_known(database: str) -> None:
    said: Counter[type[BaseException]] = Counter()
    operator = await asyncpg.connect(database)
    for number in range(ENDS):
        connection = await asyncpg.connect(database)
        await operator.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        for _ in range(number % 5):  # how much of the end has been read by then
            await asyncio.sleep(0)
        with pytest.raises(DATABASE_TROUBLE) as raised:
            await ask_on(connection)
        assert is_transient(raised.value)
        said[raised.type] += 1
        connection.terminate()
    await operator.close()
    assert said.total() == ENDS
    assert said[asyncpg.InternalClientError]  # which is no InterfaceError
