"""The engine of one service: its own schema by search path, a timeout on everything, and a lock across all copies."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

import asyncpg
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn

from shared.backoff import pauses
from shared.errors import failure_name, is_transient
from shared.revision import REVISION
from shared.settings import Settings

log = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 3
COMMAND_SECONDS: Final = 5
TELL_SECONDS: Final = 10.0
ROLE_SETTINGS: Final = {
    "statement_timeout": "10000",
    "idle_in_transaction_session_timeout": "30000",
    "lock_timeout": str((COMMAND_SECONDS - 1) * 1000),  # first: a wait for a lock is no slow statement
    "jit": "off",
}
"""The deploy step puts them on the role of each service too, with its search path: a pooler passes on none of ours."""
KEEPALIVES: Final = {
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""Seconds, and milliseconds: a host that vanished without a word loses its connections after 10 s, with all they hold.

The last is for those that the server has just sent something: it is sent again for a quarter of an hour otherwise, and
keepalives wait for that (RFC 9293, 3.8.3; `make test-cluster` cuts a host off).
"""
SERVER_SETTINGS: Final = KEEPALIVES | ROLE_SETTINGS | {"timezone": "UTC", "pir.agency": "*"}
"""`pir.agency`: rows of every agency, until `seen_by` says for which one a transaction reads."""
POOL: Final = {"pool_timeout": CONNECT_SECONDS, "pool_recycle": 1800, "pool_use_lifo": True}
"""In seconds; the last connection that came back is the first to go out, so that others may rest."""
OVER: Final = 5
"""So many connections more than PIR_POOL_SIZE at a rush."""
_IS_POOLED: Final = "is_pooled"

BY_KEY: Final = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""For what runs for every referral and finds rows by their keys. A plan is made once and kept: one that was made while
a table was empty would read all of it for ever (measured: a million rows a second)."""


@lru_cache(maxsize=512)
def sql(statement: str) -> sa.TextClause:
    """A statement in PostgreSQL's words, parsed once: parsing it costs as much as a small query."""
    return sa.text(statement)


def create_engine(
    settings: Settings, schema: str, *, pool_size: int | None = None, by_key: bool = False
) -> AsyncEngine:
    """Connections are made when needed; one that died with its server is replaced, at the price of one error.

    `by_key`: for loops that find all rows by their keys.
    """
    size = {"pool_size": pool_size or settings.pool_size, "max_overflow": 0 if by_key else OVER}
    return engine_of(settings.dsn, schema, BY_KEY if by_key else {}, **size, **POOL)


def request_engine(settings: Settings, schema: str) -> AsyncEngine:
    """For calls, pages and short transactions: by way of a pooler where PIR_POOLED_DATABASE_URL names one."""
    if not settings.pooled_dsn:
        return create_engine(settings, schema)
    return pooled_engine_of(settings.pooled_dsn, schema, pool_size=settings.pool_size, max_overflow=OVER, **POOL)


def engine_of(dsn: str, schema: str, server_settings: Mapping[str, str] | None = None, **pool: Any) -> AsyncEngine:
    """An engine whose driver reads the DSN itself, so that it takes all that the driver takes: TLS, several hosts."""
    dsn = dsn.replace("postgresql+asyncpg://", "postgresql://", 1)
    connect = partial(asyncpg.connect, dsn, **connect_args(schema, **server_settings or {}))
    return create_async_engine("postgresql+asyncpg://", async_creator=connect, hide_parameters=True, **pool)


def pooled_engine_of(dsn: str, schema: str, **pool: Any) -> AsyncEngine:
    """An engine behind a pooler that gives a server's connection for one transaction (PgBouncer, transaction mode).

    Nothing outlives a transaction: statements have no names there, every statement is in a transaction, also in
    `read_only`, and search path and timeouts are those of the role. No session locks, no LISTEN: `alone` and
    `driver_of` refuse it.
    """
    connect = partial(
        asyncpg.connect,
        dsn,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        statement_cache_size=0,
        server_settings={"timezone": "UTC", "application_name": f"pir-{schema}"},
    )

    def creator() -> Any:
        dbapi: Any = made.dialect.dbapi
        return dbapi.connect(
            async_creator_fn=connect, prepared_statement_cache_size=0, prepared_statement_name_func=lambda: ""
        )

    made = create_async_engine(
        "postgresql+asyncpg://", creator=creator, hide_parameters=True, execution_options={_IS_POOLED: True}, **pool
    )
    sa.event.listen(made.sync_engine, "begin", _sees_every_agency)
    return made


