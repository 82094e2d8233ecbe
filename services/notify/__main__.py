"""`python -m services.notify [serve | parked … | republish]`: serve is the default."""

from __future__ import annotations

import sys

from shared import startup as startup  # noqa: PLC0414  first, before the libraries

# isort: split
from services.notify import tables
from services.notify.app import build, handlers_of
from services.notify.settings import Settings
from shared.commands import Command, main

if __name__ == "__main__":
    sys.exit(main(Command(name="notify", schema=tables.SCHEMA, settings=Settings, build=build, handlers=handlers_of)))
