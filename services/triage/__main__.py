"""`python -m services.triage [serve | parked … | republish]`: serve is the default."""

from __future__ import annotations

import sys

from shared import startup as startup  # noqa: PLC0414  first, before the libraries

# isort: split
from services.triage import tables
from services.triage.app import build
from services.triage.handlers import handlers
from services.triage.settings import Settings
from shared.commands import Command, main

if __name__ == "__main__":
    sys.exit(
        main(
            Command(
                name="triage",
                schema=tables.SCHEMA,
                settings=Settings,
                build=build,
                handlers=lambda settings: handlers(settings.policy_in_force()),
            )
        )
    )
