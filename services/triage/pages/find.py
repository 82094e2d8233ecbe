"""Finding a referral: by its reference, or by who the family is, for a reason that is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from nhs_number.validate import is_valid as has_valid_check_digit
from starlette.responses import RedirectResponse

from services.triage import identity_access
from services.triage.clients import Matches
from services.triage.pages import find_form
from services.triage.pages.find_form import EMPTY, FindForm
from services.triage.pages.queue import read_reference
from services.triage.pages.room import Room
from services.triage.pages.words import LOOKS
from shared.access import Permission
from shared.problems import Problem
from shared.sign_in import Visitor, read_form, visitor
from shared.working_time import day_in_london

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_QUEUES))]
Searcher = Annotated[Visitor, Depends(visitor(Permission.SEE_IDENTITY))]

PAGE: Final = "/staff/find"
_LONGEST: Final = 200
_UNREADABLE: Final = "Enter a reference like PIR-4K7-29M"
_UNKNOWN: Final = "We have no referral with this reference. Check each letter and number"


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("/find")
    async def find_page(request: Request, _: Reader) -> Response:
        return _form(room, request, EMPTY)

    @routes.post("/find")
    async def find_reference(request: Request, who: Reader) -> Response:
        form = await read_form(request, who)
        typed = str(form.get("reference", "")).strip()[:_LONGEST]
        reference = read_reference(typed)
        if reference is None:
            return _wrong_reference(room, request, typed, _UNREADABLE)
        async with room.engine.connect() as tx:
            if not await identity_access.is_known(tx, reference):
                return _wrong_reference(room, request, typed, _UNKNOWN)
        return RedirectResponse(f"/staff/referrals/{reference}", 303)

    @routes.get("/find/family")
    async def find_again(_: Searcher) -> Response:
        """Whoever had to sign in again comes back here: what they had typed is nowhere."""
        return RedirectResponse(PAGE, 303)

    @routes.post("/find/family")
    async def find_family(request: Request, who: Searcher) -> Response:
        now = room.now()
        form = find_form.read_form(await read_form(request, who), today=day_in_london(now))
        if form.errors:
            return _form(room, request, form, status=422)
        return await _search(room, request, who, form, now)


async def _search(room: Room, request: Request, who: Visitor, form: FindForm, now: datetime) -> Response:
    assert form.reason is not None  # noqa: S101  a form without errors has one
    async with room.engine.begin() as tx:
        await identity_access.record_search(tx, who.staff, reason=form.reason, at=now)
    try:
        matches = await room.families.find(form.who, reason=form.reason.value, actor=who.staff.id)
    except Problem as problem:
        return _form(room, request, form.refused(problem.errors), status=422)
    return await _found(room, request, form, matches)


async def _found(room: Room, request: Request, form: FindForm, matches: Matches | None) -> Response:
    if matches is None:
        return room.pages.render(request, "found.html", status=503)
    async with room.engine.connect() as tx:
        found = await identity_access.standing_of(tx, matches.referrals)
    number = form.who.get("nhs_number")
    return room.pages.render(
        request,
        "found.html",
        found=found,
        is_more=matches.is_more,
        by_number=number is not None,
        is_odd_number=number is not None and not has_valid_check_digit(number),
        by_postcode="postcode" in form.who,
        now=room.now(),
    )


def _wrong_reference(room: Room, request: Request, typed: str, words: str) -> Response:
    return _form(room, request, EMPTY, status=422, reference=typed, reference_error=words)


def _form(
    room: Room, request: Request, form: FindForm, *, status: int = 200, reference: str = "", reference_error: str = ""
) -> Response:
    summary = [{"text": reference_error, "href": "#reference"}] if reference_error else form.summary
    return room.pages.render(
        request,
        "find.html",
        status=status,
        form=form,
        reasons=LOOKS,
        reference=reference,
        reference_error=reference_error,
        may_search=request.state.visitor.staff.may(Permission.SEE_IDENTITY),
        errors=summary,
    )
