"""Calls and pages by way of a real PgBouncer, which gives a server's connection for one transaction.

The rest of `make test-pooler` is other tests, whose services go by it, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.database import (
    CONNECT_SECONDS,
    ROLE_SETTINGS,
    alone,
    driver_of,
    engine_of,
    one_moment,
    pooled_engine_of,
    read_only,
    seen_by,
    sql,
)
from tests.families import a_referral
from tests.integration.behind import Behind
from tests.integration.support import eventually
from tests.pooler import CONNECTIONS, Pooler, pooled, pooler_of
from tests.servers import own_url

SCHEMA = "referral"


@pytest.fixture
def address(database: str) -> str:
    return pooled(own_url(database, SCHEMA))


@pytest.fixture
def pooler(database: str) -> Pooler:
    parts = sa.engine.make_url(database)
    return pooler_of(str(parts.host), parts.port or 5432)


@pytest.fixture
async def engine(address: str) -> AsyncIterator[AsyncEngine]:
    made = pooled_engine_of(address, SCHEMA, pool_size=20, pool_timeout=CONNECT_SECONDS)
    yield made
    await made.dispose()


async def test_every_transaction_has_the_settings_of_the_role(engine: AsyncEngine) -> None:
    for _ in range(2 * CONNECTIONS):
        async with engine.connect() as tx:
            for name, value in (ROLE_SETTINGS | {"search_path": SCHEMA, "TimeZone": "UTC", "pir.agency": "*"}).items():
                wanted = f"{int(value) // 1000}s" if value.isdecimal() else value
                assert await tx.scalar(sql("SELECT current_setting(:name)"), {"name": name}) == wanted


async def test_statements_of_many_at_once_never_meet(engine: AsyncEngine) -> None:
    """The same connections of the server for all, and each with words and types of its own."""
    pids: set[int] = set()

    async def ask(number: int, through: AsyncEngine) -> None:
        async with through.connect() as tx:
            typed = ("bigint", number) if number % 2 else ("text", f"number {number}")
            statement = sql(
                f"SELECT CAST(:value AS {typed[0]}), {number}, pg_backend_pid(), current_setting('search_path')"
            )
            for _ in range(3):
                row = (await tx.execute(statement, {"value": typed[1]})).one()
                assert (row[0], row[1], row[3]) == (typed[1], number, SCHEMA)
                pids.add(row[2])

    ways = (engine, read_only(engine), one_moment(engine))
    await asyncio.gather(*(ask(number, ways[number % 3]) for number in range(300)))
    assert len(pids) <= CONNECTIONS


async def test_the_ordinary_engine_would_not_do(address: str) -> None:
    """What this file is for: session settings and named statements are refused, or fail sooner or later."""
    plain = engine_of(address, SCHEMA)
    with pytest.raises((asyncpg.PostgresError, sa.exc.DBAPIError)):
        async with plain.connect() as tx:
            await tx.execute(sql("SELECT 1"))
    await plain.dispose()


async def test_whose_rows_are_seen_ends_with_the_transaction(engine: AsyncEngine) -> None:
    asked = sql("SELECT current_setting('pir.agency')")
    for _ in range(2 * CONNECTIONS):
        agency = uuid4()
        async with seen_by(engine, agency) as tx:
            assert await tx.scalar(asked) == str(agency)
        async with engine.connect() as tx:
            assert await tx.scalar(asked) == "*"


async def test_what_needs_a_session_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(ValueError, match="no session"):
        async with alone(engine, 1):
            pass
    with pytest.raises(ValueError, match="no session"):
        async with driver_of(engine):
            pass


async def test_without_the_pooler_the_service_is_not_ready_and_answers_503_and_then_goes_on(
    new_intake: Callable[[], Awaitable[Behind]], pooler: Pooler
) -> None:
    intake = await new_intake()
    reference = (await intake.send(a_referral())).json()["reference"]
    assert (await intake.once.get("/health/ready")).json()["checks"]["pooler"] is True
    await asyncio.to_thread(pooler.kill)
    try:
        ready = await intake.once.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]["pooler"]) == (503, False)
        headers = {"Authorization": f"Bearer {intake.key()}"}
        assert (await intake.once.get(f"/referrals/{reference}", headers=headers)).status_code == 503
    finally:
        await asyncio.to_thread(pooler.start)

    async def is_there() -> bool:
        return (await intake.look(f"/referrals/{reference}")).status_code == 200

    await eventually(is_there, what="the referral, by way of the pooler")
    assert (await intake.once.get("/health/ready")).json()["checks"]["pooler"] is True
