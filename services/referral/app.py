"""The referral service wired together: settings → engine → consumer → relay → ASGI app."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from services.referral import answers, contract, handlers, internal, own_names, tables
from services.referral.api import ReferralApi
from services.referral.group_writer import GroupWriter
from services.referral.intake import Arrival, Intake, another_reference
from services.referral.keyring import Keyring
from services.referral.limits import Limits
from services.referral.places import PostcodeFiles
from services.referral.postcodes.looking_up import LoadedPlaces
from services.referral.preparing import Preparing, identities_of
from services.referral.settings import Settings
from services.referral.status import STEPS
from shared import audit_calls, events, openapi, parked_calls
from shared.database import create_engine
from shared.docs import Table
from shared.health import Health
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.policy import load_all
from shared.runtime import Service
from shared.service_map import of_authority
from shared.web import Edge, create_app

SPEAKS = (
    events.ReferralReceived,
    events.ReferralAmended,
    events.ReferralInformed,
    events.ReferralChallenged,
    events.ReferralWithdrawn,
    events.ReferralErased,
    events.EnquiryReceived,
    events.AgencyUpdated,
)


async def build(settings: Settings) -> Service:
    """Everything connected, nothing started. Raises InvalidPolicyError for a policy that can't be used."""
    engine = create_engine(settings, tables.SCHEMA)
    identities = identities_of(settings)
    policy = load_all(settings.policies_dir)[settings.policy]
    places = LoadedPlaces(engine, PostcodeFiles())
    preparing = Preparing(policy, places, identities)
    hears = handlers.handlers(policy)
    writer: GroupWriter[Arrival] = GroupWriter(engine, Intake(preparing).admit, another_reference)
    consumer = Consumer(
        engine=engine,
        service="referral",
        topics=[events.TRIAGE_TOPIC],
        handlers=hears,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        instance=settings.instance,
    )
    relay = Relay(dsn=settings.dsn, schema=tables.SCHEMA, bootstrap_servers=settings.kafka_bootstrap_servers)
    health = Health.of(settings, engine, consumer, relay, needs_partitions=False)
    app = create_app(
        title="Referral service",
        description="Where partner agencies send referrals and see what became of them.",
        health=health,
        speaks=SPEAKS,
        hears=tuple(hears),
        guide=[
            Table(
                "Steps",
                ("status", "steps allowed"),
                [
                    (status.value, ", ".join(sorted(step.value for step in steps)) or "none")
                    for status, steps in STEPS.items()
                ],
            )
        ],
    )
    limits = Limits(None if settings.is_development else settings.requests_per_minute)
    api = ReferralApi(
        engine=engine,
        keyring=Keyring(engine),
        limits=limits,
        preparing=preparing,
        service_map=of_authority(preparing.policy.authority, folder=settings.service_maps_dir),
        writer=writer,
    )
    app.include_router(api.router())
    app.openapi = lambda: openapi.public(app, schemes=contract.AGENCY_KEY)  # type: ignore[method-assign]
    token = settings.internal_token.get_secret_value()
    app.include_router(internal.router(engine, identities, token))
    app.include_router(own_names.router(engine, identities, token))
    app.include_router(audit_calls.router(engine, internal_token=token))
    app.include_router(parked_calls.router(engine, handlers=hears, health=health, internal_token=token))

    async def forget() -> None:
        while True:
            async with engine.begin() as tx:
                await answers.forget_old(tx, before=datetime.now(UTC) - timedelta(days=answers.KEPT_DAYS))
            await asyncio.sleep(3600)

    edge = Edge(
        app,
        is_development=settings.is_development,
        internal_port=settings.internal_port,
        express=api.express(),
        only=settings.only,
    )
    return Service(
        "referral",
        settings,
        engine,
        edge,
        health,
        consumer,
        relay,
        loops={"forget": forget},
        prepare=places.refresh,
        http_loops={"group-writer": writer.run, "places": places.watch},
    )
