"""PostgreSQL, as the service would meet it: entered with its own role, asked, and left as it was."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.doctor.findings import Finding, look, well, wrong
from services.notify.settings import Settings as NotifySettings
from services.notify.webhooks import secrets
from services.referral import encryption_keys as referral_keys
from services.referral.settings import Settings as ReferralSettings
from services.referral.submitting.prepare import identities_of
from services.triage import encryption_keys as triage_keys
from services.triage.settings import Settings as TriageSettings
from shared.database import engine_of
from shared.encryption_keys import WrongKeyError
from shared.errors import DATABASE_TROUBLE, failure_name
from shared.revision import REVISION
from shared.settings import Settings

ABOUT: Final = "PostgreSQL"
NEEDED: Final = 180_000
"""server_version_num of 18.0; docs/operations.md says why."""
CLOCKS_APART_SECONDS: Final = 5.0
"""Due times are compared with the clock of this machine, audit rows with that of the database."""
NEEDED_CONNECTIONS: Final = 200
"""What docs/operations.md counts for two copies of each service, and some to spare."""
SERVER = """
    SELECT current_setting('server_version_num')::int AS version, current_setting('transaction_read_only') AS read_only,
        current_setting('server_encoding') AS encoding, current_setting('max_connections')::int AS connections,
        rolsuper AS is_superuser, extract(epoch FROM clock_timestamp()) AS now
    FROM pg_roles WHERE rolname = current_user
"""
REFUSALS: Final[dict[type[BaseException], str]] = {
    asyncpg.InvalidPasswordError: "the password of DATABASE_URL is wrong, or the deploy step has not set it yet",
    asyncpg.InvalidAuthorizationSpecificationError: "the role of DATABASE_URL may not enter: run the deploy step, then"
    " see pg_hba.conf",
    asyncpg.InvalidCatalogNameError: "the database of DATABASE_URL does not exist: make it, then run the deploy step",
    asyncpg.TooManyConnectionsError: "it has no connection left: raise its max_connections",
    asyncpg.CannotConnectNowError: "it is starting, or ends",
    socket.gaierror: "the host of DATABASE_URL has no address",
    ConnectionRefusedError: "nobody listens at the host and port of DATABASE_URL",
    TimeoutError: "the host of DATABASE_URL does not answer within 5 s: a firewall, or the wrong address",
}


async def ask(name: str, settings: Settings) -> AsyncIterator[Finding]:
    """Can it be entered, is it new enough, has it the tables, are the keys its own; and the way by a pooler."""
    try:
        connection = await asyncpg.connect(settings.dsn, timeout=5)
    except (ValueError, *DATABASE_TROUBLE) as error:
        yield wrong(ABOUT, _refusal(error))
        return
    try:
        async for finding in _server(connection):
            yield finding
        revision = await _revision(connection)
        yield _of_revision(revision)
        if revision is None or revision < REVISION:
            return
        if not await connection.fetchval("SELECT has_schema_privilege(current_user, $1, 'USAGE')", name):
            yield wrong(ABOUT, f"the role of DATABASE_URL is not that of {name}: it may not use the schema {name}")
            return
    except asyncpg.PostgresError as error:
        yield wrong(ABOUT, f"it refuses to say what it has ({failure_name(error)}): is the role that of {name}?")
        return
    finally:
        await connection.close()
    async for finding in _keys(name, settings):
        yield finding
    if settings.pooled_dsn:
        yield await _by_pooler(name, settings)


def _refusal(error: BaseException) -> str:
    known = next((words for kind, words in REFUSALS.items() if isinstance(error, kind)), None)
    return known or f"it can't be entered ({failure_name(error)})"


async def _by_pooler(name: str, settings: Settings) -> Finding:
    """Asked as `pooled_engine_of` asks: the search path is the role's, for a pooler passes on none."""
    about = "pooler"
    try:
        connection = await asyncpg.connect(settings.pooled_dsn, timeout=5, statement_cache_size=0)
        try:
            async with connection.transaction():
                path = await connection.fetchval("SELECT current_setting('search_path')")
        finally:
            await connection.close()
    except (ValueError, *DATABASE_TROUBLE) as error:
        return wrong(about, _refusal(error).replace("DATABASE_URL", "PIR_POOLED_DATABASE_URL"))
    if path != name:
        return wrong(
            about, f"the role of PIR_POOLED_DATABASE_URL is not that of {name}, or the deploy step did not run"
        )
    return well(about, "calls and pages can go by it")


async def _server(connection: asyncpg.Connection[Any]) -> AsyncIterator[Finding]:
    [row] = await connection.fetch(SERVER)
    if row["version"] < NEEDED:
        yield wrong(ABOUT, f"version {row['version'] // 10_000} is too old: it has to be 18 or newer")
    else:
        yield well(ABOUT, f"version {row['version'] // 10_000} answers")
    if row["read_only"] == "on":
        yield wrong(ABOUT, "it takes no writes: a standby, or default_transaction_read_only is on")
    if row["encoding"] != "UTF8":
        yield wrong(ABOUT, f"the encoding of the database is {row['encoding']}: it has to be UTF8")
    if row["is_superuser"]:
        yield look(ABOUT, "the role of DATABASE_URL is a superuser: nothing keeps this service out of the others' rows")
    if row["connections"] < NEEDED_CONNECTIONS:
        yield look(
            ABOUT, f"max_connections is {row['connections']}: two copies of each service want {NEEDED_CONNECTIONS}"
        )
    apart = abs(float(row["now"]) - datetime.now(UTC).timestamp())
    if apart > CLOCKS_APART_SECONDS:
        yield wrong(ABOUT, f"its clock and this machine's are {apart:.0f} s apart: let both follow a time server")


async def _revision(connection: asyncpg.Connection[Any]) -> str | None:
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM public.pir_version")
    except asyncpg.UndefinedTableError:
        return None
    return found


def _of_revision(found: str | None) -> Finding:
    if found is None:
        return wrong(ABOUT, "the database is empty: run the deploy step (python -m deploy.setup)")
    if found < REVISION:
        return wrong(ABOUT, f"its tables are of revision {found}, this version needs {REVISION}: run the deploy step")
    later = " or a later one" if found > REVISION else ""
    return well(ABOUT, f"its tables are of revision {found}, which is what this version needs{later}")


async def _keys(name: str, settings: Settings) -> AsyncIterator[Finding]:
    """A key that is new is written down at the first start: here it is rolled back."""
    engine = engine_of(settings.dsn, name)
    try:
        async with engine.connect() as tx:
            try:
                if await _check(tx, settings):
                    yield well("keys", "they open what is stored")
            except WrongKeyError as error:
                yield wrong("keys", str(error))
            except sa.exc.DBAPIError as error:
                yield wrong("keys", f"a first key could not be written down ({failure_name(error)})")
            finally:
                await tx.rollback()
    finally:
        await engine.dispose()


async def _check(tx: AsyncConnection, settings: Settings) -> bool:
    """Whether this service has keys at all. Raises WrongKeyError."""
    at = datetime.now(UTC)
    match settings:
        case ReferralSettings():
            await referral_keys.check(tx, identities_of(settings), at=at)
        case TriageSettings():
            await triage_keys.check(tx, triage_keys.held(settings), at=at)
        case NotifySettings():
            await secrets.check(tx, secrets.held(settings), at=at)
        case _:
            return False
    return True
