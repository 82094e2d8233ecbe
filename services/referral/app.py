"""The referral service wired together: settings → engine → consumer → relay → ASGI app."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

from fastapi import FastAPI

from services.referral import contract, encryption_keys, front, handlers, identity_api, tables
from services.referral.agency_keys import AgencyKeys, Callers
from services.referral.api import ReferralApi
from services.referral.contacts import stop_page, stops
from services.referral.contacts.api import Contacts
from services.referral.contacts.api import router as contacts_router
from services.referral.contacts.stop_page import StopPages
from services.referral.contacts.stops import Addresses
from services.referral.fhir.api import FhirApi
from services.referral.fhir.taking import Intake
from services.referral.front import calls, codes, drafts, sessions, sign_in
from services.referral.front.clients import NotifyClient, TriageClient
from services.referral.front.family import FamilyContext
from services.referral.front.mailing import Mailing
from services.referral.front.providers import providers_of
from services.referral.front.sessions import MemberDoor
from services.referral.front.visits import SIGN_OUT, FrontContext
from services.referral.postcodes.lookup import LoadedPlaces, PostcodeFiles
from services.referral.request_limits import RequestLimits
from services.referral.settings import Settings
from services.referral.status import STEPS
from services.referral.submitting import idempotency
from services.referral.submitting.batch_writer import BatchWriter
from services.referral.submitting.prepare import Arrival, Preparing, identities_of
from services.referral.submitting.submit import admit, another_reference, at_once_with
from services.referral.webhooks import changes
from services.referral.webhooks.api import WebhookApi
from services.referral.webhooks.client import WebhookClient
from shared import audit_calls, events, languages, openapi, parked_calls
from shared.database import create_engine, request_engine
from shared.docs import Table
from shared.health import Health
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.pages import Pages
from shared.runtime import Loop, Service
from shared.service_map import of_authority
from shared.settings import Part
from shared.web import Edge, add_routes, create_app


async def build(settings: Settings) -> Service:
    """Everything connected, nothing started. Raises InvalidPolicyError for a policy that can't be used."""
    engine = request_engine(settings, tables.SCHEMA)
    by_key = create_engine(settings, tables.SCHEMA, pool_size=3, by_key=True)
    identities = identities_of(settings)
    policy = settings.policy_in_force()
    places = LoadedPlaces(engine, PostcodeFiles())
    preparing = Preparing(policy, places, identities)
    hears = handlers.handlers(policy)
    consumer = Consumer(
        engine=by_key,
        service="referral",
        topics=[events.TRIAGE_TOPIC],
        handlers=hears,
        brokers=settings.brokers,
        instance=settings.instance,
    )
    relay = Relay(dsn=settings.dsn, schema=tables.SCHEMA, brokers=settings.brokers)
    writer: BatchWriter[Arrival] = BatchWriter(
        by_key,
        partial(admit, preparing=preparing),
        at_once_with(identities),
        another_reference,
        wake=relay.wake.set,
    )
    health = Health.of(settings, consumer, relay, needs_partitions=False)
    app = create_app(
        title="Referral service",
        description="Where partner agencies send referrals and see what became of them.",
        health=health,
        speaks=events.spoken_by(tables.SCHEMA),
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
    notify, triage = NotifyClient(settings.others["notify"]), TriageClient(settings.others["triage"])
    api = ReferralApi(
        engine=engine,
        callers=Callers(
            AgencyKeys(engine), RequestLimits(None if settings.is_development else settings.requests_per_minute)
        ),
        preparing=preparing,
        service_map=of_authority(preparing.policy.authority, folder=settings.service_maps_dir),
        writer=writer,
        triage=triage,
    )
    add_routes(app, api.router())
    _install_fhir(app, settings, api)
    app.openapi = lambda: openapi.public(app, schemes=contract.AGENCY_KEY, url=settings.public_url)  # type: ignore[method-assign]  # FastAPI's own way
    token = settings.from_triage.get_secret_value()
    add_routes(app, identity_api.router(engine, identities, token))
    add_routes(app, audit_calls.router(engine, token))
    add_routes(app, parked_calls.router(engine, handlers=hears, health=health, internal_token=token))

    webhooks = WebhookClient(settings.others["notify"])
    add_routes(app, WebhookApi(engine, api.callers, identities, webhooks).router())
    add_routes(app, changes.router(engine, identities, settings.from_notify.get_secret_value()))

    door = MemberDoor(engine, identities, settings.public_url, _now)
    pages = Pages(
        name="Refer to parent-infant support",
        folder=front.TEMPLATES,
        navigation=(),
        is_development=settings.is_development,
        start="/refer",
        sign_out=SIGN_OUT,
    )
    mailing = Mailing(engine, identities, notify)
    context = FrontContext(
        engine=engine,
        preparing=preparing,
        submit=writer.submit,
        pages=pages,
        door=door,
        mailing=mailing,
        triage=triage,
        webhooks=webhooks,
        service_map=api.service_map,
        providers=providers_of(settings),
        client_address_header=settings.client_address_header,
        asks=RequestLimits(None if settings.is_development else sign_in.ASKS_A_MINUTE),
        take_a_call=f"{settings.staff_url.rstrip('/')}/staff/arrivals/new",
        now=_now,
    )
    for_families = FamilyContext(
        languages.load(settings.help_words_dir, with_unchecked=settings.is_development),
        leave_to=settings.help_leave_url,
    )
    front.install(app, context, for_families)
    add_routes(app, calls.internal(context, internal_token=token))
    _install_contacts(app, settings, api, pages)

    async def prepare() -> None:
        """Raises WrongKeyError."""
        async with engine.begin() as tx:
            await encryption_keys.check(tx, identities, at=_now())
        await places.refresh()

    async def forget() -> None:
        while True:
            now = _now()
            async with engine.begin() as tx:
                await idempotency.forget_old(tx, before=now - timedelta(days=idempotency.KEPT_DAYS))
                await stops.sweep(tx, before=now - timedelta(days=stops.KEPT_DAYS))
                for each in (drafts, codes, sessions):
                    await each.sweep(tx, at=now)
            await asyncio.sleep(3600)

    edge = Edge.of(app, settings, express=api.express())
    http_loops: dict[str, Loop] = {
        "batch-writer": writer.run,
        "places": places.watch,
        "codes": mailing.run,
        "pages": pages.keep_compiled,
    }
    if settings.only is Part.HTTP:
        http_loops["wake"] = partial(relay.wake.pass_on, engine)
    return Service(
        "referral",
        settings,
        engine,
        edge,
        health,
        consumer,
        relay,
        loops={"forget": forget},
        prepare=prepare,
        closes=(by_key.dispose, notify.close, triage.close, webhooks.close),
        http_loops=http_loops,
    )


def _install_fhir(app: FastAPI, settings: Settings, api: ReferralApi) -> None:
    FhirApi(
        engine=api.engine,
        identities=api.preparing.identities,
        callers=api.callers,
        service_map=api.service_map,
        intake=Intake(api.engine, api.preparing, api.writer.submit),
        base=f"{settings.public_url.rstrip('/')}/fhir",
    ).install(app)


def _install_contacts(app: FastAPI, settings: Settings, api: ReferralApi, pages: Pages) -> None:
    """How notify reaches a family, and how a family stops it."""
    identities = api.preparing.identities
    contacts = Contacts(
        engine=api.engine,
        identities=identities,
        addresses=Addresses(identities),
        policy=api.preparing.policy,
        stop_at=f"{settings.public_url.rstrip('/')}{stop_page.STOP}",
        now=_now,
    )
    add_routes(app, contacts_router(contacts, settings.from_notify.get_secret_value()))
    typed = RequestLimits(None if settings.is_development else stop_page.TYPED_A_MINUTE)
    add_routes(app, stop_page.router(StopPages(contacts, pages, typed)))


def _now() -> datetime:
    return datetime.now(UTC)
