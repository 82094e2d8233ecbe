"""`python -m services.referral demo`: invented families for an empty development system, never anywhere else."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.referral.settings import Settings

DEVELOPMENT_ONLY: Final = "Invented families are for development only, and PIR_PROFILE is not development."
REFUSED: Final = 2


def add_demo_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`demo --families 300`: status 0 when done or when there are referrals already, 2 outside development."""
    parser = commands.add_parser("demo", help="invented families, for an empty development system")
    parser.add_argument("--families", type=int, default=300, metavar="N", help="how many referrals (300)")
    parser.add_argument("--seed", type=int, metavar="N", help="another number gives other families")
    parser.set_defaults(run=_demo)


async def _demo(engine: AsyncEngine, arguments: argparse.Namespace) -> int:
    from services.referral.demo.families import SEED, invented  # noqa: PLC0415  a serving process never needs them
    from services.referral.demo.filling import NoDemoError, filling, refuse_if_used  # noqa: PLC0415  likewise
    from services.referral.submitting.prepare import preparing_of  # noqa: PLC0415  likewise

    settings = Settings()
    if not settings.is_development:
        print(DEVELOPMENT_ONLY, file=sys.stderr)
        return REFUSED
    preparing = preparing_of(settings)
    try:
        await refuse_if_used(engine)
        async with filling(engine, preparing) as demo:
            seed = SEED if arguments.seed is None else arguments.seed
            sent = invented(arguments.families, now=datetime.now(UTC), policy=preparing.policy, seed=seed)
            total = len({each.name for each in sent})
            await demo.send(sent, lambda done: print(f"{done} of {total} referrals and enquiries", flush=True))
    except NoDemoError as refusal:
        print(refusal)
    return 0
