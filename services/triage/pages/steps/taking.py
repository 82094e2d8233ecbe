"""The forms of a work item's steps: shown, read, taken in one transaction; kept as typed when that can't be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from services.triage.pages.context import Visit, back_to, who_may
from services.triage.pages.forms import error_summary, text_in
from services.triage.pages.labels import loss_of
from services.triage.pages.queue.queues import DONE as NAMED
from services.triage.pages.referral.decision_view import before_and_after
from services.triage.pages.referral.identity_view import DUPLICATE_STEPS, side_by_side
from services.triage.pages.referral.item import Overtaken, item_page
from services.triage.pages.referral.timeline import timeline
from services.triage.pages.steps.step_forms import DAYS, FORMS, ONE_BUTTON, WORDS, StepForm, Typed, choices, offers
from services.triage.pages.way_back import list_in, way_to
from services.triage.work_items import item as items
from services.triage.work_items import steps, store
from services.triage.work_items.bodies import Body
from services.triage.work_items.item import ONLY_LOOKED
from shared.access import Staff
from shared.events import ClosureReason
from shared.pages.outcomes import OF_STEP
from shared.pages.wording import state_name
from shared.problems import Problem

routes = APIRouter(prefix="/staff", include_in_schema=False)

IN_THE_WAY: Final = frozenset({"step-not-allowed", "conflict"})
"""Problems that a person can look at and then decide anew."""

CHOSEN_FIRST: Final = frozenset({"routes", "tier", "urgency"})
"""Of an override: what is chosen before it is compared with the decision as it is."""

_CHANGED: Final = "Somebody did something here while you had the page open."
_AGAIN: Final = "Press again if your step still fits."


class Asked(NamedTuple):
    """One form of one item, asked for or sent by one person who came from a list, if any."""

    visit: Visit
    form: StepForm
    item_id: UUID
    came_from: str = ""


def _add(form: StepForm) -> None:
    """Two addresses of one step: GET shows its form, POST takes it."""
    allowed = who_may(form.permission)

    async def show(item_id: UUID, visit: Visit = allowed) -> Response:
        return await _show(Asked(visit, form, item_id, list_in(visit.request.query_params)))

    async def take(item_id: UUID, visit: Visit = allowed) -> Response:
        sent = await visit.form()
        return await _take(Asked(visit, form, item_id, list_in(sent)), sent)

    for endpoint, method in ((show, routes.get), (take, routes.post)):
        method(f"/items/{{item_id}}/{form.step}", response_model=None)(endpoint)


for _form in FORMS.values():
    _add(_form)


async def _show(asked: Asked) -> Response:
    """Codes alone are asked for by address, and compared; the words about a family come with the form that follows."""
    form, query = asked.form, asked.visit.request.query_params
    if form.step in ONE_BUTTON:
        return RedirectResponse(f"/staff/items/{asked.item_id}", 303)
    if form.step != "override" or not {*query} - {"list"}:
        return await _form_page(asked)
    typed = form.read(query)
    _, mistakes = form.check(typed | {"reason": "to come"}, today=asked.visit.today)
    typed.pop("reason", None)
    return await _form_page(asked, typed=typed, mistakes=mistakes, is_choosing=bool(mistakes) or "change" in query)


async def _take(asked: Asked, sent: FormData) -> Response:
    """303 when it is done; 422 for a mistake and 409 when something is in the way, with everything kept."""
    form = asked.form
    typed, seen = form.read(sent), _seen(sent)
    body, mistakes = form.check(typed, today=asked.visit.today)
    if body is None:
        return await _form_page(asked, typed=typed, mistakes=mistakes, seen=seen)
    try:
        led_to = await _step(asked, body, seen=seen)
    except Problem as problem:
        if problem.name == "invalid":
            wrong = form.mistakes_of(problem.errors)
            return await _form_page(asked, typed=typed, mistakes=wrong, seen=seen)
        if problem.name not in IN_THE_WAY:
            raise
        return await _overtaken(asked, typed=typed, seen=seen, problem=problem)
    if led_to is None:
        return await _overtaken(asked, typed=typed, seen=seen)
    item_id, last = led_to
    code = form.done or OF_STEP[last]
    about = {"about": str(item_id)} if code in NAMED else {}
    about |= {"list": asked.came_from} if asked.came_from else {}
    return back_to(text_in(sent, "next") or f"/staff/items/{item_id}", done=code, **about)


async def _step(asked: Asked, body: Body, *, seen: int | None) -> tuple[UUID, str] | None:
    """All of it or nothing: the item that it leads to, and its last step; None when something was done since `seen`.

    After a decision that ends the item that is the work that goes on.
    """
    visit, form, item_id, _ = asked
    async with visit.engine.begin() as tx:
        if seen is not None and await items.changes_since(tx, item_id, seen=seen):
            return None
        row = await store.locked_item(tx, item_id) if form.steps else None
        step = form.step
        for step, part in form.taken(body, row):
            item_id = await steps.take(tx, item_id, step, part, visit.actor, visit.context.steps)
        stands = await store.find(tx, item_id)
        if stands.end_reason == ClosureReason.DECIDED_AGAIN:
            open_work = await items.open_items(tx, stands.referral_id)
            item_id = next((each.id for each in open_work), item_id)
    return item_id, step


def _seen(sent: FormData) -> int | None:
    """The newest entry when the page was made; None when a form does not say, as those of the queues."""
    seen = sent.get("seen")
    return int(seen) if isinstance(seen, str) and seen.isascii() and seen.isdecimal() and len(seen) < 19 else None  # noqa: PLR2004  a bigint


async def _overtaken(asked: Asked, *, typed: Typed, seen: int | None, problem: Problem | None = None) -> Response:
    """409: the same form with everything typed, what was done meanwhile, and ready for a second press."""
    visit, form, item_id, came_from = asked
    async with visit.engine.connect() as tx:
        told = await items.load(tx, item_id)
    lines = [line for line in told.lines if seen is not None and line.id > seen and line.action not in ONLY_LOOKED]
    is_possible = form.step in {offer.step for offer in offers(told.row, visit.staff)}
    changed = f"{_CHANGED} {_AGAIN}" if is_possible else _CHANGED
    words = _in_the_way(problem, told.names, visit.staff) if problem else changed
    overtaken = Overtaken(words, timeline(lines, told.names))
    if form.step in ONE_BUTTON:
        return await item_page(visit, item_id, overtaken=overtaken, came_from=came_from)
    return await _form_page(asked, typed=typed, overtaken=overtaken)


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
    is_choosing: bool = False,
) -> Response:
    """200, 409 when the step was `overtaken`, 422 with mistakes; such a form keeps what it had `seen`.

    `typed` is None for a form that nobody has filled in yet.
    """
    visit, form, item_id, came_from = asked
    async with visit.engine.connect() as tx:
        told = await items.load(tx, item_id)
        chosen = await choices(tx, form.step, told, visit.policy, now=visit.now)
    compared = await side_by_side(visit, told) if form.step in DUPLICATE_STEPS else None
    offered = {offer.step: offer.text for offer in offers(told.row, visit.staff)}
    if form.step not in offered and typed is None:  # opened from an old page
        overtaken = Overtaken(f"This is not possible now: {state_name(told.row.state).lower()}.")
        return await item_page(visit, item_id, overtaken=overtaken, came_from=came_from)
    wrong = mistakes or {}
    may_compare = form.step == "override" and not is_choosing and not CHOSEN_FIRST & set(wrong)
    return visit.render(
        form.template,
        status=409 if overtaken else 422 if wrong else 200,
        errors=error_summary(wrong, days=DAYS),
        mistakes=wrong,
        overtaken=overtaken,
        item=told.item,
        came_from=came_from,
        way_to=way_to,
        holds=told.item["decision"]["holds"] if told.item["decision"] else [],
        loss=loss_of(told.facts, told.item["decision"]),
        seen=told.seen if seen is None else seen,
        action=f"/staff/items/{item_id}/{form.step}",
        heading=offered.get(form.step) or WORDS[form.step],
        is_possible=form.step in offered,
        chosen=chosen,
        compared=compared,
        typed=typed if typed is not None else chosen.get("suggested", {}),
        preview=before_and_after(told, typed, chosen["work"]) if may_compare and typed else None,
    )
