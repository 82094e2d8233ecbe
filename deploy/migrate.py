"""Bring the database to the newest revision: `python -m deploy.migrate` (Alembic; asks DATABASE_URL)."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database_url: str) -> None:
    """Run every revision that the database does not have yet; safe to run from several places at once."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["database_url"] = database_url.replace("postgresql://", "postgresql+asyncpg://", 1)
    command.upgrade(config, "head")


if __name__ == "__main__":
    migrate(os.environ["DATABASE_URL"])
