"""HTTP in, for staff: read, check the role, call one function, answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.triage.clients import Families
from services.triage.identity_access import GIVEN, read_reason, record_view
from services.triage.policy_preview import policy_of, policy_or_draft, replay
from services.triage.rules import decide
from services.triage.staff_notes import StaffNotes
from services.triage.trail import AuditTrails, Scope
from services.triage.work_items import bodies, item, places, queues, steps
from services.triage.work_items.queues import Choices, Show, View
from services.triage.work_items.steps import STEPS
from services.triage.work_items.working import StaffActor, StepContext
from shared import audit
from shared.access import Permission, Staff, may
from shared.audit import Actor, Entry
from shared.events import Route
from shared.policy import Policy
from shared.web import answer, cause_of, read_json_body

Previewer = Annotated[Staff, Depends(may(Permission.PREVIEW))]
Replayer = Annotated[Staff, Depends(may(Permission.REPLAY_POLICY))]
Reader = Annotated[Staff, Depends(may(Permission.READ_QUEUES))]
CapacityReader = Annotated[Staff, Depends(may(Permission.READ_CAPACITY))]
CapacitySetter = Annotated[Staff, Depends(may(Permission.SET_CAPACITY))]
AuditReader = Annotated[Staff, Depends(may(Permission.READ_AUDIT))]
Limit = Annotated[int, Query(ge=1, le=200)]
ACTOR: Final = r"^[A-Za-z0-9._|:-]{0,100}$"
"""A staff id, or an agency's code: no spaces and no @, so that no name or address gets in."""
ACTION: Final = r"^[a-z.-]{0,60}$"
Why = Annotated[
    str | None,
    Query(description=f"Why you look: {', '.join(GIVEN)}. Without it, only your own open item has identity and texts."),
]


def router(
    engine: AsyncEngine,
    policies: Mapping[str, Policy],
    context: StepContext,
    families: Families,
    trails: AuditTrails,
) -> APIRouter:
    """Every call of the triage part of the contract."""
    routes = APIRouter()
    _add_previews(routes, engine, policies)
    _add_reads(routes, engine, families, context.texts)
    _add_steps(routes, engine, context)
    _add_capacity(routes, engine, context.policy)
    _add_audit(routes, trails)
    return routes


def _add_previews(routes: APIRouter, engine: AsyncEngine, policies: Mapping[str, Policy]) -> None:
    @routes.post(
        "/preview", tags=["preview"], summary="What the rules say of these facts", openapi_extra=_takes(bodies.Preview)
    )
    async def decide_these(request: Request, _: Previewer) -> Response:
        asked = bodies.read(bodies.Preview, await read_json_body(request))
        policy = policy_of(policies, asked.policy)
        decision = decide(asked.facts, received_at=asked.received_at, policy=policy)
        return answer(decision.model_dump(mode="json"))

    @routes.post(
        "/preview/replay",
        tags=["preview"],
        summary="What a policy would change on stored referrals",
        openapi_extra=_takes(bodies.Replay),
    )
    async def decide_again(request: Request, _: Replayer) -> Response:
        asked = bodies.read(bodies.Replay, await read_json_body(request))
        async with engine.connect() as tx:
            policy = await policy_or_draft(tx, policies, asked.policy)
            changes = await replay(tx, policy, since=asked.since, until=asked.until)
        return answer({"policy": policy.ref.model_dump(), **changes.summary()})


