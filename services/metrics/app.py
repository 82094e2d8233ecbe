"""The metrics service wired together: settings → engine → consumer → ASGI app. It speaks no events."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.metrics import api, exports_api, measures, pages, reports_api, tables
from services.metrics.handlers import handlers
from services.metrics.pages.context import PageContext
from services.metrics.reports.agreeing import terms_of
from services.metrics.reports.publishing import Waits, publish_when_ready, what_waits
from services.metrics.reports.queries import PublishedReports
from services.metrics.reports.readiness import unread_by
from services.metrics.settings import Settings
from shared import audit_calls, parked_calls, subject_access
from shared.access import staff_directory
from shared.database import create_engine, is_pooled, request_engine
from shared.events import TOPICS
from shared.health import Health
from shared.messaging.consumer import Consumer
from shared.messaging.dispatch import Handlers
from shared.pages import Pages
from shared.runtime import Service
from shared.sign_in.cookies import Names
from shared.sign_in.setting_up import install
from shared.web import Edge, add_routes, create_app

MEASURE_SECONDS = 10.0
PUBLISH_SECONDS = 600.0
"""How often the service looks whether a report's day has come."""
LOOK_AGAIN_SECONDS = 60.0
"""How often it looks whether a report that waits may be published, and how old what pages say of it may be."""


def heard(settings: Settings) -> Handlers:
    """What this service does with each event, under the policy in force."""
    return handlers(settings.policy_in_force())


async def build(settings: Settings) -> Service:
    """Everything connected, nothing started.

    Raises InvalidPolicyError and InvalidPopulationError for files that can't be used.
    """
    policy = settings.policy_in_force()
    hears, terms = handlers(policy), terms_of(settings, policy)
    engine = request_engine(settings, tables.SCHEMA)
    by_key = create_engine(settings, tables.SCHEMA, pool_size=3, by_key=True)
    locking = create_engine(settings, tables.SCHEMA, pool_size=1) if is_pooled(engine) else engine
    consumer = Consumer(
        engine=by_key,
        service="metrics",
        topics=TOPICS,
        handlers=hears,
        brokers=settings.brokers,
        instance=settings.instance,
        calm_seconds=0.25,  # counts may be a moment behind
    )
    health = Health.of(settings, consumer, None)
    app = create_app(
        title="Metrics service",
        description="Counts of what happened, without personal data.",
        health=health,
        speaks=(),
        hears=tuple(hears),
    )
    add_routes(app, api.router(engine))
    triage, referral = settings.from_triage.get_secret_value(), settings.from_referral.get_secret_value()
    add_routes(app, audit_calls.router(engine, triage, referral))
    add_routes(app, subject_access.router(engine, tables.metadata, tables.SCHEMA, token=referral))
    add_routes(app, parked_calls.router(engine, handlers=hears, health=health, internal_token=triage))

    waits: Waits | None = None
    context = _add_reports(app, settings, engine, PublishedReports.of(engine, policy, terms, _now, lambda: waits))

    async def keep_measuring() -> None:
        while True:
            async with engine.connect() as tx:
                await measures.measure(tx, policy.working_time)
            await asyncio.sleep(MEASURE_SECONDS)

    unread = unread_by(settings)

    async def keep_publishing() -> None:
        while terms is not None:
            late = await publish_when_ready(locking, now=_now(), terms=terms, unread=unread)
            measures.REPORTS_WAIT.set((_now() - late.since).total_seconds() if late else 0)
            await asyncio.sleep(LOOK_AGAIN_SECONDS if late else PUBLISH_SECONDS)
        await asyncio.Event().wait()

    async def keep_looking() -> None:
        nonlocal waits
        while terms is not None:
            waits = await what_waits(engine, now=_now(), terms=terms, unread=unread)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        await asyncio.Event().wait()

    edge = Edge.of(app, settings)
    return Service(
        "metrics",
        settings,
        engine,
        edge,
        health,
        consumer,
        None,
        {"measure": keep_measuring, "publish": keep_publishing},
        closes=(by_key.dispose, locking.dispose),
        http_loops={"pages": context.pages.keep_compiled, "waits": keep_looking},
    )


def _add_reports(app: FastAPI, settings: Settings, engine: AsyncEngine, reports: PublishedReports) -> PageContext:
    """What is published, for programs with a token and for people who sign in."""
    shown = Pages(
        name="Parent-infant reports",
        folder=Path(pages.__file__).parent / "templates",
        navigation=pages.navigation(settings.triage_public_url),
        is_development=settings.is_development,
    )
    context = PageContext(engine=engine, reports=reports, pages=shown)
    app.state.staff = staff_directory(settings)
    app.state.pages = shown
    add_routes(app, reports_api.router(reports, shown))
    add_routes(app, exports_api.router(engine, reports.policy.working_time, _now))
    add_routes(app, shown.router())
    add_routes(app, pages.router(context))
    install(app, settings, engine=engine, pages=shown, now=_now, names=Names.of("reports"))
    return context


def _now() -> datetime:
    return datetime.now(UTC)
