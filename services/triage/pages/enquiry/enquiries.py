"""Consultations and training: the lists by stage, and the page of one with its two forms, arrange and deliver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.triage.identity_access import LookReason, record_view
from services.triage.pages.context import Looker, Reader, Visit, Worker
from services.triage.pages.forms import (
    TypedDay,
    code_in,
    error_summary,
    in_london,
    noted,
    read_clock,
    short_text_in,
)
from services.triage.pages.labels import LOOKS
from services.triage.pages.referral.identity_view import sections
from services.triage.pages.referral.item import NO_REASON, family_of
from services.triage.pages.referral.what_to_do import what_to_do
from services.triage.pages.referral.whom_to_ring import whom_to_ring
from services.triage.work_items import bodies, enquiries
from services.triage.work_items.enquiries import Stage, Whose
from services.triage.work_items.steps import offered, take
from shared.access import Permission
from shared.pages.outcomes import OF_STEP
from shared.pages.times import long_day
from shared.problems import Problem
from shared.working_time import day_in_london

routes = APIRouter(prefix="/staff", include_in_schema=False)

LAST_PAGE: Final = 10_000
COMERS: Final = range(1, 1001)
DAYS: Final = frozenset({"arrange-on", "deliver-on"})
SURE: Final = "yes"
"""What is ticked when the day is right although it is an odd one."""

Typed = dict[str, Any]
"""What was typed into either form, by box, with `mistakes` (box → words)."""
EMPTY: Final[Typed] = {
    "arrange_on": TypedDay(),
    "arrange_at": "",
    "deliver_on": TypedDay(),
    "attendees": "",
    "mistakes": {},
}


@routes.get("/enquiries")
async def all_enquiries(visit: Reader) -> Response:
    asked = visit.request.query_params
    whose = code_in(asked, "whose", Whose) or Whose.REQUESTS
    stage = code_in(asked, "stage", Stage) or Stage.REQUESTED
    page = _page_of(asked.get("page", ""))
    async with visit.engine.connect() as tx:
        counts = await enquiries.counts(tx)
        rows, is_more = await enquiries.listed(tx, whose, stage, page=page)
    shown: dict[str, Any] = {"whose": whose, "stage": stage, "page": page, "rows": rows, "is_more": is_more}
    return visit.render("enquiry/enquiries.html", stages=list(Stage), counts=counts, **shown)


@routes.get("/enquiries/{item_id}")
async def one_enquiry(visit: Reader, item_id: UUID) -> Response:
    return await _show(visit, item_id)


@routes.post("/enquiries/{item_id}/look")
async def look_at_it(visit: Looker, item_id: UUID) -> Response:
    why = (await visit.form()).get("why")
    if why not in LOOKS:
        return await _show(visit, item_id, errors=NO_REASON, status=422)
    return await _show(visit, item_id, why=LookReason(str(why)))


@routes.get("/enquiries/{item_id}/look")
async def back_to_the_enquiry(_: Looker, item_id: UUID) -> Response:
    """After signing in again, or when the page is kept no more: a new look is asked for."""
    return RedirectResponse(f"/staff/enquiries/{item_id}", 303)


@routes.post("/enquiries/{item_id}/arrange")
async def arrange(visit: Worker, item_id: UUID) -> Response:
    return await _take(visit, item_id, "arrange")


@routes.post("/enquiries/{item_id}/deliver")
async def deliver(visit: Worker, item_id: UUID) -> Response:
    return await _take(visit, item_id, "deliver")


async def _show(
    visit: Visit,
    item_id: UUID,
    *,
    why: LookReason | None = None,
    filled: Typed | None = None,
    errors: Sequence[dict[str, str]] = (),
    status: int = 200,
) -> Response:
    """The page; with `filled` again after a form that could not be used, everything that was typed kept."""
    async with visit.engine.connect() as tx:
        row = await enquiries.one(tx, item_id)
        beside = await enquiries.beside(tx, row)
    return visit.render(
        "enquiry/enquiry.html",
        status=status,
        row=row,
        stage=enquiries.stage_of(row),
        beside=beside,
        steps=[step for step in offered(row, visit.staff) if step in FORMS],
        filled=EMPTY | (filled or {}),
        errors=error_summary(filled["mistakes"], days=DAYS) if filled else list(errors),
        why_error=errors[0]["text"] if errors else "",
        looks=LOOKS,
        **await _asked(visit, row, why),
    )


def _to_do(visit: Visit, row: Any, found: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What to do now and whom to ring; nobody for whoever does not see who asks."""
    rings = whom_to_ring(
        row, facts=None, policy=visit.policy, service_map=visit.context.service_map, on=visit.today, found=found
    )
    return {"to_do": what_to_do(row, (), facts=None, decision=None, policy=visit.policy, rings=rings)}


