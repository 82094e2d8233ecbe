"""The notify service wired together: settings → engine → consumer → delivery → relay → ASGI app."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from services.notify import api, internal, measures, sign_in_codes, tables
from services.notify.delivery import Delivery
from services.notify.family_messages import wiring
from services.notify.handlers import handlers
from services.notify.senders import Sender
from services.notify.senders.files import Files
from services.notify.senders.smtp import Smtp
from services.notify.sending_rules import Retries
from services.notify.settings import Settings
from services.notify.sign_in_codes import CodeMailer
from services.notify.templates import Council
from services.notify.webhooks.wiring import Webhooks
from services.notify.writing import Writer
from shared import audit_calls, events, parked_calls, subject_access
from shared.access import staff_directory
from shared.database import create_engine, request_engine
from shared.health import Health
from shared.messaging.consumer import Consumer
from shared.messaging.dispatch import Handlers
from shared.messaging.outbox import PARTS
from shared.messaging.relay import Relay
from shared.runtime import Loop, Service
from shared.service_map import of_authority
from shared.web import Edge, add_routes, create_app
from shared.working_time import day_in_london

MEASURE_SECONDS = 10.0


async def build(settings: Settings) -> Service:
    """Everything connected, nothing started. Raises InvalidPolicyError for a policy that can't be used."""
    engine = request_engine(settings, tables.SCHEMA)
    by_key = create_engine(settings, tables.SCHEMA, pool_size=3, by_key=True)
    policy = settings.policy_in_force()
    heard = handlers(policy, mail_domain=settings.mail_domain, caps=settings.caps)
    relay = Relay(
        dsn=settings.dsn,
        schema=tables.SCHEMA,
        brokers=settings.brokers,
        calm_seconds=0.25,  # that a mail was sent is only counted
    )
    service_map = of_authority(policy.authority, folder=settings.service_maps_dir)

    def council() -> Council:
        return Council(policy, service_map, on=day_in_london(datetime.now(UTC)), refer_at=settings.refer_at)

    delivery = partial(
        Delivery,
        dsn=settings.dsn,
        schema=tables.SCHEMA,
        engine=by_key,
        writer=Writer(
            policy,
            service_map,
            mail_from=settings.sender,
            envelope_from=settings.envelope_from,
            refer_at=settings.refer_at,
        ),
        retries=retries_of(settings),
        wake_relay=relay.wake.set,
    )
    on_call = delivery(sender=sender_of(settings), name="on_call", first_part=PARTS)
    ordinary = delivery(sender=sender_of(settings), before_a_backlog=on_call.wake.set)
    webhooks = Webhooks(settings, engine, retries_of(settings), sender_of(settings))
    consumer = Consumer(
        engine=by_key,
        service="notify",
        topics=[events.REFERRAL_TOPIC, events.TRIAGE_TOPIC],
        handlers=heard,
        brokers=settings.brokers,
        instance=settings.instance,
        wake=ordinary.wake.set,  # calls are few: their loop looks by itself, once a second
    )
    families = wiring.build(
        settings,
        policy,
        engine=engine,
        by_key=by_key,
        retries=retries_of(settings),
        wake_relay=relay.wake.set,
    )
    loops: dict[str, Loop] = {
        "delivery": ordinary.run,
        "delivery-on-call": on_call.run,
        "webhooks": webhooks.loop.run,
        **families.loops,
    }
    health = Health.of(settings, consumer, relay)
    app = create_app(
        title="Notify service",
        description="Tells agencies what became of their referrals.",
        health=health,
        speaks=events.spoken_by(tables.SCHEMA),
        hears=tuple(heard),
    )
    app.state.staff = staff_directory(settings)
    add_routes(app, api.router(engine))
    triage, referral = settings.from_triage.get_secret_value(), settings.from_referral.get_secret_value()
    add_routes(app, internal.router(engine, triage, council))
    add_routes(app, sign_in_codes.router(CodeMailer(sender_of(settings), settings), referral))
    add_routes(app, webhooks.router(referral))
    for router in families.routers:
        add_routes(app, router)
    add_routes(app, audit_calls.router(engine, triage, referral))
    add_routes(app, parked_calls.router(engine, handlers=heard, health=health, internal_token=triage))
    add_routes(
        app,
        subject_access.router(
            engine, tables.metadata, tables.SCHEMA, token=referral, opened=internal.words_beside(council)
        ),
    )

    async def keep_measuring() -> None:
        while True:
            async with engine.connect() as tx:
                await measures.measure(tx)
                await webhooks.measure(tx)
            await asyncio.sleep(MEASURE_SECONDS)

    async def prepare() -> None:
        await webhooks.check_key()
        await wiring.hold_switched_off(engine, policy)

    loops["measure"] = keep_measuring
    edge = Edge.of(app, settings)
    return Service(
        "notify",
        settings,
        engine,
        edge,
        health,
        consumer,
        relay,
        loops,
        prepare=prepare,
        closes=(by_key.dispose, webhooks.close, *families.closes),
    )


def handlers_of(settings: Settings) -> Handlers:
    """For the command line: the same as the consumer's."""
    policy = settings.policy_in_force()
    return handlers(policy, mail_domain=settings.mail_domain, caps=settings.caps)


def sender_of(settings: Settings) -> Sender:
    """Files in development when a folder is set, else a mail server."""
    return Files(settings.mail_dir) if settings.mail_dir else Smtp(settings)


def retries_of(settings: Settings) -> Retries:
    return Retries(
        first=timedelta(seconds=settings.retry_first_seconds),
        longest=timedelta(seconds=settings.retry_longest_seconds),
        give_up=timedelta(hours=settings.retry_hours),
    )
