"""Places by route, who waits for one and how long that may take; and the form that sets the places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

from fastapi import APIRouter, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from services.triage.pages.context import Visit, who_may
from services.triage.pages.forms import error_summary, text_in
from services.triage.pages.queue.queues import waiting_in_words
from services.triage.work_items import bodies
from services.triage.work_items import places as stored
from services.triage.work_items.places import MOST_SHOWN, RoutePlaces, Waiting
from shared import audit
from shared.access import Permission
from shared.events import FAMILY_WORK, Route

Reader = Annotated[Visit, who_may(Permission.READ_CAPACITY)]
Setter = Annotated[Visit, who_may(Permission.SET_CAPACITY)]

routes = APIRouter(prefix="/staff", include_in_schema=False)

POLICY: Final = "policy"
"""Who set the places that came with the policy."""
_KINDS: Final = {"individual": "individual places", "group": "places in groups"}
_LONGEST: Final = 20


class PlacesOfRoute(NamedTuple):
    """A route on the page: `places` is None where families wait but nobody has set a number of places."""

    route: Route
    places: RoutePlaces | None
    waiting: Sequence[Waiting]
    offer: str


@routes.get("/capacity")
async def capacity_page(visit: Reader) -> Response:
    """Routes with a number of places first; then those where families wait all the same."""
    async with visit.engine.connect() as tx:
        places = await stored.all_places(tx, now=visit.now)
        waiting = await stored.waiting_lists(tx, now=visit.now)
    offers = {each.route: each.interim_offer for each in visit.policy.capacity}
    of_route = {each.route: each for each in places}
    shown = dict.fromkeys((*of_route, *waiting))
    return visit.render(
        "places/capacity.html",
        sections=[
            PlacesOfRoute(route, of_route.get(route), waiting.get(route, ()), offers.get(route, "")) for route in shown
        ],
        others=[route for route in Route if route in FAMILY_WORK and route not in shown],
        may_set=visit.may(Permission.SET_CAPACITY),
        waited=lambda each: waiting_in_words(each.received_at, visit.now),
        from_policy=POLICY,
        most=MOST_SHOWN,
    )


@routes.get("/capacity/{route}")
async def places_form(visit: Setter, route: Route) -> Response:
    return await _form(visit, route)


@routes.post("/capacity/{route}")
async def set_places(visit: Setter, route: Route) -> Response:
    """409 when somebody else has set them since the form was shown; audited as the API does."""
    form = await visit.form()
    typed = {name: text_in(form, name)[:_LONGEST] for name in _KINDS}
    places, errors = read_places(typed)
    if places is None:
        return await _form(visit, route, status=422, typed=typed, errors=errors)
    seen = _time(str(form.get("seen", "")))
    async with visit.engine.begin() as tx:
        is_set = await stored.replace_places(
            tx, route, individual=places.individual, group=places.group, by=visit.staff.id, at=visit.now, seen=seen
        )
        if is_set:
            await audit.write(tx, [visit.entry("capacity.set", route.value)])
    if not is_set:
        return await _form(visit, route, status=409, typed=typed, is_changed=True)
    return RedirectResponse("/staff/capacity?done=capacity", 303)


def read_places(typed: Mapping[str, str]) -> tuple[bodies.Places | None, list[dict[str, str]]]:
    """The places of a form, or what is wrong with each field, for the error summary."""
    numbers = {name: int(text) if text.isascii() and text.isdecimal() else text for name, text in typed.items()}
    try:
        return bodies.Places.model_validate(numbers), []
    except ValidationError as error:
        wrong = {str(each["loc"][0]) for each in error.errors(include_input=False, include_url=False)}
        words = "The number of {} must be a whole number from 0 to 10,000"
        return None, error_summary({name: words.format(kind) for name, kind in _KINDS.items() if name in wrong})


async def _form(
    visit: Visit, route: Route, *, status: int = 200, typed: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """The form with the places as they stand, or as they were typed."""
    async with visit.engine.connect() as tx:
        stands = next((each for each in await stored.all_places(tx, now=visit.now) if each.route is route), None)
    given = {"individual": str(stands.individual), "group": str(stands.group)} if stands else {}
    shown = {"route": route, "stands": stands, "typed": typed or given, "from_policy": POLICY}
    return visit.render("places/capacity_form.html", status=status, **shown, **more)


def _time(text: str) -> datetime | None:
    """When the places were set that the form showed; None when there were none, or when it is unreadable."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
