"""`python -m services.metrics [serve | parked … | publish | rebuild]`: serve is the default."""

from __future__ import annotations

import sys

from shared import startup as startup  # noqa: PLC0414  first, before the libraries

# isort: split
from services.metrics import commands, tables
from services.metrics.app import build, heard
from services.metrics.settings import Settings
from shared.commands import Command, main

if __name__ == "__main__":
    sys.exit(
        main(
            Command(
                name="metrics",
                schema=tables.SCHEMA,
                settings=Settings,
                build=build,
                handlers=heard,
                speaks=False,
                extend=commands.add,
            )
        )
    )
