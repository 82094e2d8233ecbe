"""`python -m services.referral [serve | agency … | parked … | republish]`: serve is the default."""

from __future__ import annotations

import sys

from shared import startup as startup  # noqa: PLC0414  first, before the libraries

# isort: split
from services.referral import handlers, tables
from services.referral.agency_commands import add_agency_commands
from services.referral.app import build
from services.referral.settings import Settings
from shared.commands import Command, main

if __name__ == "__main__":
    sys.exit(
        main(
            Command(
                name="referral",
                schema=tables.SCHEMA,
                settings=Settings,
                build=build,
                handlers=lambda _: handlers.HANDLERS,
                extend=add_agency_commands,
            )
        )
    )
