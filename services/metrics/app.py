"""The metrics service wired together: settings → engine → consumer → ASGI app. It speaks no events."""

from __future__ import annotations

import asyncio

from services.metrics import api, handlers, measures, tables
from services.metrics.settings import Settings
from shared import parked_calls
from shared.database import create_engine
from shared.events import TOPICS
from shared.health import Health
from shared.inbox import Consumer
from shared.runtime import Service
from shared.web import Edge, create_app

MEASURE_SECONDS = 10.0


async def build(settings: Settings) -> Service:
    """Everything connected, nothing started."""
    engine = create_engine(settings, tables.SCHEMA)
    consumer = Consumer(
        engine=engine,
        service="metrics",
        topics=TOPICS,
        handlers=handlers.HANDLERS,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        instance=settings.instance,
        calm_seconds=0.25,  # counts may be a moment behind
    )
    health = Health(settings.dsn, settings.kafka_bootstrap_servers, consumer, None, needs_partitions=True)
    app = create_app(
        title="Metrics service",
        description="Counts of what happened, without personal data.",
        health=health,
        speaks=(),
        hears=tuple(handlers.HANDLERS),
    )
    app.include_router(api.router(engine))
    app.include_router(
        parked_calls.router(
            engine,
            handlers=handlers.HANDLERS,
            health=health,
            internal_token=settings.internal_token.get_secret_value(),
            note=parked_calls.logged,
        )
    )

    async def keep_measuring() -> None:
        while True:
            async with engine.connect() as tx:
                await measures.measure(tx)
            await asyncio.sleep(MEASURE_SECONDS)

    edge = Edge(app, is_development=settings.is_development, internal_port=settings.internal_port)
    return Service("metrics", settings, engine, edge, health, consumer, None, {"measure": keep_measuring})
