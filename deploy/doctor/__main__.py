"""`python -m deploy.doctor SERVICE`: asks everything that the service needs, with that service's own variables.

A line for each thing asked; ends with 1 when one is wrong, else with 0, and with 2 when the settings can't be read.
Nothing is written, anywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator

from pydantic import ValidationError
from pydantic_settings import SettingsError

from deploy.doctor import around, database
from deploy.doctor.findings import Finding, Grade
from deploy.variables import SERVICES
from services.notify.settings import Settings as NotifySettings
from shared.logs import configure
from shared.settings import Settings, said_of


async def findings(name: str, settings: Settings) -> AsyncIterator[Finding]:
    """In the order in which to mend: what is on this machine, then what is not."""
    async for finding in around.ask_files(settings):
        yield finding
    async for finding in database.ask(name, settings):
        yield finding
    async for finding in around.ask_kafka(settings):
        yield finding
    if isinstance(settings, NotifySettings):
        async for finding in around.ask_mail(settings):
            yield finding
    if name in ("triage", "metrics"):
        async for finding in around.ask_provider(settings):
            yield finding


async def _say(name: str, settings: Settings) -> int:
    is_well = True
    async for finding in findings(name, settings):
        print(finding, flush=True)
        is_well = is_well and finding.grade is not Grade.WRONG
    print(f"{name} can start" if is_well else f"{name} would not work: mend the first line that is WRONG, ask again")
    return 0 if is_well else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.doctor", description=__doc__)
    parser.add_argument("service", choices=SERVICES)
    name = parser.parse_args().service
    try:
        settings = SERVICES[name]()
    except ValidationError as error:
        print("\n".join(f"WRONG  settings: {line}" for line in said_of(error, SERVICES[name])))
        return 2
    except SettingsError as error:
        print(f"WRONG  settings: {error}")
        return 2
    configure(name, settings.log_level)
    return asyncio.run(_say(name, settings))


if __name__ == "__main__":
    sys.exit(main())
