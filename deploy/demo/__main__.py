"""`python -m deploy.demo [practice]`: fills a running development system, once; or practice reports alone."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from shared import startup as startup  # noqa: PLC0414  first, before the libraries

# isort: split
from pydantic import ValidationError

from deploy.demo.families.intake import NoDemoError, UsedError
from deploy.demo.filling import fill
from deploy.demo.mark import MORNING, Mark
from deploy.demo.practice import practise_once
from services.metrics.settings import Settings as MetricsSettings
from services.referral.settings import Settings
from shared.logs import configure

PATIENCE_SECONDS: Final = 240
DEVELOPMENT_ONLY: Final = "Invented families are for development only, and PIR_PROFILE is not development."
REFUSED: Final = 2


def main() -> int:
    """0 when it is there or not for this place, 1 when the demo has not come to rest, 2 outside development."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--families", type=int, default=300, metavar="N", help="how many referrals (300)")
    parser.add_argument(
        "--morning", dest="families", action="store_const", const=MORNING, help="twelve awkward cases instead"
    )
    parser.add_argument("--mark", type=Path, help="the file that says that it has been done")
    verbs = parser.add_subparsers(dest="verb", metavar="verb")
    verbs.add_parser("practice", help="practice reports of an invented past, without the families")
    arguments = parser.parse_args()
    if arguments.verb is None and arguments.mark is None:
        parser.error("--mark is missing")
    try:
        settings = MetricsSettings() if arguments.verb else Settings()
    except ValidationError as error:
        print("; ".join(str(part["msg"]) for part in error.errors(include_input=False)), file=sys.stderr)
        return REFUSED
    if not settings.is_development:
        print(DEVELOPMENT_ONLY, file=sys.stderr)
        return REFUSED
    configure("demo", "WARNING")
    if isinstance(settings, MetricsSettings):
        asyncio.run(practise_once(now=datetime.now(UTC), told=lambda what: print(what, flush=True)))
        return 0
    return asyncio.run(_fill(settings, arguments.families, Mark(arguments.mark)))


async def _fill(settings: Settings, families: int, mark: Mark) -> int:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await fill(settings, families, mark)
    except UsedError as refusal:
        print(refusal)
        mark.done()
    except NoDemoError as refusal:
        print(refusal)
    except TimeoutError:
        print(f"The demo did not come to rest in {PATIENCE_SECONDS} s.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
