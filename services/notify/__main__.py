"""`python -m services.notify [serve | parked … | republish | keys …]`: serve is the default."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from shared import startup as startup  # noqa: PLC0414  first, before the libraries

# isort: split
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify import tables
from services.notify.app import build, handlers_of
from services.notify.settings import Settings
from services.notify.webhooks import secrets
from shared.commands import Command, main
from shared.key_rotation import add_key_commands


def _add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    add_key_commands(commands, lambda: secrets.rotates(Settings()))


async def _check_keys(settings: Settings, tx: AsyncConnection) -> None:
    await secrets.check(tx, secrets.held(settings), at=datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(
        main(
            Command(
                name="notify",
                schema=tables.SCHEMA,
                settings=Settings,
                build=build,
                handlers=handlers_of,
                extend=_add_commands,
                check_keys=_check_keys,
            )
        )
    )
