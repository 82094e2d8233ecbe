"""The team: who has how much to do, and which routes each takes."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from starlette.responses import RedirectResponse

from services.triage import team
from services.triage.pages.context import Lead, Reader
from shared.access import Permission
from shared.events import Route
from shared.problems import Problem

ColleagueId = Annotated[str, Path(max_length=100)]

routes = APIRouter(prefix="/staff", include_in_schema=False)

LINKED: Final = re.compile(r"[A-Za-z0-9._|:-]{1,100}")
"""Ids that work can be assigned to; others have no page of their own."""


@routes.get("/team")
async def team_page(visit: Reader) -> Response:
    async with visit.engine.connect() as tx:
        everybody = await team.colleagues(tx, now=visit.now)
    may_change = visit.may(Permission.ASSIGN)
    linked = {each.id for each in everybody if may_change and each.name and LINKED.fullmatch(each.id)}
    return visit.render("team.html", team=everybody, linked=linked, me=visit.staff.id)


@routes.get("/team/{colleague_id}")
async def routes_form(visit: Lead, colleague_id: ColleagueId) -> Response:
    """Raises Problem 404 for somebody who has never signed in."""
    async with visit.engine.connect() as tx:
        everybody = await team.colleagues(tx, now=visit.now)
    found = next((each for each in everybody if each.id == colleague_id and each.name), None)
    if found is None:
        raise Problem("not-found")
    return visit.render("team_routes.html", colleague=found, every_route=list(Route))


@routes.post("/team/{colleague_id}")
async def set_routes(visit: Lead, colleague_id: ColleagueId) -> Response:
    chosen = set((await visit.form()).getlist("routes"))
    async with visit.engine.begin() as tx:
        taken = [route for route in Route if route.value in chosen]
        await team.set_routes(tx, colleague_id, taken, by=visit.staff, at=visit.now)
    return RedirectResponse("/staff/team?done=team", 303)
