"""The pages of a referral: one work item with everything around it, and a referral with all of its items."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from services.triage.identity_access import LookReason
from services.triage.pages.queue import read_reference
from services.triage.pages.room import Room
from services.triage.pages.showing import item_page
from services.triage.pages.words import LOOKS
from services.triage.work_items import item
from shared.access import Permission
from shared.problems import Problem
from shared.sign_in import Visitor, read_form, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_QUEUES))]
Looker = Annotated[Visitor, Depends(visitor(Permission.SEE_IDENTITY))]

_NO_REASON: Final = {"text": "Choose why you are looking", "href": "#why"}


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("/items/{item_id}")
    async def one_item(request: Request, item_id: UUID, who: Reader) -> Response:
        return await item_page(request, room, who.staff, item_id)

    @routes.post("/items/{item_id}/look")
    async def look(request: Request, item_id: UUID, who: Looker) -> Response:
        why = (await read_form(request, who)).get("why")
        if why not in LOOKS:
            return await item_page(request, room, who.staff, item_id, status=422, errors=[_NO_REASON])
        return await item_page(request, room, who.staff, item_id, why=LookReason(str(why)))

    @routes.get("/items/{item_id}/look")
    async def back_to_the_item(item_id: UUID, _: Looker) -> Response:
        """After signing in again, or when the page with the family is loaded once more: each look is asked for."""
        return RedirectResponse(f"/staff/items/{item_id}", 303)

    @routes.get("/referrals/{reference}")
    async def one_referral(request: Request, reference: str, who: Reader) -> Response:
        return await _referral(request, room, who, reference)


async def _referral(request: Request, room: Room, who: Visitor, typed: str) -> Response:
    """Every item of it; straight to the current one when there is no other to choose."""
    reference = read_reference(typed)
    if reference is None:
        raise Problem("not-found")
    async with room.engine.connect() as tx:
        items = await item.items_of(tx, reference)
        names = await item.names_of(tx, [each.assignee for each in items])
    if not items:
        raise Problem("not-found")
    current = [each for each in items if each.ended_at is None]
    if len(current) == 1:
        return RedirectResponse(f"/staff/items/{current[0].id}", 303)
    return room.pages.render(
        request,
        "referral.html",
        reference=reference,
        current=current,
        ended=[each for each in items if each.ended_at is not None],
        names=names,
        me=who.staff.id,
        now=room.now(),
    )
