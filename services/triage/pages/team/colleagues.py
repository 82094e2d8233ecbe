"""The team: who has how much to do, which routes each takes, and who is away until when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from starlette.responses import RedirectResponse

from services.triage import team
from services.triage.pages.context import Lead, Reader, Visit
from services.triage.pages.forms import MistypedError, TypedDay, error_summary, text_in
from services.triage.work_items.bodies import STAFF_ID
from shared.access import Permission
from shared.events import Route
from shared.problems import Problem

ColleagueId = Annotated[str, Path(max_length=100)]

CHANGED: Final = "Somebody has changed this since you opened the page. Look at what you have here, and save it again"

routes = APIRouter(prefix="/staff", include_in_schema=False)


@routes.get("/team")
async def team_page(visit: Reader) -> Response:
    async with visit.engine.connect() as tx:
        everybody = await team.colleagues(tx, now=visit.now)
    may_change = visit.may(Permission.LEAD)
    # Whom work can be given to; others have no page of their own.
    linked = {each.id for each in everybody if may_change and each.name and re.fullmatch(STAFF_ID, each.id)}
    return visit.render("team/team.html", team=everybody, linked=linked, me=visit.staff.id, may_assign=may_change)


@routes.get("/team/{colleague_id}")
async def routes_form(visit: Lead, colleague_id: ColleagueId) -> Response:
    return _form(visit, await _colleague(visit, colleague_id))


async def _colleague(visit: Visit, colleague_id: str) -> team.Colleague:
    """Raises Problem 404 for somebody who has never signed in."""
    async with visit.engine.connect() as tx:
        everybody = await team.colleagues(tx, now=visit.now)
    found = next((each for each in everybody if each.id == colleague_id and each.name), None)
    if found is None:
        raise Problem("not-found")
    return found


def _form(
    visit: Visit,
    found: team.Colleague,
    typed: TypedDay | None = None,
    taken: Sequence[Route] | None = None,
    mistake: str = "",
    *,
    is_overtaken: bool = False,
) -> Response:
    until = found.away_until
    known = TypedDay(str(until.day), str(until.month), str(until.year)) if until else TypedDay()
    errors = error_summary({"until": mistake} if mistake else {}, days=("until",))
    if is_overtaken:
        errors = [{"text": CHANGED, "href": "#routes"}]
    return visit.render(
        "team/team_routes.html",
        status=409 if is_overtaken else 422 if mistake else 200,
        shown=_as_shown(found),
        errors=errors,
        mistake=mistake,
        colleague=found,
        every_route=list(Route),
        taken=found.routes if taken is None else taken,
        typed=typed or known,
    )


def _as_shown(found: team.Colleague) -> str:
    """What the form showed: another lead may have changed it since."""
    return f"{','.join(found.routes) or 'all'} {found.away_until or 'here'}"


@routes.post("/team/{colleague_id}")
async def save(visit: Lead, colleague_id: ColleagueId) -> Response:
    """The queues they take, and until when they are away: a day to come, or empty boxes when they are here."""
    found, form = await _colleague(visit, colleague_id), await visit.form()
    chosen, typed = set(form.getlist("routes")), TypedDay.of(form, "until")
    taken = [route for route in Route if route.value in chosen]
    if text_in(form, "shown") not in ("", _as_shown(found)):
        return _form(visit, found, typed, taken, is_overtaken=True)
    try:
        until = None if typed.is_empty else typed.read()
    except MistypedError as error:
        return _form(visit, found, typed, taken, str(error))
    if until is not None and until < visit.today:
        return _form(visit, found, typed, taken, "Enter today or a day to come, or leave the boxes empty")
    async with visit.engine.begin() as tx:
        if set(taken or Route) != set(found.routes or Route):  # none is all
            await team.set_routes(tx, colleague_id, taken, by=visit.staff, at=visit.now)
        if until != found.away_until:
            await team.set_away(tx, colleague_id, until, by=visit.staff, at=visit.now)
    return RedirectResponse("/staff/team?done=team", 303)
