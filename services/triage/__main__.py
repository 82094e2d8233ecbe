"""`python -m services.triage [serve | parked … | republish | keys … | sessions …]`: serve is the default."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from shared import startup as startup  # noqa: PLC0414  first, before the libraries

# isort: split
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import encryption_keys, tables
from services.triage.app import build
from services.triage.handlers import handlers
from services.triage.settings import Settings
from shared.commands import Command, main
from shared.key_rotation import add_key_commands
from shared.sign_in.logout import add_session_commands


def _add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    add_key_commands(commands, lambda: encryption_keys.rotates(Settings()))
    add_session_commands(commands)


async def _check_keys(settings: Settings, tx: AsyncConnection) -> None:
    await encryption_keys.check(tx, encryption_keys.held(settings), at=datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(
        main(
            Command(
                name="triage",
                schema=tables.SCHEMA,
                settings=Settings,
                build=build,
                handlers=lambda settings: handlers(settings.policy_in_force()),
                extend=_add_commands,
                check_keys=_check_keys,
            )
        )
    )
