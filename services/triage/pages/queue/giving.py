"""A lead gives several work items at once to one colleague, who is named before the step; chosen in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from services.triage.pages.context import Lead, Visit, back_to
from services.triage.pages.forms import error_summary, text_in
from services.triage.pages.queue.queues import EVERYWHERE, address, read_ids
from services.triage.work_items import item, steps
from services.triage.work_items.bodies import Assign
from services.triage.work_items.queues import Choices
from shared.problems import Problem
from shared.sign_in.addresses import local_page

routes = APIRouter(prefix="/staff", include_in_schema=False)

WHO: Final = {"to": "Choose a colleague"}


@routes.get("/give")
async def choose(visit: Lead) -> Response:
    asked = visit.request.query_params
    return await _page(visit, read_ids(asked.getlist("item")), asked.get("next", ""))


@routes.post("/give")
async def give(visit: Lead) -> Response:
    """Each by a step and in a transaction of its own: what has ended meanwhile holds up none of the others."""
    sent = await visit.form()
    to, back = text_in(sent, "to"), text_in(sent, "next")
    ids = read_ids([each for each in sent.getlist("item") if isinstance(each, str)])
    async with visit.engine.connect() as tx:
        rows = await item.named(tx, ids)
        people = await item.assignees_for(tx, (), today=visit.today)
    if to not in {each.id for each in people}:
        return await _page(visit, ids, back, mistakes=WHO)
    refused: dict[UUID, str] = {}
    for row in rows:
        try:
            async with visit.engine.begin() as tx:
                await steps.take(tx, row.id, "assign", Assign(to=to), visit.actor, visit.context.steps)
        except Problem as problem:
            refused[row.id] = problem.detail
    if refused:
        others = len(rows) - len(refused)
        return await _page(visit, list(refused), back, refused=refused, given=others)
    return back_to(_back(back), done="assigned", about=",".join(str(row.id) for row in rows))


async def _page(
    visit: Visit,
    ids: Sequence[UUID],
    back: str,
    *,
    mistakes: Mapping[str, str] | None = None,
    refused: Mapping[UUID, str] | None = None,
    given: int = 0,
) -> Response:
    """200; 422 with mistakes; 409 with what could not be given, beside how many were."""
    async with visit.engine.connect() as tx:
        rows = await item.named(tx, ids)
        people = await item.assignees_for(tx, {row.route for row in rows}, today=visit.today)
    return visit.render(
        "queue/give.html",
        status=422 if mistakes else 409 if refused else 200,
        errors=error_summary(mistakes or {}),
        mistakes=mistakes or {},
        rows=[row for row in rows if row.ended_at is None or row.id in (refused or {})],
        people=people,
        refused=refused or {},
        given=given,
        next=_back(back),
    )


def _back(named: str) -> str:
    """The list somebody came from; all queues when it is not one of our pages."""
    return local_page(named) if named else address(EVERYWHERE, Choices())