def _add_reads(routes: APIRouter, engine: AsyncEngine, families: Families, texts: StaffNotes) -> None:
    @routes.get("/queues", tags=["queues"], summary="How many items wait, by route")
    async def all_queues(_: Reader) -> Response:
        async with engine.connect() as tx:
            return answer(await queues.counts(tx, now=_now()))

    @routes.get("/queues/{route}", tags=["queues"], summary="The items of a route, earliest due first")
    async def one_queue(
        staff: Reader,
        route: Route,
        view: View | None = None,
        reference: Annotated[str | None, Query(max_length=20)] = None,
        after: Annotated[str | None, Query(max_length=200)] = None,
        limit: Limit = 50,
    ) -> Response:
        choices = Choices(show=Show(view.value) if view else Show.ALL, reference=reference, size=limit)
        async with engine.connect() as tx:
            return answer(await queues.api_page(tx, route, choices, after=after, staff=staff, now=_now()))

    @routes.get("/work-items/{item_id}", tags=["work items"], summary="One item: why, what happened, and who")
    async def one_item(item_id: UUID, staff: Reader, why: Why = None) -> Response:
        reason = await record_view(engine, item_id, staff, at=_now(), why=read_reason(why))
        async with engine.connect() as tx:
            told = await item.load(tx, item_id)
        if not staff.may(Permission.SEE_IDENTITY):
            return answer(told.item)
        if reason is None:
            return answer(told.item | {"identity": None, "texts": None})
        identity = await families.look(told.referral_id, actor=staff.id)
        async with engine.connect() as tx:
            written = await texts.read(tx, told.referral_id)
        return answer(told.item | {"identity": identity, "texts": [each.shown() for each in written]})


def _add_steps(routes: APIRouter, engine: AsyncEngine, context: StepContext) -> None:
    """One call a row of the table of steps."""

    def offer(name: str, step: steps.Step) -> None:
        async def call(request: Request, item_id: UUID, staff: Staff) -> Response:
            body = bodies.read(step.body, await read_json_body(request, may_be_empty=True))
            by = StaffActor(staff, _now(), cause_of(request))
            async with engine.begin() as tx:
                led_to = await steps.take(tx, item_id, name, body, by, context)
                return answer((await item.load(tx, led_to)).item)

        who = Annotated[Staff, Depends(may(step.permission))]
        call.__annotations__ = {"request": Request, "item_id": UUID, "staff": who}
        path, takes = f"/work-items/{{item_id}}/{name}", _takes(step.body)
        routes.post(path, tags=["work items"], summary=step.summary, name=name, openapi_extra=takes)(call)

    for name, step in STEPS.items():
        offer(name, step)


def _add_capacity(routes: APIRouter, engine: AsyncEngine, policy: Policy) -> None:
    @routes.get("/capacity", tags=["capacity"], summary="Places by route: how many, used, free, and who waits")
    async def all_places(_: CapacityReader) -> Response:
        async with engine.connect() as tx:
            return answer({"routes": await places.overview(tx, policy, now=_now())})

    @routes.put(
        "/capacity/{route}",
        tags=["capacity"],
        summary="Set the places of a route",
        openapi_extra=_takes(bodies.Places),
    )
    async def set_places(request: Request, route: Route, staff: CapacitySetter) -> Response:
        body, now = bodies.read(bodies.Places, await read_json_body(request)), _now()
        async with engine.begin() as tx:
            await places.set_places(tx, route, individual=body.individual, group=body.group, by=staff.id, at=now)
            await audit.write(tx, [Entry(Actor("staff", staff.id), "capacity.set", now, detail=route.value)])
            return answer({"routes": await places.overview(tx, policy, now=_now())})


def _add_audit(routes: APIRouter, trails: AuditTrails) -> None:
    @routes.get("/audit", tags=["audit"], summary="Who did or saw what, in all services: own, team or all, by role")
    async def audit_trail(
        staff: AuditReader,
        referral: Annotated[str, Query(max_length=20, description="A reference")] = "",
        actor: Annotated[str, Query(pattern=ACTOR)] = "",
        action: Annotated[str, Query(pattern=ACTION)] = "",
        after: Annotated[str, Query(max_length=200)] = "",
        limit: Limit = 50,
    ) -> Response:
        scope = Scope.of(staff, actor=actor or None, action=action or None, reference=referral or None)
        page = await trails.page(staff, scope, after=after or None, limit=limit, at=_now())
        return answer(page.shown())


def _takes(model: type[bodies.Body]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


def _now() -> datetime:
    return datetime.now(UTC)
