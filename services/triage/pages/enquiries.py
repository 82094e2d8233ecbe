"""Consultations and training: the lists by stage, and the page of one with its two forms, arrange and deliver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from services.triage.identity_access import LookReason, record_view
from services.triage.pages import who
from services.triage.pages.enquiry_forms import FORMS, Filled
from services.triage.pages.room import Room
from services.triage.pages.words import LOOKS
from services.triage.work_items import bodies, enquiries
from services.triage.work_items.enquiries import Stage, Whose
from services.triage.work_items.steps import offered, take
from services.triage.work_items.working import StaffActor
from shared.access import Permission
from shared.problems import Problem
from shared.sign_in import Visitor, read_form, visitor
from shared.web import cause_of

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_QUEUES))]
Looker = Annotated[Visitor, Depends(visitor(Permission.SEE_IDENTITY))]
Worker = Annotated[Visitor, Depends(visitor(Permission.WORK_ITEMS))]

LAST_PAGE: Final = 10_000
_NO_REASON: Final = {"text": "Choose why you are looking", "href": "#why"}


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("/enquiries")
    async def all_enquiries(request: Request, _: Reader) -> Response:
        whose = _code(Whose, request.query_params.get("whose"), Whose.REQUESTS)
        stage = _code(Stage, request.query_params.get("stage"), Stage.REQUESTED)
        page = _page_of(request.query_params.get("page", ""))
        async with room.engine.connect() as tx:
            counts = await enquiries.counts(tx)
            rows, is_more = await enquiries.listed(tx, whose, stage, page=page)
        shown = {"whose": whose, "stage": stage, "page": page, "rows": rows, "is_more": is_more, "counts": counts}
        return room.pages.render(request, "enquiries.html", now=room.now(), stages=list(Stage), **shown)

    @routes.get("/enquiries/{item_id}")
    async def one_enquiry(request: Request, item_id: UUID, who_looks: Reader) -> Response:
        return await _show(request, room, item_id, who_looks)

    @routes.post("/enquiries/{item_id}/look")
    async def look_at_it(request: Request, item_id: UUID, who_looks: Looker) -> Response:
        why = (await read_form(request, who_looks)).get("why")
        if why not in LOOKS:
            return await _show(request, room, item_id, who_looks, errors=[_NO_REASON], status=422)
        return await _show(request, room, item_id, who_looks, why=LookReason(str(why)))

    @routes.get("/enquiries/{item_id}/look")
    async def back_to_the_enquiry(item_id: UUID, _: Looker) -> Response:
        """After signing in again, or when the page is loaded once more: each look is asked for."""
        return RedirectResponse(f"/staff/enquiries/{item_id}", 303)

    @routes.post("/enquiries/{item_id}/arrange")
    async def arrange(request: Request, item_id: UUID, who_acts: Worker) -> Response:
        return await _take(request, room, item_id, who_acts, "arrange")

    @routes.post("/enquiries/{item_id}/deliver")
    async def deliver(request: Request, item_id: UUID, who_acts: Worker) -> Response:
        return await _take(request, room, item_id, who_acts, "deliver")


async def _show(
    request: Request,
    room: Room,
    item_id: UUID,
    visitor_: Visitor,
    *,
    why: LookReason | None = None,
    filled: Filled | None = None,
    errors: Sequence[dict[str, str]] = (),
    status: int = 200,
) -> Response:
    """The page; with `filled` again after a form that could not be used, everything that was typed kept."""
    async with room.engine.connect() as tx:
        row = await enquiries.one(tx, item_id)
        beside = await enquiries.beside(tx, row)
    steps = [step for step in offered(row, visitor_.staff) if step in FORMS]
    return room.pages.render(
        request,
        "enquiry.html",
        status=status,
        row=row,
        stage=enquiries.stage_of(row),
        beside=beside,
        steps=steps,
        filled=filled or Filled(),
        errors=filled.summary if filled else list(errors),
        why_error=errors[0]["text"] if errors else "",
        looks=LOOKS,
        now=room.now(),
        **await _asked(room, row, visitor_, why),
    )


async def _asked(room: Room, row: Any, visitor_: Visitor, why: LookReason | None) -> dict[str, Any]:
    """What was asked and by whom: at once for whoever works on it, else for a reason; written down before it is read.

    A family's own consultation shows nobody here: who they are is on the referral's page, behind its own questions.
    """
    may_look = row.about != "family" and visitor_.staff.may(Permission.SEE_IDENTITY)
    if not may_look or not await record_view(room.engine, row.id, visitor_.staff, at=room.now(), why=why):
        return {"may_look": may_look, "is_shown": False}
    found = await room.families.look(row.referral_id, actor=visitor_.staff.id)
    async with room.engine.connect() as tx:
        written = await room.steps.texts.read(tx, row.referral_id)
    return {
        "may_look": True,
        "is_shown": True,
        "asked": who.sections(found, room.steps.policy) if found else None,
        "written": written,
    }


async def _take(request: Request, room: Room, item_id: UUID, visitor_: Visitor, step: str) -> Response:
    """Read the form, take the step; what can't be used is shown again with what was typed."""
    filled, body = FORMS[step](await read_form(request, visitor_))
    if body is None:
        return await _show(request, room, item_id, visitor_, filled=filled, status=422)
    try:
        await _do(request, room, item_id, visitor_, step, body)
    except Problem as problem:
        if problem.name not in ("invalid", "step-not-allowed"):
            raise
        status = 422 if problem.name == "invalid" else 409
        return await _show(request, room, item_id, visitor_, filled=filled.refused(step, problem), status=status)
    done = "arranged" if step == "arrange" else "delivered"
    return RedirectResponse(f"/staff/enquiries/{item_id}?done={done}", 303)


async def _do(request: Request, room: Room, item_id: UUID, visitor_: Visitor, step: str, body: bodies.Body) -> None:
    async with room.engine.begin() as tx:
        await enquiries.one(tx, item_id)
        await take(tx, item_id, step, body, StaffActor(visitor_.staff, room.now(), cause_of(request)), room.steps)


def _code(codes: Any, value: str | None, otherwise: Any) -> Any:
    return codes(value) if value in set(codes) else otherwise


def _page_of(text: str) -> int:
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdecimal() and len(text) <= len("10000") else 1
