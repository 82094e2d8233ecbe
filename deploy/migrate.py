"""Bring the database to the newest revision: `python -m deploy.migrate` (Alembic; asks DATABASE_URL)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import asyncpg

from shared.revision import REVISION

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database_url: str, *, to: str = "head") -> None:
    """Run every revision up to `to` that the database does not have yet; safe to run from several places at once.

    Alembic is imported only when there is something to do: a second saved at every warm start.
    """
    if asyncio.run(_revision_of(database_url)) == REVISION:
        return
    from alembic import command  # noqa: PLC0415  see above
    from alembic.config import Config  # noqa: PLC0415  see above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["database_url"] = database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    command.upgrade(config, to)


async def _revision_of(database_url: str) -> str | None:
    connection = await asyncpg.connect(database_url.replace("postgresql+asyncpg://", "postgresql://", 1), timeout=10)
    try:
        found: str | None = await connection.fetchval("SELECT version_num FROM public.pir_version")
    except asyncpg.UndefinedTableError:
        return None
    else:
        return found
    finally:
        await connection.close()


if __name__ == "__main__":
    migrate(os.environ["DATABASE_URL"])
