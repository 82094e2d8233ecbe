"""The metrics service's own verbs: publish reports now, and empty the projections so that they can be built again."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics.population import InvalidPopulationError
from services.metrics.reports.agreeing import policy_in_force, terms_of
from services.metrics.reports.publishing import publish_due
from services.metrics.settings import Settings
from shared.database import sql

PROJECTIONS: Final = ("referral", "work_item", "clock_change", "message", "agency", "places", "totals", "inbox")
"""Filled by events alone. What was published, and who looked at what, is no projection and stays."""


def add(verbs: Any) -> None:
    """The verbs for the command line of the service."""
    publish = verbs.add_parser("publish", help="publish the reports whose day has come")
    publish.set_defaults(run=_publish)
    rebuild = verbs.add_parser("rebuild", help="empty what events filled; `republish` of the others fills it")
    rebuild.add_argument("--yes", action="store_true", required=True, help="really: counts are low until it is done")
    rebuild.set_defaults(run=_rebuild)


async def _publish(engine: AsyncEngine, _: argparse.Namespace) -> int:
    settings = Settings()
    policy = policy_in_force(settings)
    try:
        terms = terms_of(settings, policy)
    except InvalidPopulationError as error:
        print(error)
        return 1
    if terms is None:
        print(f"the policy {policy.id} has no contract: nothing is published under it")
        return 1
    count = await publish_due(engine, now=datetime.now(UTC), terms=terms, told=lambda what: print(what, flush=True))
    print(f"{count} report(s) published")
    return 0


async def _rebuild(engine: AsyncEngine, _: argparse.Namespace) -> int:
    await empty(engine)
    print("empty; now run `republish` of the referral, triage and notify services")
    return 0


async def empty(engine: AsyncEngine) -> None:
    """One transaction: a copy of the service that counts at this moment goes before it or comes after."""
    async with engine.begin() as tx:
        await tx.execute(sql(f"TRUNCATE {', '.join(PROJECTIONS)}"))
