"""`python -m services.metrics practice`: practice reports for an empty development system, never anywhere else."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics.practice.filling import NoPracticeError, practise
from services.metrics.practice.terms import practice_terms
from services.metrics.settings import Settings

DEVELOPMENT_ONLY: Final = "Practice reports are for development only, and PIR_PROFILE is not development."
REFUSED: Final = 2


async def run(engine: AsyncEngine) -> int:
    """Status 0 when done or when there are reports already, 2 outside development."""
    settings = Settings()
    if not settings.is_development:
        print(DEVELOPMENT_ONLY, file=sys.stderr)
        return REFUSED
    terms = practice_terms(settings)
    if terms is None:
        print(f"The policy {settings.policy} has no contract: there is nothing to report.")
        return 0
    try:
        await practise(engine, settings, terms, now=datetime.now(UTC), told=lambda what: print(what, flush=True))
    except NoPracticeError as refusal:
        print(refusal)
    return 0
