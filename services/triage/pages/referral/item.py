"""The pages of a referral: one work item with everything around it, and a referral with all of its items."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from services.triage.identity_access import LookReason, record_view
from services.triage.pages.context import Looker, Reader, Visit
from services.triage.pages.forms import error_summary, read_reference
from services.triage.pages.labels import (
    HELD,
    KEPT_BACK,
    LOOKS,
    MESSAGE_STATES,
    age_of_baby,
    gap_in_words,
    is_loss,
    loss_of,
    message_name,
    told_facts,
)
from services.triage.pages.queue.queues import done_in_words, due_in_words
from services.triage.pages.referral.decision_view import decision_view, near
from services.triage.pages.referral.identity_view import FOLDED, sections
from services.triage.pages.referral.kinds import RINGS
from services.triage.pages.referral.timeline import Moment, contacts_in_words, timeline
from services.triage.pages.referral.what_to_do import Held, coming, what_to_do
from services.triage.pages.referral.whom_to_ring import first_screen, rings_family, whom_to_ring
from services.triage.pages.steps.calls import contact_choices
from services.triage.pages.steps.step_forms import Offer, offers
from services.triage.pages.way_back import list_in, way_to
from services.triage.staff_notes import StaffNote
from services.triage.work_items import item as items
from services.triage.work_items import places
from services.triage.work_items.conditions import is_on_list, is_overdue, is_watched
from services.triage.work_items.item import ONLY_LOOKED, VIEWED, ItemDetails
from services.triage.work_items.places import Waiting
from shared.access import Permission
from shared.events import Facts
from shared.pages.wording import route_name
from shared.problems import Problem
from shared.service_map import SIGNPOSTS, MappedService

routes = APIRouter(prefix="/staff", include_in_schema=False)

NO_REASON: Final = error_summary({"why": "Choose why you are looking"})


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A step that did not fit any more: why, and what was done meanwhile."""

    words: str
    changes: Sequence[Moment] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """Who a referral is about, for somebody who may know now: `found` is None when it can't be fetched."""

    found: dict[str, Any] | None
    texts: Sequence[StaffNote]


@routes.get("/items/{item_id}")
async def one_item(visit: Reader, item_id: UUID) -> Response:
    return await item_page(visit, item_id, came_from=list_in(visit.request.query_params))


@routes.post("/items/{item_id}/look")
async def look_at_it(visit: Looker, item_id: UUID) -> Response:
    sent = await visit.form()
    why, came_from = sent.get("why"), list_in(sent)
    if why not in LOOKS:
        return await item_page(visit, item_id, errors=NO_REASON, came_from=came_from)
    return await item_page(visit, item_id, why=LookReason(str(why)), came_from=came_from)


@routes.get("/items/{item_id}/look")
async def back_to_the_item(_: Looker, item_id: UUID) -> Response:
    """After signing in again, or when the page with the family is kept no more: a new look is asked for."""
    return RedirectResponse(f"/staff/items/{item_id}", 303)


@routes.get("/referrals/{reference}")
async def one_referral(visit: Reader, reference: str) -> Response:
    """Every item of it; straight to the current one when there is no other to choose."""
    known = read_reference(reference)
    if known is None:
        raise Problem("not-found")
    async with visit.engine.connect() as tx:
        found = await items.items_of(tx, known)
        names = await items.names_of(tx, [each.assignee for each in found])
    if not found:
        raise Problem("not-found")
    current = [each for each in found if each.ended_at is None]
    if len(current) == 1:
        return RedirectResponse(f"/staff/items/{current[0].id}", 303)
    ended = [each for each in found if each.ended_at is not None]
    return visit.render(
        "referral/referral.html", reference=known, current=current, ended=ended, names=names, me=visit.staff.id
    )


async def item_page(
    visit: Visit,
    item_id: UUID,
    *,
    why: LookReason | None = None,
    overtaken: Overtaken | None = None,
    errors: Sequence[dict[str, str]] = (),
    came_from: str = "",
) -> Response:
    """The page; with the family when the visitor gave a reason to look, or works on the item and needs none.

    409 when a step was `overtaken`, 422 with `errors`. `came_from` is the list that leads here.
    """
    reason = await record_view(visit.engine, item_id, visit.staff, at=visit.now, why=why)
    async with visit.engine.connect() as tx:
        told = await items.load(tx, item_id)
        given = await done_in_words(visit, tx) if visit.request.query_params.get("done") == "assigned" else {}
        in_line = await places.place_in_line(tx, told.row, now=visit.now) if is_on_list(told.row) else None
    told_of = visit.context.messages.about(told.item["reference"])
    family: Family | None = None
    if reason:
        family, messages = await asyncio.gather(family_of(visit, told.referral_id), told_of)
    else:
        messages = await told_of
    return visit.render(
        "referral/item.html",
        status=409 if overtaken else 422 if errors else 200,
        errors=list(errors),
        came_from=came_from,
        way_to=way_to,
        overtaken=overtaken,
        messages=messages,
        message_name=message_name,
        message_states=MESSAGE_STATES,
        held_words=HELD,
        kept_back_words=KEPT_BACK,
        may_settle=visit.may(Permission.WORK_ITEMS),
        **_shown(visit, told, family, in_line),
        **given,
    )


