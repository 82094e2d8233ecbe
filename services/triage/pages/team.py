"""The team: who has how much to do, and which routes each takes."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.responses import RedirectResponse

from services.triage import team
from services.triage.pages.room import Room
from services.triage.team import Colleague
from shared.access import Permission
from shared.events import Route
from shared.problems import Problem
from shared.sign_in import Visitor, read_form, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_QUEUES))]
Lead = Annotated[Visitor, Depends(visitor(Permission.ASSIGN))]
ColleagueId = Annotated[str, Path(max_length=100)]

LINKED: Final = re.compile(r"[A-Za-z0-9._|:-]{1,100}")
"""Ids that work can be assigned to; others have no page of their own."""


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("/team")
    async def team_page(request: Request, who: Reader) -> Response:
        now = room.now()
        async with room.engine.connect() as tx:
            everybody = await team.colleagues(tx, now=now)
        may_change = who.staff.may(Permission.ASSIGN)
        return room.pages.render(
            request,
            "team.html",
            team=everybody,
            linked={each.id for each in everybody if may_change and each.name and LINKED.fullmatch(each.id)},
            me=who.staff.id,
            now=now,
        )

    @routes.get("/team/{colleague_id}")
    async def routes_form(request: Request, colleague_id: ColleagueId, _: Lead) -> Response:
        colleague = await _known(room, colleague_id)
        return room.pages.render(request, "team_routes.html", colleague=colleague, every_route=list(Route))

    @routes.post("/team/{colleague_id}")
    async def set_routes(request: Request, colleague_id: ColleagueId, who: Lead) -> Response:
        chosen = set((await read_form(request, who)).getlist("routes"))
        async with room.engine.begin() as tx:
            taken = [route for route in Route if route.value in chosen]
            await team.set_routes(tx, colleague_id, taken, by=who.staff, at=room.now())
        return RedirectResponse("/staff/team?done=team", 303)


async def _known(room: Room, colleague_id: str) -> Colleague:
    """Raises Problem 404 for somebody who has never signed in."""
    async with room.engine.connect() as tx:
        everybody = await team.colleagues(tx, now=room.now())
    found = next((each for each in everybody if each.id == colleague_id and each.name), None)
    if found is None:
        raise Problem("not-found")
    return found