async def _asked(visit: Visit, row: Any, why: LookReason | None) -> dict[str, Any]:
    """What was asked and by whom: at once for whoever works on it, else for a reason; written down before it is read.

    A family's own consultation shows nobody here: who they are is on the referral's page, behind its own questions.
    """
    may_look = row.about != "family" and visit.may(Permission.SEE_IDENTITY)
    if not may_look or not await record_view(visit.engine, row.id, visit.staff, at=visit.now, why=why):
        return {"may_look": may_look, "is_shown": False, **_to_do(visit, row)}
    family = await family_of(visit, row.referral_id)
    asked = sections(family.found, visit.policy, on=visit.today) if family.found else None
    told = {"may_look": True, "is_shown": True, "asked": asked, "written": family.texts}
    return told | _to_do(visit, row, family.found)


async def _take(visit: Visit, item_id: UUID, step: str) -> Response:
    """Read the form, take the step; what can't be used, or is doubtful, is shown again with what was typed."""
    sent = await visit.form()
    filled, body = FORMS[step](sent)
    if body is None:
        return await _show(visit, item_id, filled=filled, status=422)
    if step == "deliver" and sent.get("sure") != SURE and (doubt := await _doubt(visit, item_id, body.on)):
        return await _show(visit, item_id, filled=filled | {"mistakes": {"sure": doubt}}, status=422)
    try:
        async with visit.engine.begin() as tx:
            await enquiries.one(tx, item_id)
            await take(tx, item_id, step, body, visit.actor, visit.context.steps)
    except Problem as problem:
        if problem.name not in ("invalid", "step-not-allowed"):
            raise
        status = 422 if problem.name == "invalid" else 409
        return await _show(visit, item_id, filled=filled | {"mistakes": _refused(step, problem)}, status=status)
    return RedirectResponse(f"/staff/enquiries/{item_id}?done={OF_STEP[step]}", 303)


async def _doubt(visit: Visit, item_id: UUID, on: date) -> str:
    """What to ask before it is recorded as held on a day that lies too early; nothing for any other day."""
    async with visit.engine.connect() as tx:
        row = await enquiries.one(tx, item_id)
    asked_on, arranged_on = day_in_london(row.received_at), row.arranged_for and day_in_london(row.arranged_for)
    if on < asked_on:
        later = f"it was asked for on {long_day(asked_on)}"
    elif arranged_on and on < arranged_on:
        later = f"it is arranged for {long_day(arranged_on)}"
    else:
        return ""
    return f"Check the day: {later}, which is later. Tick the box if the day is right"


def _page_of(text: str) -> int:
    return min(max(int(text), 1), LAST_PAGE) if text.isascii() and text.isdecimal() and len(text) <= len("10000") else 1


def _refused(step: str, problem: Problem) -> dict[str, str]:
    """What the step itself said: about its day, or that it is too late for the step."""
    if problem.errors:
        return {f"{step}-on": problem.errors[0].detail.rstrip(".")}
    return {"maincontent": f"{problem.detail}. Nothing was saved"}


def _read_arrange(form: Mapping[str, Any]) -> tuple[Typed, bodies.Arrange | None]:
    """A day and a time of day in London."""
    on, at, mistakes = TypedDay.of(form, "arrange-on"), short_text_in(form, "arrange-at"), dict[str, str]()
    day = noted(mistakes, "arrange-on", on.read)
    clock = noted(mistakes, "arrange-at", lambda: read_clock(at))
    body = bodies.Arrange(on=in_london(day, clock)) if day and clock else None
    return {"arrange_on": on, "arrange_at": at, "mistakes": mistakes}, body


def _read_deliver(form: Mapping[str, Any]) -> tuple[Typed, bodies.Deliver | None]:
    """How many came, and the day it took place."""
    on, attendees, mistakes = TypedDay.of(form, "deliver-on"), short_text_in(form, "attendees"), dict[str, str]()
    day = noted(mistakes, "deliver-on", on.read)
    number = attendees.replace(",", "")
    count = int(number) if number.isascii() and number.isdecimal() else 0
    if count not in COMERS:
        mistakes["attendees"] = "Enter how many people came: a number from 1 to 1,000"
    body = bodies.Deliver(attendees=count, on=day) if day and not mistakes else None
    return {"deliver_on": on, "attendees": attendees, "mistakes": mistakes}, body


FORMS: Final[dict[str, Callable[[Mapping[str, Any]], tuple[Typed, Any]]]] = {
    "arrange": _read_arrange,
    "deliver": _read_deliver,
}
"""step → how its form is read."""