async def family_of(visit: Visit, referral_id: UUID) -> Family:
    """Fetched by id from where it is kept; that side writes down who looked, too."""
    found = await visit.context.families.look(referral_id, actor=visit.staff.id)
    async with visit.engine.connect() as tx:
        return Family(found, await visit.context.steps.texts.read(tx, referral_id))


def _shown(visit: Visit, told: ItemDetails, family: Family | None, in_line: Waiting | None) -> dict[str, Any]:
    """All that the template is told about the item."""
    item, row, now, policy = told.item, told.row, visit.now, visit.policy
    texts = family.texts if family else ()
    reasons = {text.at.isoformat(): text.text for text in texts if text.kind == "override"}
    known = (policy, *visit.context.policies.values())

    def view(decision: Mapping[str, Any]) -> dict[str, Any]:
        return decision_view(decision, policies=known, in_force=policy, names=told.names, reasons=reasons)

    decisions = [view(each) for each in item["decisions"]]
    decision, offered = item["decision"], offers(row, visit.staff)
    holds = decision["holds"] if decision else []
    is_own, is_late = row.assignee == visit.staff.id, not row.ended_at and is_overdue(row, now)
    holder = "You" if is_own else told.names.get(row.assignee, row.assignee)
    due = "Ended" if row.ended_at else due_in_words(row, now=now)
    rings = whom_to_ring(
        row,
        facts=told.facts,
        policy=policy,
        service_map=visit.context.service_map,
        on=visit.today,
        found=family.found if family else None,
        holds=holds,
    )
    loss = loss_of(told.facts, decision)
    to_do = what_to_do(
        row,
        offered,
        facts=told.facts,
        decision=decision,
        policy=policy,
        rings=rings,
        held=Held(holder, due.partition(". ")[0] if is_late else "") if holder and not is_own else None,
        in_line=in_line,
        onward=open_beside(item["items"]),
        loss=loss if is_loss(decision) else "",
    )
    beside = [to_do.first, *to_do.also]
    may_record = any(offer.step == "contact-attempt" for offer in offered)
    contact = contact_choices(row, visit.today) if is_own and may_record else None
    looks = [line for line in told.lines if line.action == VIEWED]
    return {
        "item": item,
        "row": row,
        "now": now,
        "seen": told.seen,
        "names": told.names,
        "holder": holder,
        "due": due,
        "family": family,
        "sections": sections(family.found, policy, holds, on=visit.today) if family and family.found else [],
        "folded_sections": FOLDED,
        "gaps": [gap_in_words(gap) for gap in item["gaps"]],
        "may_look": visit.may(Permission.SEE_IDENTITY),
        "looks_now": is_watched(row) and not family and not row.ended_at and visit.may(Permission.SEE_IDENTITY),
        "looks": LOOKS,
        "decision": decisions[-1] if decisions else None,
        "earlier": decisions[-2::-1],
        "proposal": view(item["proposal"]) if item["proposal"] else None,
        "holds": holds,
        "loss": loss,
        "is_own": is_own,
        "is_late": is_late,
        "to_do": to_do,
        "sent": first_screen(family.found if family else None, is_rung=rings_family(row, holds)),
        "coming": coming(row, told.facts, decision, policy, on=visit.today),
        "contacts": contacts_in_words(told.lines, on=visit.today),
        "contact": contact,
        "chosen": contact,
        "typed": contact["suggested"] if contact else {},
        "offers": [offer for offer in offered if offer not in beside],
        "history": timeline([line for line in told.lines if line.action not in ONLY_LOOKED], told.names, texts)[::-1],
        "looks_at_family": timeline(looks, told.names)[::-1],
        **_of_facts(visit, told),
    }


def open_beside(every: Sequence[Mapping[str, Any]]) -> list[Offer]:
    """Links to a referral's open work, what somebody has to ring about first."""
    still = sorted((each for each in every if not each["ended_at"]), key=lambda each: each["route"] not in RINGS)
    return [
        Offer("go-on", f"Go on: {route_name(each['route'])}", f"/staff/items/{each['id']}", is_form=False)
        for each in still
    ]


def _of_facts(visit: Visit, told: ItemDetails) -> dict[str, Any]:
    """What the rules saw; nothing for a referral that was erased or that triage has not heard of yet."""
    if told.facts is None or told.row.referral_received_at is None:
        return {"told": [], "near_rules": [], "signposts": [], "age": ""}
    return {
        "told": told_facts(told.facts, visit.policy),
        "age": age_of_baby(told.facts, visit.policy, on=visit.today),
        "near_rules": list(near(told.facts, received_at=told.row.decided_as_of, policy=visit.policy).values()),
        "signposts": _signposts(visit, told.facts, told.item["decision"]),
    }


def _signposts(visit: Visit, facts: Facts, decision: Mapping[str, Any] | None) -> list[MappedService]:
    """Who else can help, by the service map, when the decision sends somebody on; nobody is named after a loss."""
    if not decision or is_loss(decision):
        return []
    ward, on, of_route = facts.place.ward, visit.today, visit.context.service_map.signposts
    onward = [route for route in SIGNPOSTS if route in decision["routes"]]
    return list(dict.fromkeys(each for route in onward for each in of_route(route, ward=ward, on=on)))
