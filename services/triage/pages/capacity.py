"""Places by route, who waits for one and how long that may take; and the form that sets the places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError
from starlette.responses import RedirectResponse

from services.triage.pages.lines import waiting_in_words
from services.triage.pages.room import Room
from services.triage.work_items import bodies
from services.triage.work_items import places as stored
from services.triage.work_items.places import MOST_SHOWN, RoutePlaces, Waiting
from shared import audit
from shared.access import Permission
from shared.audit import Actor, Entry
from shared.events import FAMILY_WORK, Route
from shared.policy import Policy
from shared.sign_in import Visitor, read_form, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_CAPACITY))]
Setter = Annotated[Visitor, Depends(visitor(Permission.SET_CAPACITY))]

POLICY: Final = "policy"
"""Who set the places that came with the policy."""
_KINDS: Final = {"individual": "individual places", "group": "places in groups"}
_LONGEST: Final = 20


@dataclass(frozen=True, slots=True)
class Section:
    """A route on the page: `places` is None where families wait but nobody has set a number of places."""

    route: Route
    places: RoutePlaces | None
    waiting: Sequence[Waiting]
    offer: str

    @property
    def is_cut(self) -> bool:
        return len(self.waiting) >= MOST_SHOWN


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("/capacity")
    async def capacity_page(request: Request, who: Reader) -> Response:
        now = room.now()
        async with room.engine.connect() as tx:
            places = await stored.all_places(tx, now=now)
            waiting = await stored.waiting_lists(tx, places)
        sections = _sections(places, waiting, room.steps.policy)
        return room.pages.render(
            request,
            "capacity.html",
            sections=sections,
            others=[route for route in Route if route in FAMILY_WORK - {section.route for section in sections}],
            may_set=who.staff.may(Permission.SET_CAPACITY),
            waited=lambda each: waiting_in_words(each.received_at, now),
            from_policy=POLICY,
            now=now,
        )

    @routes.get("/capacity/{route}")
    async def places_form(request: Request, route: Route, _: Setter) -> Response:
        return await _form(room, request, route)

    @routes.post("/capacity/{route}")
    async def set_places(request: Request, route: Route, who: Setter) -> Response:
        form = await read_form(request, who)
        typed = {name: str(form.get(name, "")).strip()[:_LONGEST] for name in _KINDS}
        places, errors = read_places(typed)
        if places is None:
            return await _form(room, request, route, status=422, typed=typed, errors=errors)
        if not await _set(room, route, places, who, seen=_time(str(form.get("seen", "")))):
            return await _form(room, request, route, status=409, typed=typed, is_changed=True)
        return RedirectResponse("/staff/capacity?done=capacity", 303)


async def _set(room: Room, route: Route, places: bodies.Places, who: Visitor, *, seen: datetime | None) -> bool:
    """False when somebody else has set them since; audited as the API does."""
    now, staff = room.now(), who.staff
    async with room.engine.begin() as tx:
        is_set = await stored.replace_places(
            tx, route, individual=places.individual, group=places.group, by=staff.id, at=now, seen=seen
        )
        if is_set:
            await audit.write(tx, [Entry(Actor("staff", staff.id), "capacity.set", now, detail=route.value)])
    return is_set


def read_places(typed: Mapping[str, str]) -> tuple[bodies.Places | None, list[dict[str, str]]]:
    """The places of a form, or what is wrong with each field, for the error summary."""
    numbers = {name: int(text) if text.isascii() and text.isdecimal() else text for name, text in typed.items()}
    try:
        return bodies.Places.model_validate(numbers), []
    except ValidationError as error:
        wrong = {str(each["loc"][0]) for each in error.errors(include_input=False, include_url=False)}
        words = "The number of {} must be a whole number from 0 to 10,000"
        return None, [
            {"text": words.format(kind), "href": f"#{name}"} for name, kind in _KINDS.items() if name in wrong
        ]


def _sections(
    places: Sequence[RoutePlaces], waiting: Mapping[Route, Sequence[Waiting]], policy: Policy
) -> list[Section]:
    """Routes with a number of places first; then those where families wait all the same."""
    offers = {each.route: each.interim_offer for each in policy.capacity}
    of_route = {each.route: each for each in places}
    shown = [*of_route, *(route for route in waiting if route not in of_route)]
    return [Section(route, of_route.get(route), waiting.get(route, ()), offers.get(route, "")) for route in shown]


async def _form(
    room: Room,
    request: Request,
    route: Route,
    *,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """The form with the places as they stand, or as they were typed."""
    async with room.engine.connect() as tx:
        stands = next((each for each in await stored.all_places(tx, now=room.now()) if each.route is route), None)
    given = {"individual": str(stands.individual), "group": str(stands.group)} if stands else {}
    return room.pages.render(
        request,
        "capacity_form.html",
        status=status,
        route=route,
        stands=stands,
        typed=typed or given,
        from_policy=POLICY,
        now=room.now(),
        **more,
    )


def _time(text: str) -> datetime | None:
    """When the places were set that the form showed; None when there were none, or when it is unreadable."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
