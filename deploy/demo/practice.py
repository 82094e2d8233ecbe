"""Practice reports for who looks at the demo as a commissioner: its families are new, and reports are of the past."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from deploy.demo.history.filling import NoPracticeError, practise
from deploy.demo.history.terms import practice_terms
from services.metrics import tables
from services.metrics.settings import Settings
from shared.database import create_engine


async def practise_once(*, now: datetime, told: Callable[[str], None]) -> None:
    """Made before the first family is referred, for from then on the metrics service publishes by itself.

    Where there are reports already, or the policy has no contract, nothing is added.
    """
    settings = Settings()
    terms = practice_terms(settings)
    if terms is None:
        told(f"The policy {settings.policy} has no contract: there is nothing to report.")
        return
    engine = create_engine(settings, tables.SCHEMA, pool_size=1)
    try:
        await practise(engine, settings, terms, now=now, told=told)
    except NoPracticeError as refusal:
        told(str(refusal))
    finally:
        await engine.dispose()
