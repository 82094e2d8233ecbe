"""The forms of a work item's steps: shown, read, taken in one transaction; kept as typed when that can't be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from services.triage.pages import compare
from services.triage.pages.offered import ONE_BUTTON, offers, words_of
from services.triage.pages.overriding import before_and_after
from services.triage.pages.room import Room
from services.triage.pages.showing import Overtaken, item_page
from services.triage.pages.step_choices import choices
from services.triage.pages.step_forms import FORMS, StepForm, Typed
from services.triage.pages.timeline import timeline
from services.triage.work_items import item as items
from services.triage.work_items import steps
from services.triage.work_items.bodies import Body
from services.triage.work_items.item import VIEWED
from services.triage.work_items.working import StaffActor
from shared.access import Staff
from shared.pages.wording import state_name
from shared.problems import Problem
from shared.sign_in import Visitor, read_form, visitor
from shared.sign_in.addresses import local_page
from shared.web import cause_of
from shared.working_time import day_in_london

IN_THE_WAY: Final = frozenset({"step-not-allowed", "conflict"})
"""Problems that a person can look at and then decide anew."""

CHOSEN_FIRST: Final = frozenset({"routes", "tier", "urgency"})
"""Of an override: what is chosen before it is compared with the decision as it is."""

_CHANGED: Final = "Somebody did something here while you had the page open."
_AGAIN: Final = "Press again if your step still fits."


def add(routes: APIRouter, room: Room) -> None:
    for form in FORMS.values():
        _offer(routes, room, form)


class Asked(NamedTuple):
    """One form of one item, asked for or sent by one person."""

    request: Request
    room: Room
    form: StepForm
    item_id: UUID
    staff: Staff


def _offer(routes: APIRouter, room: Room, form: StepForm) -> None:
    """Two addresses of one step: GET shows its form, POST takes it."""
    who = Annotated[Visitor, Depends(visitor(form.permission))]

    async def show(request: Request, item_id: UUID, came: Visitor) -> Response:
        return await _show(Asked(request, room, form, item_id, came.staff))

    async def take(request: Request, item_id: UUID, came: Visitor) -> Response:
        sent = await read_form(request, came)
        return await _take(Asked(request, room, form, item_id, came.staff), sent)

    for endpoint, method in ((show, routes.get), (take, routes.post)):
        endpoint.__annotations__ = {"request": Request, "item_id": UUID, "came": who}
        method(f"/items/{{item_id}}/{form.step}", response_model=None)(endpoint)


async def _show(asked: Asked) -> Response:
    if asked.form.step in ONE_BUTTON:
        return RedirectResponse(f"/staff/items/{asked.item_id}", 303)
    if asked.form.step == "override" and asked.request.query_params:
        return await _preview(asked)
    return await _form_page(asked)


async def _preview(asked: Asked) -> Response:
    """Codes alone are asked for by address; the words about a family come with the form that follows."""
    query = asked.request.query_params
    typed = asked.form.read(query) | {"reason": "to come"}
    _, mistakes = asked.form.check(typed, today=day_in_london(asked.room.now()))
    del typed["reason"]
    is_choosing = bool(mistakes) or "change" in query
    return await _form_page(
        asked, typed=typed, mistakes=mistakes, status=422 if mistakes else 200, is_choosing=is_choosing
    )


async def _take(asked: Asked, sent: FormData) -> Response:
    """303 when it is done; 422 for a mistake and 409 when something is in the way, with everything kept."""
    form, room = asked.form, asked.room
    typed, seen = form.read(sent), _seen(sent)
    body, mistakes = form.check(typed, today=day_in_london(room.now()))
    if body is None:
        return await _form_page(asked, typed=typed, mistakes=mistakes, seen=seen, status=422)
    by = StaffActor(asked.staff, room.now(), cause_of(asked.request))
    try:
        led_to = await _step(room, form, asked.item_id, body, by, seen=seen)
    except Problem as problem:
        if problem.name == "invalid":
            wrong = form.mistakes_of(problem.errors)
            return await _form_page(asked, typed=typed, mistakes=wrong, seen=seen, status=422)
        if problem.name not in IN_THE_WAY:
            raise
        return await _overtaken(asked, typed=typed, seen=seen, problem=problem)
    if led_to is None:
        return await _overtaken(asked, typed=typed, seen=seen)
    return RedirectResponse(_back(sent, led_to, form.done), 303)


async def _step(
    room: Room, form: StepForm, item_id: UUID, body: Body, by: StaffActor, *, seen: int | None
) -> UUID | None:
    """All of it or nothing: the item that it leads to; None when something was done to the referral since `seen`."""
    async with room.engine.begin() as tx:
        if seen is not None and await items.changes_since(tx, item_id, seen=seen):
            return None
        row = (await items.load(tx, item_id)).row if form.steps else None
        for step, part in form.taken(body, row):
            item_id = await steps.take(tx, item_id, step, part, by, room.steps)
    return item_id


def _seen(sent: FormData) -> int | None:
    """The newest entry when the page was made; None when a form does not say, as those of the queues."""
    seen = sent.get("seen")
    return int(seen) if isinstance(seen, str) and seen.isascii() and seen.isdecimal() and len(seen) < 19 else None  # noqa: PLR2004  a bigint


def _back(sent: FormData, item_id: UUID, done: str) -> str:
    """To the page that the form names, when it is one of ours; else to the item."""
    named = sent.get("next")
    page = local_page(named) if isinstance(named, str) and named else f"/staff/items/{item_id}"
    return f"{page}{'&' if '?' in page else '?'}{urlencode({'done': done})}"


async def _overtaken(asked: Asked, *, typed: Typed, seen: int | None, problem: Problem | None = None) -> Response:
    """409: the same form with everything typed, what was done meanwhile, and ready for a second press."""
    async with asked.room.engine.connect() as tx:
        told = await items.load(tx, asked.item_id)
    lines = [line for line in told.lines if seen is not None and line.id > seen and line.action != VIEWED]
    is_possible = asked.form.step in {offer.step for offer in offers(told.row, asked.staff)}
    changed = f"{_CHANGED} {_AGAIN}" if is_possible else _CHANGED
    words = _in_the_way(problem, told.names, asked.staff) if problem else changed
    overtaken = Overtaken(words, timeline(lines, told.names))
    if asked.form.step in ONE_BUTTON:
        return await item_page(asked.request, asked.room, asked.staff, asked.item_id, overtaken=overtaken, status=409)
    return await _form_page(asked, typed=typed, overtaken=overtaken, status=409)


def _in_the_way(problem: Problem, names: Mapping[str, str], staff: Staff) -> str:
    """Who has it, or how it stands."""
    if problem.name == "conflict":
        return f"{problem.detail}."
    holder, state = problem.extra.get("assignee"), problem.extra.get("state")
    if holder and state == "claimed":
        return "You have this already." if holder == staff.id else f"{names.get(holder, holder)} has this now."
    return f"This is not possible any more. It stands like this now: {state_name(state).lower()}."


async def _form_page(
    asked: Asked,
    *,
    typed: Typed | None = None,
    mistakes: Mapping[str, str] | None = None,
    overtaken: Overtaken | None = None,
    seen: int | None = None,
    status: int = 200,
    is_choosing: bool = False,
) -> Response:
    """`typed` is None for a form that nobody has filled in yet. One with a mistake keeps what it had `seen`."""
    request, room, form, item_id, staff = asked
    async with room.engine.connect() as tx:
        told = await items.load(tx, item_id)
        chosen = await choices(tx, form.step, told, room.steps.policy)
    compared = await compare.both(room, told, staff) if form.step in compare.STEPS else None
    offered = {offer.step: offer.text for offer in offers(told.row, staff)}
    if form.step not in offered and typed is None:  # opened from an old page
        overtaken = Overtaken(f"This is not possible now: {state_name(told.row.state).lower()}.")
        return await item_page(request, room, staff, item_id, overtaken=overtaken, status=409)
    wrong = mistakes or {}
    may_compare = form.step == "override" and not is_choosing and not CHOSEN_FIRST & set(wrong)
    return room.pages.render(
        request,
        form.template,
        status=status,
        errors=[{"text": words, "href": f"#{_anchor(form, name)}"} for name, words in wrong.items()],
        mistakes=wrong,
        overtaken=overtaken,
        item=told.item,
        holds=told.item["decision"]["holds"] if told.item["decision"] else [],
        seen=told.seen if seen is None else seen,
        action=f"/staff/items/{item_id}/{form.step}",
        heading=offered.get(form.step) or words_of(form.step),
        is_possible=form.step in offered,
        chosen=chosen,
        compared=compared,
        typed=typed if typed is not None else chosen.get("suggested", {}),
        preview=before_and_after(told, typed, chosen["work"]) if may_compare and typed else None,
    )


def _anchor(form: StepForm, name: str) -> str:
    return f"{name}-day" if name in form.days else name
