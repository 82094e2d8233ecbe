"""HTTP in, for staff: read, check the role, call one function, answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncEngine

from services.triage.families import Families
from services.triage.looking import GIVEN, look, read_reason
from services.triage.preview import policy_of, policy_or_draft, preview, replay
from services.triage.texts import StaffTexts
from services.triage.work_items import bodies, item, places, queues, steps
from services.triage.work_items.queues import View
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
Worker = Annotated[Staff, Depends(may(Permission.WORK_ITEMS))]
Assigner = Annotated[Staff, Depends(may(Permission.ASSIGN))]
Decliner = Annotated[Staff, Depends(may(Permission.CONFIRM_DECLINE))]
CapacityReader = Annotated[Staff, Depends(may(Permission.READ_CAPACITY))]
CapacitySetter = Annotated[Staff, Depends(may(Permission.SET_CAPACITY))]
Limit = Annotated[int, Query(ge=1, le=200)]
Why = Annotated[
    str | None,
    Query(description=f"Why you look: {', '.join(GIVEN)}. Without it, only your own open item has identity and texts."),
]


def router(engine: AsyncEngine, policies: Mapping[str, Policy], context: StepContext, families: Families) -> APIRouter:
    """Every call of the triage part of the contract."""
    routes = APIRouter()
    _add_previews(routes, engine, policies)
    _add_reads(routes, engine, families, context.texts)
    _add_steps(routes, engine, context)
    _add_capacity(routes, engine, context.policy)
    return routes


def _add_previews(routes: APIRouter, engine: AsyncEngine, policies: Mapping[str, Policy]) -> None:
    @routes.post(
        "/preview", tags=["preview"], summary="What the rules say of these facts", openapi_extra=_takes(bodies.Preview)
    )
    async def decide_these(request: Request, _: Previewer) -> Response:
        asked = bodies.read(bodies.Preview, await read_json_body(request))
        policy = policy_of(policies, asked.policy)
        return answer(preview(asked.facts, received_at=asked.received_at, policy=policy))

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


def _add_reads(routes: APIRouter, engine: AsyncEngine, families: Families, texts: StaffTexts) -> None:
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
        async with engine.connect() as tx:
            return answer(
                await queues.api_page(
                    tx, route, view=view, reference=reference, after=after, limit=limit, staff=staff, now=_now()
                )
            )

    @routes.get("/work-items/{item_id}", tags=["work items"], summary="One item: why, what happened, and who")
    async def one_item(item_id: UUID, staff: Reader, why: Why = None) -> Response:
        reason = await look(engine, item_id, staff, at=_now(), why=read_reason(why))
        async with engine.connect() as tx:
            referral_id, shown = await item.api_item(tx, item_id)
        if not staff.may(Permission.SEE_IDENTITY):
            return answer(shown)
        if reason is None:
            return answer(shown | {"identity": None, "texts": None})
        identity = await families.look(referral_id, actor=staff.id)
        async with engine.connect() as tx:
            written = await texts.read(tx, referral_id)
        return answer(shown | {"identity": identity, "texts": [each.shown() for each in written]})


def _add_steps(routes: APIRouter, engine: AsyncEngine, context: StepContext) -> None:
    async def step(request: Request, item_id: UUID, staff: Staff, name: str, model: type[bodies.Body]) -> Response:
        body = bodies.read(model, await read_json_body(request, may_be_empty=True))
        by = StaffActor(staff, _now(), cause_of(request))
        async with engine.begin() as tx:
            led_to = await steps.take(tx, item_id, name, body, by, context)
            _, shown = await item.api_item(tx, led_to)
        return answer(shown)

    def offer(name: str, model: type[bodies.Body], who: Any, summary: str) -> None:
        async def call(request: Request, item_id: UUID, staff: Staff) -> Response:
            return await step(request, item_id, staff, name, model)

        call.__annotations__ = {"request": Request, "item_id": UUID, "staff": who}

        routes.post(
            f"/work-items/{{item_id}}/{name}",
            tags=["work items"],
            summary=summary,
            name=name,
            openapi_extra=_takes(model),
        )(call)

    offer("claim", bodies.Nothing, Worker, "Take it on; of two at once one gets 409")
    offer("release", bodies.Nothing, Worker, "Give it back to the queue")
    offer("take-over", bodies.Nothing, Worker, "Take it over from a colleague")
    offer("assign", bodies.Assign, Assigner, "Give it to a colleague")
    offer("hand-back", bodies.Nothing, Worker, "Undo a hand-over: back to whoever had it before")
    offer("accept", bodies.Accept, Worker, "The team takes the family on, in a place")
    offer("decline", bodies.Decline, Decliner, "Confirm that the family can't be offered a place")
    offer("override", bodies.Override, Worker, "Decide otherwise than the machine, with a reason")
    offer("take-proposal", bodies.Nothing, Worker, "The facts have changed: what the rules propose now is in force")
    offer("leave-proposal", bodies.Nothing, Worker, "The facts have changed: the person's decision stays")
    offer("request-information", bodies.AskForInformation, Worker, "Ask the referrer; the clock waits")
    offer("first-contact", bodies.FirstContact, Worker, "The family has been met or spoken to")
    offer("contact-attempt", bodies.ContactAttempt, Worker, "The family was tried")
    offer("wait", bodies.Wait, Worker, "No place is free: on the waiting list, with an interim offer or none yet")
    offer("offer-interim", bodies.OfferInterim, Worker, "Offer the waiting family something else meanwhile")
    offer("arrange", bodies.Arrange, Worker, "Agree a day and time for a consultation or training; again to move it")
    offer("deliver", bodies.Deliver, Worker, "The consultation or training took place; this many came")
    offer("confirm-duplicate", bodies.Judge, Worker, "Two agencies referred the same family: both are told")
    offer("not-duplicate", bodies.Judge, Worker, "They are not the same family: the rules decide both anew")
    offer("note", bodies.Note, Worker, "Write something for colleagues")
    offer("close", bodies.Close, Worker, "The work has ended; who may, and with which words: docs/work-items.md")
    offer("reopen", bodies.Reopen, Assigner, "Closed or declined by mistake: goes on where it stood")


def _add_capacity(routes: APIRouter, engine: AsyncEngine, policy: Policy) -> None:
    @routes.get("/capacity", tags=["capacity"], summary="Places by route: how many, used, free, and who waits")
    async def all_places(_: CapacityReader) -> Response:
        async with engine.connect() as tx:
            return answer({"routes": await places.overview(tx, policy, now=_now())})

    @routes.put(
        "/capacity/{route}", tags=["capacity"], summary="Set the places of a route", openapi_extra=_takes(bodies.Places)
    )
    async def set_places(request: Request, route: Route, staff: CapacitySetter) -> Response:
        body, now = bodies.read(bodies.Places, await read_json_body(request)), _now()
        async with engine.begin() as tx:
            await places.set_places(tx, route, individual=body.individual, group=body.group, by=staff.id, at=now)
            await audit.write(tx, [Entry(Actor("staff", staff.id), "capacity.set", now, detail=route.value)])
            return answer({"routes": await places.overview(tx, policy, now=_now())})


def _takes(model: type[bodies.Body]) -> dict[str, Any]:
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}


def _now() -> datetime:
    return datetime.now(UTC)
