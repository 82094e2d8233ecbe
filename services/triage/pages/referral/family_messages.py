"""A held message to a family on the page of its work: a person lets it go, or says why not. Audited in notify."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.triage.pages.context import Visit, Worker, back_to
from services.triage.pages.forms import error_summary, text_in
from services.triage.pages.labels import KEPT_BACK
from services.triage.pages.referral.item import Overtaken, item_page
from services.triage.work_items import item as items
from shared.problems import Problem

routes = APIRouter(prefix="/staff/items/{item_id}/messages/{message_id}", include_in_schema=False)

GONE = "This message is not held any more. Somebody may have dealt with it already."


@routes.post("/release")
async def release(visit: Worker, item_id: UUID, message_id: UUID) -> Response:
    await visit.form()
    return await _settle(visit, item_id, message_id, reason=None)


@routes.post("/keep-back")
async def keep_back(visit: Worker, item_id: UUID, message_id: UUID) -> Response:
    reason = text_in(await visit.form(), "reason")
    if reason not in KEPT_BACK:
        mistake = {f"why-{message_id}": "Choose why it is kept back"}
        return await item_page(visit, item_id, errors=error_summary(mistake))
    return await _settle(visit, item_id, message_id, reason=reason)


@routes.get("/release")
@routes.get("/keep-back")
async def back_to_the_item(_: Worker, item_id: UUID, message_id: UUID) -> Response:  # noqa: ARG001  of the address
    """After signing in again: the button is pressed anew."""
    return RedirectResponse(f"/staff/items/{item_id}", 303)


async def _settle(visit: Visit, item_id: UUID, message_id: UUID, *, reason: str | None) -> Response:
    """Raises Problem 503 when the notify service does not answer: it may have done it all the same."""
    async with visit.engine.connect() as tx:
        told = await items.load(tx, item_id)
    known = await visit.context.messages.about(told.item["reference"])
    if known is None:
        raise Problem("unavailable")
    if not any(each["id"] == str(message_id) and each["can_be_released"] for each in known):
        return await item_page(visit, item_id, overtaken=Overtaken(GONE))
    is_done = await visit.context.messages.settle(message_id, reason=reason, actor=visit.staff.id)
    if is_done is None:
        raise Problem("unavailable")
    if not is_done:
        return await item_page(visit, item_id, overtaken=Overtaken(GONE))
    done = "message-released" if reason is None else "message-kept-back"
    return back_to(f"/staff/items/{item_id}", done=done)
