"""Bring the database to the newest revision: `python -m deploy.migrate` (Alembic).

It asks DATABASE_URL, of a role that may create roles, and PIR_DATABASE_PASSWORD_<SERVICE> of roles that are new.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import asyncpg

from deploy import roles
from deploy.secrets import database_url, passwords_from
from shared.revision import REVISION

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database_url: str, *, to: str = "head", passwords: Mapping[str, str] | None = None) -> None:
    """Make the roles, then run every revision up to `to` that is missing; safe to run from several places at once.

    `passwords`: see deploy/roles.py. Alembic is imported only when there is something to do: a second saved at every
    warm start.
    """
    dsn = database_url.replace("postgresql+asyncpg://", "postgresql://", 1)
    if asyncio.run(_prepare(dsn, passwords or {})):
        return
    from alembic import command  # noqa: PLC0415  see above
    from alembic.config import Config  # noqa: PLC0415  see above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["database_url"] = dsn
    config.attributes["is_whole"] = to == "head"
    command.upgrade(config, to)


async def _prepare(dsn: str, passwords: Mapping[str, str]) -> bool:
    """Make the roles; whether the database is at REVISION already, its rights given once more, or further.

    A later release has been here: this one runs on its tables (docs/operations.md), whose rights it does not know.
    """
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await roles.make(connection, passwords)
        try:
            found = await connection.fetchval("SELECT version_num FROM public.pir_version")
        except asyncpg.UndefinedTableError:
            return False
        if found == REVISION:
            await roles.grant(connection)
        return bool(found >= REVISION)  # numbers of four digits
    finally:
        await connection.close()


if __name__ == "__main__":
    migrate(database_url(), passwords=passwords_from(os.environ, "database"))
