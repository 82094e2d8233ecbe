"""Taking a call: who rings, and for which agency. The referral service then opens the form (its front/calls.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.triage.clients import RingingAgency
from services.triage.pages.context import Visit, Worker
from services.triage.pages.forms import error_summary, short_text_in
from shared.problems import Problem

routes = APIRouter(prefix="/staff", include_in_schema=False)

BOXES: Final = {"agency": "Who rings", "name": "Name", "role": "Role", "phone": "Telephone", "email": "Email"}
"""Box, in the order of the page → its name before what the referral service says of it."""


@routes.get("/arrivals/new")
async def new_call(visit: Worker) -> Response:
    return _page(visit, await visit.context.arrivals.agencies())


@routes.post("/arrivals/new")
async def take_call(visit: Worker) -> Response:
    form = await visit.form()
    typed = {box: short_text_in(form, box) for box in BOXES}
    agencies = await visit.context.arrivals.agencies()
    if agencies is None:
        return _page(visit, None, typed)
    if mistakes := _missing(typed, agencies):
        return _page(visit, agencies, typed, mistakes)
    try:
        path = await visit.context.arrivals.begin(typed, staff_name=visit.staff.name, actor=visit.staff.id)
    except Problem as problem:
        told = {error.pointer.removeprefix("/"): error.detail for error in problem.errors}
        mistakes = {box: f"{name}: {told[box]}" for box, name in BOXES.items() if box in told}
        return _page(visit, agencies, typed, mistakes or {"agency": "We could not use this. Check what you typed."})
    if path is None:
        return _page(visit, None, typed)
    return RedirectResponse(f"{visit.context.front_url}{path}", 303)


def _missing(typed: Mapping[str, str], agencies: Sequence[RingingAgency]) -> dict[str, str]:
    """Box → words, in the order of the page. A parent has no role, a relative may say theirs."""
    chosen = next((each for each in agencies if each.slug == typed["agency"]), None)
    mistakes = {} if chosen else {"agency": "Choose who rings"}
    if not typed["name"]:
        mistakes["name"] = "Enter the name of the caller"
    if not typed["role"] and chosen and not chosen.is_families:
        mistakes["role"] = "Enter the role of the caller, for example health visitor"
    return mistakes


def _page(
    visit: Visit,
    agencies: Sequence[RingingAgency] | None,
    typed: Mapping[str, str] | None = None,
    mistakes: Mapping[str, str] | None = None,
) -> Response:
    """`agencies` are None while the referral service does not answer."""
    found = sorted(agencies or (), key=lambda each: not each.is_families)
    front = urlsplit(visit.context.front_url)
    return visit.render(
        "arrivals/arrivals.html",
        status=503 if agencies is None else 422 if mistakes else 200,
        is_away=agencies is None,
        callers=[
            (each.slug, "A parent or relative, about their own family" if each.is_families else each.name)
            for each in found
        ],
        typed=typed or {},
        mistakes=mistakes or {},
        errors=error_summary(mistakes or {}),
        ring=visit.policy.ring,
        form_leads_to=f"{front.scheme}://{front.netloc}",
    )
