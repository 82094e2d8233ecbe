"""The page of a work item put together: what is read, who may see what, and the context of its template."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fastapi import Request, Response

from services.triage.identity_access import LookReason, record_view
from services.triage.pages import deciding, near_rules, who
from services.triage.pages.lines import due_in_words
from services.triage.pages.next_step import next_steps
from services.triage.pages.offered import offers
from services.triage.pages.room import Room
from services.triage.pages.timeline import Moment, timeline
from services.triage.pages.words import AUDIENCES, LOOKS, MESSAGE_STATES, gap_in_words, told_facts
from services.triage.staff_notes import StaffNote
from services.triage.work_items import item as items
from services.triage.work_items.item import ItemDetails
from shared.access import Permission, Staff
from shared.events import Hold
from shared.service_map import SIGNPOSTS, Service
from shared.working_time import day_in_london

DONE: Final = {
    "waiting": "The family is on the waiting list. The referrer is told.",
    "birth-noted": "Thank you for asking. It is written down.",
}
"""What the page says after a step that other pages do not have; the rest is in shared/pages/outcomes.py."""


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


async def item_page(
    request: Request,
    room: Room,
    staff: Staff,
    item_id: UUID,
    *,
    why: LookReason | None = None,
    overtaken: Overtaken | None = None,
    status: int = 200,
    errors: Sequence[dict[str, str]] = (),
) -> Response:
    """The page; with the family when `staff` gave a reason to look, or works on the item and needs none."""
    reason = await record_view(room.engine, item_id, staff, at=room.now(), why=why)
    async with room.engine.connect() as tx:
        told = await items.load(tx, item_id)
    family, messages = await asyncio.gather(
        _family(room, staff, told.referral_id) if reason else _nobody(), room.messages.about(told.item["reference"])
    )
    return room.pages.render(
        request,
        "item.html",
        status=status,
        errors=list(errors),
        overtaken=overtaken,
        messages=messages,
        message_states=MESSAGE_STATES,
        audiences=AUDIENCES,
        **context(told, staff, family, room),
        **_flash(request),
    )


async def _family(room: Room, staff: Staff, referral_id: UUID) -> Family:
    """Fetched by id from where it is kept; that side writes down who looked, too."""
    found = await room.families.look(referral_id, actor=staff.id)
    async with room.engine.connect() as tx:
        return Family(found, await room.steps.texts.read(tx, referral_id))


async def _nobody() -> None:
    return None


def context(told: ItemDetails, staff: Staff, family: Family | None, room: Room) -> dict[str, Any]:
    """All that the template is told about the item."""
    item, row, now = told.item, told.row, room.now()
    texts = family.texts if family else ()
    decisions = [_decision(each, told, texts, room) for each in item["decisions"]]
    return {
        "item": item,
        "row": row,
        "now": now,
        "seen": told.seen,
        "names": told.names,
        "holder": "You" if row.assignee == staff.id else told.names.get(row.assignee, row.assignee),
        "due": "Ended" if row.ended_at else due_in_words(row, now=now),
        "family": family,
        "sections": who.sections(family.found, room.steps.policy) if family and family.found else [],
        "gaps": [gap_in_words(gap) for gap in item["gaps"]],
        "may_look": staff.may(Permission.SEE_IDENTITY),
        "looks": LOOKS,
        "decision": decisions[-1] if decisions else None,
        "earlier": decisions[-2::-1],
        "proposal": _decision(item["proposal"], told, texts, room) if item["proposal"] else None,
        "holds": item["decision"]["holds"] if item["decision"] else [],
        "next_steps": next_steps(row, told.facts, item["decision"], room.steps.policy),
        "offers": offers(row, staff),
        "history": timeline(told.lines, told.names, texts)[::-1],
        **_of_facts(told, room),
    }


def _decision(decision: dict[str, Any], told: ItemDetails, texts: Sequence[StaffNote], room: Room) -> deciding.Shown:
    return deciding.shown(
        decision,
        policies=(room.steps.policy, *room.policies.values()),
        in_force=room.steps.policy,
        names=told.names,
        reasons={text.at.isoformat(): text.text for text in texts if text.kind == "override"},
    )


def _of_facts(told: ItemDetails, room: Room) -> dict[str, Any]:
    """What the rules saw; nothing for a referral that was erased or that triage has not heard of yet."""
    received_at: datetime | None = told.row.referral_received_at
    if told.facts is None or received_at is None:
        return {"told": [], "near_rules": [], "signposts": []}
    policy = room.steps.policy
    near = near_rules.near(told.facts, received_at=told.row.decided_as_of, policy=policy)
    return {"told": told_facts(told.facts, policy), "near_rules": near, "signposts": _signposts(told, room)}


def _signposts(told: ItemDetails, room: Room) -> list[Service]:
    """Who else can help, by the service map, when the decision sends somebody on; nobody is named after a loss."""
    decision = told.item["decision"]
    if told.facts is None or not decision or Hold.C1 in decision["holds"]:
        return []
    ward, on = told.facts.place.ward, day_in_london(room.now())
    routes = [route for route in SIGNPOSTS if route in decision["routes"]]
    return list(dict.fromkeys(each for route in routes for each in room.service_map.signposts(route, ward=ward, on=on)))


def _flash(request: Request) -> dict[str, str]:
    """Only words of our own list; those that all pages know the page itself finds."""
    words = DONE.get(request.query_params.get("done", ""))
    return {"flash": words} if words else {}
