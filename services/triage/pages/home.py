"""The start page: what is on call now, what is mine, what is late, and how much waits where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from services.triage.pages import parked_words
from services.triage.pages.lines import Line, line_of
from services.triage.pages.queue import EVERYWHERE, address
from services.triage.pages.room import Room
from services.triage.work_items import queues
from services.triage.work_items.queues import Choices, QueuePage, Show, Sort
from shared.access import Permission, Role
from shared.sign_in import Visitor, any_visitor

Anybody = Annotated[Visitor, Depends(any_visitor())]

SECTIONS: Final[dict[Show, tuple[Sort, str, str]]] = {
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
NOT_FOR_QUEUES: Final = {
    Role.COMMISSIONER: "The published figures are in the reports, which have their own pages. No family is in them.",
    Role.OPERATIONS: "You look after the running of the services. The queues of families are for the triage team.",
    Role.AUDITOR: "You check how the service is used. The queues of families are for the triage team.",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A short list of the page; `href` leads to all of it."""

    name: str
    heading: str
    calm: str
    lines: list[Line]
    total: int
    href: str


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("")
    async def home(request: Request, who: Anybody) -> Response:
        if not who.staff.may(Permission.READ_QUEUES):
            seen = await room.all_services.look() if who.staff.may(Permission.READ_PARKED) else ()
            words = NOT_FOR_QUEUES[who.staff.role]
            return room.pages.render(request, "home.html", words=words, seen=seen, services=parked_words)
        now = room.now()
        wanted = {show: sort for show, (sort, *_) in SECTIONS.items() if _is_for(who, show)}
        async with room.engine.connect() as tx:
            found = await queues.short_lists(tx, wanted, staff=who.staff, now=now)
            counts = await queues.counts(tx, now=now)
        sections = [
            _section(show, each, [line_of(row, staff=who.staff, now=now) for row in each.rows])
            for show, each in found.items()
        ]
        return room.pages.render(request, "home.html", sections=sections, here="/staff", **counts)


def _is_for(who: Visitor, show: Show) -> bool:
    """Only who can take work on has work of their own; declines are for whoever confirms them."""
    needs = {Show.MINE: Permission.WORK_ITEMS, Show.DECLINES: Permission.CONFIRM_DECLINE}
    return show not in needs or who.staff.may(needs[show])


def _section(show: Show, found: QueuePage, lines: list[Line]) -> Section:
    sort, heading, calm = SECTIONS[show]
    href = address(EVERYWHERE, Choices(show=show, sort=sort))
    return Section(show.value, heading, calm, lines, found.total, href)
