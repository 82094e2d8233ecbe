"""The triage service wired together: settings → engine → consumer → relay → ASGI app, and the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from services.triage import api, capacity, clock, tables
from services.triage.families import Families
from services.triage.handlers import handlers
from services.triage.rules import CATALOGUE
from services.triage.settings import Settings
from services.triage.steps import STEPS, Desk
from services.triage.texts import StaffTexts
from shared import events
from shared.access import staff_directory
from shared.crypto import read_key
from shared.database import create_engine
from shared.docs import Table
from shared.health import Health
from shared.inbox import Consumer
from shared.policy import load_all
from shared.relay import Relay
from shared.runtime import Service
from shared.web import Edge, create_app

SPEAKS = (
    events.ReferralTriaged,
    events.WorkItemOpened,
    events.WorkItemClaimed,
    events.WorkItemWaiting,
    events.WorkItemAccepted,
    events.WorkItemDeclined,
    events.WorkItemFirstContact,
    events.WorkItemClosed,
    events.WorkItemEscalated,
)


async def build(settings: Settings) -> Service:
    """Everything connected, nothing started. Raises InvalidPolicyError for a policy that can't be used."""
    policies = load_all(settings.policies_dir)
    policy = policies[settings.policy]
    engine = create_engine(settings, tables.SCHEMA)
    heard = handlers(policy)
    consumer = Consumer(
        engine=engine,
        service="triage",
        topics=[events.REFERRAL_TOPIC, events.NOTIFY_TOPIC],
        handlers=heard,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        instance=settings.instance,
    )
    relay = Relay(dsn=settings.dsn, schema=tables.SCHEMA, bootstrap_servers=settings.kafka_bootstrap_servers)
    health = Health(settings.dsn, settings.kafka_bootstrap_servers, consumer, relay, needs_partitions=True)
    app = create_app(
        title="Triage service",
        description="Decisions with their reasons, and the work queues of the teams.",
        health=health,
        speaks=SPEAKS,
        hears=tuple(heard),
        guide=_guide(),
    )
    app.state.staff = staff_directory(settings)
    families = Families(referral_url=settings.referral_url, internal_token=settings.internal_token.get_secret_value())
    desk = Desk(policy, StaffTexts(read_key(settings.triage_master_key.get_secret_value())))
    app.include_router(api.router(engine, policies, desk, families))

    async def keep_time() -> None:
        async with engine.begin() as tx:
            await capacity.take_over(tx, policy, at=datetime.now(UTC))
        while True:
            now = datetime.now(UTC)
            async with engine.begin() as tx:
                await clock.escalate_unopened(tx, now=now, policy=policy)
            async with engine.begin() as tx:
                await clock.warn_of_age(tx, now=now)
            async with engine.begin() as tx:
                await clock.release_held(tx, now=now, policy=policy)
            await asyncio.sleep(settings.deadline_seconds)

    edge = Edge(app, is_development=settings.is_development, internal_port=settings.internal_port)
    return Service("triage", settings, engine, edge, health, consumer, relay, {"clock": keep_time})


def _guide() -> list[Table]:
    steps = [(step, ", ".join(sorted(states))) for step, states in STEPS.items()]
    rules = [(rule, entry.meaning, entry.source) for rule, entry in CATALOGUE.items()]
    return [
        Table("Steps of a work item", ("step", "possible from"), steps),
        Table("Rules", ("rule", "says", "source"), rules),
    ]
