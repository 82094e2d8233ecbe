"""The metrics service's own verbs: publish reports now, build what is counted again, and say that it is whole."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics import measures
from services.metrics.population import InvalidPopulationError
from services.metrics.reports.agreeing import terms_of
from services.metrics.reports.publishing import publish_when_ready
from services.metrics.reports.readiness import say_ready, set_unready, unread_by
from services.metrics.settings import Settings
from shared.database import sql
from shared.sign_in.logout import add_session_commands

PROJECTIONS: Final = ("referral", "work_item", "clock_change", "message", "agency", "places", "totals", "inbox")
"""Filled by events alone. What was published, and who looked at what, is no projection and stays."""


def add(verbs: Any) -> None:
    """The verbs for the command line of the service."""
    publish = verbs.add_parser("publish", help="publish the reports whose day has come")
    publish.set_defaults(run=_publish)
    rebuild = verbs.add_parser("rebuild", help="empty what events filled; `republish` of the others fills it")
    rebuild.add_argument("--yes", action="store_true", required=True, help="really: counts are low until it is done")
    rebuild.set_defaults(run=_rebuild)
    ready = verbs.add_parser("ready", help="what was built again is whole: reports may be published")
    ready.add_argument("--yes", action="store_true", required=True, help="really: no other service has events to send")
    ready.set_defaults(run=_ready)
    add_session_commands(verbs)


async def _publish(engine: AsyncEngine, _: argparse.Namespace) -> int:
    settings = Settings()
    policy = settings.policy_in_force()
    try:
        terms = terms_of(settings, policy)
    except InvalidPopulationError as error:
        print(error)
        return 1
    if terms is None:
        print(f"the policy {policy.id} has no contract: nothing is published under it")
        return 1
    count = 0

    def told(what: str) -> None:
        nonlocal count
        count += 1
        print(what, flush=True)

    unread = unread_by(settings)
    waits = await publish_when_ready(engine, now=datetime.now(UTC), terms=terms, unread=unread, told=told)
    print(f"{count} report(s) published" if waits is None else f"reports wait: {waits.reason}")
    return 0 if waits is None else 1


async def _rebuild(engine: AsyncEngine, _: argparse.Namespace) -> int:
    await empty(engine)
    print("empty; now run `republish` of the referral, triage and notify services, and `ready` when all is counted")
    return 0


async def empty(engine: AsyncEngine) -> None:
    """One transaction: a copy of the service that counts at this moment goes before it or comes after."""
    async with engine.begin() as tx:
        await set_unready(tx)
        await tx.execute(sql(f"TRUNCATE {', '.join(PROJECTIONS)}"))


async def _ready(engine: AsyncEngine, _: argparse.Namespace) -> int:
    """Whether the outboxes of the other services are empty the person knows."""
    if missing := await say_ready(engine, unread_by(Settings()), datetime.now(UTC)):
        print(f"not yet: {missing}")
        return 1
    async with engine.connect() as tx:
        received = (await measures.totals(tx))["received"]
    print(f"ready: {received:,} referrals are counted; reports that are due are published")
    return 0
