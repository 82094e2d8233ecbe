"""`python -m services.referral [serve | agency … | member … | erase … | retention … | subject-access … | …]`."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from shared import startup as startup  # noqa: PLC0414  first, before the libraries

# isort: split
from sqlalchemy.ext.asyncio import AsyncConnection

from services.referral import encryption_keys, handlers, tables
from services.referral.agency_commands import add_agency_commands
from services.referral.app import build
from services.referral.erase_commands import add_erase_commands
from services.referral.front.member_commands import add_member_commands
from services.referral.postcodes.commands import add_places_commands
from services.referral.records.access_commands import add_access_commands
from services.referral.records.legal_hold_commands import add_hold_commands
from services.referral.records.rectify_commands import add_rectify_command
from services.referral.records.retention_commands import add_retention_commands
from services.referral.reindexing import add_reindex_command
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from shared.commands import Command, main
from shared.key_rotation import add_key_commands
from shared.messaging.dispatch import Handlers


def _add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    add_agency_commands(commands)
    add_member_commands(commands)
    add_erase_commands(commands)
    add_hold_commands(commands)
    add_rectify_command(commands)
    add_retention_commands(commands)
    add_access_commands(commands)
    add_reindex_command(commands)
    add_places_commands(commands)
    add_key_commands(commands, lambda: encryption_keys.rotates(Settings()))


async def _check_keys(settings: Settings, tx: AsyncConnection) -> None:
    await encryption_keys.check(tx, identities_of(settings), at=datetime.now(UTC))


def _handlers(settings: Settings) -> Handlers:
    return handlers.handlers(settings.policy_in_force())


if __name__ == "__main__":
    sys.exit(
        main(
            Command(
                name="referral",
                schema=tables.SCHEMA,
                settings=Settings,
                build=build,
                handlers=_handlers,
                extend=_add_commands,
                check_keys=_check_keys,
            )
        )
    )
