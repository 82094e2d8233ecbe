"""The triage service wired together: settings → engine → consumer → relay → ASGI app, and the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from services.triage import api, encryption_keys, measures, pages, policies, questions, tables
from services.triage.clients import AllServices, Arrivals, Families, Messages
from services.triage.handlers import handlers
from services.triage.open_referral import api as open_referral
from services.triage.open_referral.directory import Directory
from services.triage.pages.context import PageContext
from services.triage.rules import CATALOGUE
from services.triage.settings import Settings
from services.triage.staff_notes import StaffNotes
from services.triage.team import keep_colleague
from services.triage.trail import AuditTrails
from services.triage.work_items import places, timers
from services.triage.work_items.steps import HEADS, as_table
from services.triage.work_items.working import StepContext
from shared import audit_calls, events, parked_calls, subject_access
from shared.access import Permission, staff_directory
from shared.database import create_engine, request_engine
from shared.docs import Table
from shared.health import Health
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.pages import NavigationItem, Pages
from shared.policy import load_all
from shared.runtime import Service
from shared.service_map import of_authority
from shared.sign_in.setting_up import install
from shared.web import Edge, add_routes, create_app

MEASURE_SECONDS = 10.0
NAVIGATION = (
    NavigationItem("Today", "/staff", Permission.READ_QUEUES),
    NavigationItem("Queues", "/staff/queues", Permission.READ_QUEUES),
    NavigationItem("Find", "/staff/find", Permission.READ_QUEUES),
    NavigationItem("Take a call", "/staff/arrivals/new", Permission.WORK_ITEMS),
    NavigationItem("Enquiries", "/staff/enquiries", Permission.READ_QUEUES),
    NavigationItem("Places", "/staff/capacity", Permission.READ_CAPACITY),
    NavigationItem("Team", "/staff/team", Permission.READ_QUEUES),
    NavigationItem("Services", "/staff/services", Permission.READ_QUEUES),
    NavigationItem("Policy", "/staff/policy", Permission.READ_POLICY),
    NavigationItem("Parked messages", "/staff/parked", Permission.READ_PARKED),
    NavigationItem("Audit", "/staff/audit", Permission.READ_AUDIT),
)


async def build(settings: Settings) -> Service:
    """Everything connected, nothing started. Raises InvalidPolicyError for a policy that can't be used."""
    known = load_all(settings.policies_dir)
    policy = settings.policy_in_force()
    engine, held = request_engine(settings, tables.SCHEMA), encryption_keys.held(settings)
    by_key = create_engine(settings, tables.SCHEMA, pool_size=3, by_key=True)
    heard = handlers(policy)
    relay = Relay(dsn=settings.dsn, schema=tables.SCHEMA, brokers=settings.brokers)
    consumer = Consumer(
        engine=by_key,
        service="triage",
        topics=[events.REFERRAL_TOPIC, events.NOTIFY_TOPIC],
        handlers=heard,
        brokers=settings.brokers,
        instance=settings.instance,
        calm_seconds=0.2,  # nobody waits for a decision: who refers has the receipt, and danger rings a person
        wake=relay.wake.set,
    )
    health = Health.of(settings, consumer, relay)
    rules = [(rule, entry.meaning, entry.source) for rule, entry in CATALOGUE.items()]
    app = create_app(
        title="Triage service",
        description="Decisions with their reasons, and the work queues of the teams.",
        health=health,
        speaks=events.spoken_by(tables.SCHEMA),
        hears=tuple(heard),
        guide=[Table("Steps of a work item", HEADS, as_table()), Table("Rules", ("rule", "says", "source"), rules)],
    )
    app.state.staff = staff_directory(settings)
    called = settings.all_services
    reports = NavigationItem("Reports", f"{settings.reports_url.rstrip('/')}/staff", Permission.READ_REPORTS)
    room = PageContext(
        engine=engine,
        pages=Pages(
            name="Parent-infant referrals",
            folder=Path(pages.__file__).parent,
            navigation=(*NAVIGATION, reports),
            is_development=settings.is_development,
        ),
        steps=StepContext(policy, StaffNotes(held.safe)),
        families=Families(called["referral"]),
        arrivals=Arrivals(called["referral"]),
        front_url=settings.front_url.rstrip("/"),
        messages=Messages(called["notify"]),
        all_services=AllServices(called),
        trails=AuditTrails(engine, called),
        policies=known,
        service_map=of_authority(policy.authority, folder=settings.service_maps_dir),
        now=_now,
    )
    add_routes(app, api.router(engine, known, room.steps, room.families, room.trails))
    add_routes(app, questions.router(engine, room.steps.texts, settings.from_referral.get_secret_value()))
    add_routes(app, audit_calls.router(engine, settings.from_referral.get_secret_value()))
    add_routes(app, parked_calls.router(engine, handlers=heard, health=health, internal_token=called["triage"].token))
    add_routes(
        app,
        subject_access.router(
            engine,
            tables.metadata,
            tables.SCHEMA,
            token=settings.from_referral.get_secret_value(),
            opened=room.steps.texts.open_rows,
        ),
    )
    add_routes(
        app,
        open_referral.router(
            Directory(room.service_map, policy),
            is_public=settings.is_development or not room.service_map.is_invented,
            public_url=settings.public_url,
            now=_now,
        ),
    )
    app.state.pages = room.pages
    add_routes(app, room.pages.router())
    pages.install(app, room)
    install(app, settings, engine=engine, pages=room.pages, keep_colleague=keep_colleague, now=_now)

    async def prepare() -> None:
        """Raises WrongKeyError, and InvalidPolicyError when a version is not the one that decisions were made with."""
        texts = policies.texts_of(settings.policies_dir)
        async with engine.begin() as tx:
            await encryption_keys.check(tx, held, at=_now())
            await places.take_over(tx, policy, at=_now())
            await policies.keep_versions(tx, known, texts, in_force=policy, at=_now())

    async def keep_time() -> None:
        while True:
            now = _now()
            async with engine.begin() as tx:
                await timers.escalate(tx, now=now, policy=policy)
            async with engine.begin() as tx:
                await timers.warn_of_age(tx, now=now)
            await timers.release_opened_wards(engine, now=now, policy=policy)
            await timers.offer_places(engine, now=now)
            await asyncio.sleep(settings.deadline_seconds)

    async def keep_measuring() -> None:
        while True:
            async with engine.connect() as tx:
                await measures.measure(tx)
            await asyncio.sleep(MEASURE_SECONDS)

    closes = (
        room.families.close,
        room.arrivals.close,
        room.messages.close,
        room.all_services.close,
        room.trails.close,
        by_key.dispose,
    )
    edge = Edge.of(app, settings)
    return Service(
        "triage",
        settings,
        engine,
        edge,
        health,
        consumer,
        relay,
        {"clock": keep_time, "measure": keep_measuring},
        prepare,
        closes,
        {"pages": room.pages.keep_compiled},
    )


def _now() -> datetime:
    return datetime.now(UTC)
