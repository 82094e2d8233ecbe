"""Alembic's entry: one linear history for the four schemas, applied by their owner under a lock, over asyncpg."""

import asyncio
from functools import partial

import asyncpg
import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.roles import LOCK, OWNER, rights


def _run(connection: sa.Connection) -> None:
    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    connection.execute(sa.text(f"SET LOCAL ROLE {OWNER}"))
    connection.execute(sa.text("SET LOCAL pir.agency = '*'"))
    context.configure(connection=connection, target_metadata=None, version_table="pir_version")
    with context.begin_transaction():
        context.run_migrations()
    if context.config.attributes["is_whole"]:
        for statement in rights():
            connection.execute(sa.text(statement))


async def _main() -> None:
    connect = partial(asyncpg.connect, context.config.attributes["database_url"], timeout=10)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    async with engine.begin() as connection:
        await connection.run_sync(_run)
    await engine.dispose()


asyncio.run(_main())