def _sees_every_agency(connection: sa.Connection) -> None:
    connection.exec_driver_sql("SELECT set_config('pir.agency', '*', true)")


def is_pooled(engine: AsyncEngine) -> bool:
    return bool(engine.get_execution_options().get(_IS_POOLED))


def _needs_a_session(engine: AsyncEngine) -> None:
    if is_pooled(engine):
        raise ValueError("a pooled engine has no session of its own: give the one of DATABASE_URL")


async def wait_for_revision(engine: AsyncEngine) -> None:
    """Until the deploy step has brought the database to REVISION or a later one; PostgreSQL may still be away.

    So services and the deploy step can start side by side, a new version waits for its migration, and a copy of the
    old version that starts again while the new one is rolled out still serves.
    """
    told_at = float("-inf")
    for pause in pauses(longest=0.5):
        missing = "the migrations"
        try:
            async with engine.connect() as connection:
                found = await connection.scalar(sql("SELECT version_num FROM public.pir_version"))
                if found is not None and found >= REVISION:  # numbers of four digits
                    return
        except sa.exc.ProgrammingError:
            pass  # the table is not there yet
        except Exception as error:
            if not is_transient(error):
                raise
            missing = failure_name(error)
        if time.monotonic() - told_at >= TELL_SECONDS:
            told_at = time.monotonic()
            log.warning("waiting for the database", revision=REVISION, cause=missing)
        await pause.sleep()


def read_only(engine: AsyncEngine) -> AsyncEngine:
    """The same pool for reads of one statement: no BEGIN and ROLLBACK around them, two round trips saved.

    Behind a pooler they stay: a statement that is not in a transaction may be prepared on one server's connection and
    run on another.
    """
    return engine if is_pooled(engine) else engine.execution_options(isolation_level="AUTOCOMMIT")


def one_moment(engine: AsyncEngine) -> AsyncEngine:
    """The same pool for reads of several statements that must see one moment."""
    return engine.execution_options(isolation_level="REPEATABLE READ")


@asynccontextmanager
async def seen_by(engine: AsyncEngine, agency_id: UUID) -> AsyncIterator[AsyncConnection]:
    """A transaction that sees the referrals of one agency alone, whatever its statements ask for.

    The database leaves out the others (row level security on `referral.referral`): a second wall, should a statement
    forget the first.
    """
    async with engine.begin() as tx:
        await tx.execute(sql("SELECT set_config('pir.agency', :agency, true)"), {"agency": str(agency_id)})
        yield tx


@asynccontextmanager
async def driver_of(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection[Any]]:
    """The driver's own connection, for statements that are a transaction each: one trip, and no words around it.

    The pool knows nothing of what is sent here: a connection that died is given up, and a transaction that an error of
    PostgreSQL's left open is rolled back. Straight from the pool: a connection of the engine's around it costs more
    than the trip. Raises ValueError for a pooled engine.
    """
    _needs_a_session(engine)
    pooled = await engine.raw_connection()
    driver: Any = pooled.driver_connection
    try:
        yield driver
    except BaseException as error:
        if driver.is_closed() or not isinstance(error, asyncpg.PostgresError):
            await greenlet_spawn(pooled.invalidate)
        elif driver.is_in_transaction():
            await driver.execute("ROLLBACK")
        raise
    finally:
        if pooled.is_valid:
            await greenlet_spawn(pooled.close)


@asynccontextmanager
async def alone(engine: AsyncEngine, key: int) -> AsyncIterator[AsyncConnection | None]:
    """A connection, outside any transaction, that holds the lock `key` of the database; None when another has it.

    The lock goes with the connection, which is closed in the end: a holder that was killed or cut off leaves nothing
    behind, and an error of the work is raised as it is. Whoever is cut off notices only when using this connection.
    Raises ValueError for a pooled engine.
    """
    _needs_a_session(engine)
    async with engine.connect() as connection:
        try:
            is_ours = await connection.scalar(sql("SELECT pg_try_advisory_lock(:key)"), {"key": key})
            await connection.commit()
            yield connection if is_ours else None
        finally:
            await connection.invalidate()


def connect_args(schema: str, **server_settings: str) -> dict[str, Any]:
    return {
        "timeout": CONNECT_SECONDS,
        "command_timeout": COMMAND_SECONDS,
        "server_settings": SERVER_SETTINGS
        | server_settings
        | {"search_path": schema, "application_name": f"pir-{schema}"},
    }
