"""The start page: what is on call now, what is mine, what is late, and how much waits where."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from services.triage.pages import parked_words
from services.triage.pages.context import Anybody
from services.triage.pages.queues import EVERYWHERE, address, line_of
from services.triage.work_items import queues
from services.triage.work_items.queues import Choices, Show, Sort
from shared.access import Permission, Role

routes = APIRouter(prefix="/staff", include_in_schema=False)

LISTS: Final[dict[Show, tuple[Sort, str, str]]] = {
    Show.ON_CALL: (Sort.DUE, "On call now", "Nothing is waiting for the person on call."),
    Show.SAFETY: (Sort.DUE, "Other safety work", "No other safety work is open."),
    Show.OVERDUE: (Sort.DUE, "Overdue", "Nothing is overdue."),
    Show.DUE_TODAY: (Sort.DUE, "Due today", "Nothing more is due today."),
    Show.FACTS_CHANGED: (Sort.DUE, "The facts have changed since a decision", "No decision waits for another look."),
    Show.PLACE_FREE: (Sort.DUE, "A place is free", "No free place waits for a family."),
    Show.CONTACT_DUE: (Sort.DUE, "Accepted, and no first contact yet", "Every accepted family has been met."),
    Show.MINE: (Sort.DUE, "Your work", "You have no open work. You can take something on from a queue."),
    Show.WAITING: (Sort.RECEIVED, "Waiting longest", "No family is waiting."),
    Show.NEAR_BIRTHDAY: (Sort.DUE, "Second birthday soon", "No baby who waits is close to the second birthday."),
    Show.UNDELIVERABLE: (Sort.DUE, "Messages that did not arrive", "Every message has arrived."),
    Show.DECLINES: (Sort.DUE, "Declines to confirm", "No proposed decline waits for a lead."),
}
"""In the order of the page: how each is sorted, its heading, and what it says when it is empty."""
ONLY_FOR: Final = {Show.MINE: Permission.WORK_ITEMS, Show.DECLINES: Permission.CONFIRM_DECLINE}
"""Only who can take work on has work of their own; declines are for whoever confirms them."""
NOT_FOR_QUEUES: Final = {
    Role.COMMISSIONER: "The published figures are in the reports, which have their own pages. No family is in them.",
    Role.OPERATIONS: "You look after the running of the services. The queues of families are for the triage team.",
    Role.AUDITOR: "You check how the service is used. The queues of families are for the triage team.",
}


@routes.get("")
async def home(visit: Anybody) -> Response:
    if not visit.may(Permission.READ_QUEUES):
        seen = await visit.context.all_services.look() if visit.may(Permission.READ_PARKED) else ()
        return visit.render("home.html", words=NOT_FOR_QUEUES[visit.staff.role], seen=seen, services=parked_words)
    wanted = {show: sort for show, (sort, *_) in LISTS.items() if show not in ONLY_FOR or visit.may(ONLY_FOR[show])}
    async with visit.engine.connect() as tx:
        found = await queues.short_lists(tx, wanted, staff=visit.staff, now=visit.now)
        counts = await queues.counts(tx, now=visit.now)
    sections = []
    for show, each in found.items():
        sort, heading, calm = LISTS[show]
        lines = [line_of(row, staff=visit.staff, now=visit.now) for row in each.rows]
        href = address(EVERYWHERE, Choices(show=show, sort=sort))
        shown = {"name": show.value, "heading": heading, "calm": calm, "lines": lines, "total": each.total}
        sections.append(shown | {"href": href})
    return visit.render("home.html", sections=sections, here="/staff", **counts)
