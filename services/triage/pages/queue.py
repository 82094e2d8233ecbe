"""The queues: how much waits in each, and one of them page by page, filtered and sorted by its address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.triage.pages.lines import line_of
from services.triage.pages.room import Room
from services.triage.work_items import queues
from services.triage.work_items.conditions import OWN_MARKS
from services.triage.work_items.deadlines import MARKS
from services.triage.work_items.queues import Choices, Position, Show, Sort
from shared.access import Permission
from shared.events import Hold, Route, Tier, Urgency
from shared.pages.wording import mark_name, tier_name, urgency_name
from shared.problems import Problem
from shared.sign_in import Visitor, visitor

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_QUEUES))]

EVERYWHERE: Final = "all"
"""In place of a route: every queue together."""
SIZES: Final = (25, 50)
HOLDS: Final = tuple(f"contact_hold_{hold.value.lower()}" for hold in Hold)
ALL_MARKS: Final = tuple(dict.fromkeys((*HOLDS, *MARKS.values(), *sorted(OWN_MARKS))))
SHOWN: Final[dict[Show, str]] = {
    Show.ALL: "Everything open",
    Show.UNASSIGNED: "Nobody has it yet",
    Show.MINE: "Mine",
    Show.DUE_TODAY: "Due today",
    Show.OVERDUE: "Overdue",
    Show.WAITING_FOR_REFERRER: "Waiting for the referrer",
    Show.WAITING_LIST: "On the waiting list",
    Show.WAITING: "Not accepted yet",
    Show.WITH_TEAM: "Accepted, with a team",
    Show.ON_CALL: "On call now",
    Show.SAFETY: "Other safety work",
    Show.CONTACT_DUE: "Accepted, first contact not made",
    Show.PLACE_FREE: "A place is free for them",
    Show.DECLINES: "Declines to confirm",
    Show.FACTS_CHANGED: "The facts have changed since a decision",
    Show.NEAR_BIRTHDAY: "Second birthday soon",
    Show.UNDELIVERABLE: "A message could not be delivered",
}
SORTED: Final[dict[Sort, str]] = {
    Sort.DUE: "Due first",
    Sort.RECEIVED: "Waiting longest first",
    Sort.URGENCY: "Most urgent first",
}

_REFERENCE: Final = re.compile(r"(?:PIR)?([234679ACDEFGHJKLMNPQRTUVWXYZ]{3})([234679ACDEFGHJKLMNPQRTUVWXYZ]{3})")
_SEPARATORS: Final = dict.fromkeys(map(ord, " -\u2010\u2011\u2012\u2013\u2014"))
_LONGEST: Final = 200
_YEARS: Final = range(1900, 2200)
_RANKS: Final = range(100)

Code = TypeVar("Code", bound=StrEnum)


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("/queues")
    async def all_queues(request: Request, _: Reader) -> Response:
        async with room.engine.connect() as tx:
            counts = await queues.counts(tx, now=room.now())
        return room.pages.render(request, "queues.html", **counts)

    @routes.get("/queues/{name}")
    async def one_queue(request: Request, name: str, who: Reader) -> Response:
        if name != EVERYWHERE and name not in set(Route):
            raise Problem("not-found")
        return await _show(request, room, name, who)


async def _show(request: Request, room: Room, name: str, who: Visitor) -> Response:
    asked, now = request.query_params, room.now()
    choices, route = read_choices(asked), Route(name) if name != EVERYWHERE else None
    may_assign = who.staff.may(Permission.ASSIGN)
    async with room.engine.connect() as tx:
        found = await queues.page(tx, route, choices, staff=who.staff, now=now)
        holders = await queues.holders(tx, route) if may_assign else []
    options = _options(holders)
    return room.pages.render(
        request,
        "queue.html",
        name=name,
        choices=choices,
        found=found,
        lines=[line_of(row, staff=who.staff, now=now) for row in found.rows],
        here=address(name, choices),
        next_href=address(name, choices, after=found.next, before=None) if found.next else None,
        previous_href=address(name, choices, before=found.previous, after=None) if found.previous else None,
        options=options,
        said=_said(choices, options),
        may_assign=may_assign,
        **_misread(asked, choices),
    )


def read_choices(asked: Mapping[str, str]) -> Choices:
    """What an address asks for; what it does not know is left out, for it may be older or newer than this code."""
    size = asked.get("size", "")
    return Choices(
        show=_code(Show, asked.get("view")) or Show.ALL,
        sort=_code(Sort, asked.get("sort")) or Sort.DUE,
        mark=mark if (mark := asked.get("mark")) in ALL_MARKS else None,
        urgency=_code(Urgency, asked.get("urgency")),
        tier=_code(Tier, asked.get("tier")),
        assignee=_plain(asked.get("assignee", "")),
        reference=read_reference(asked.get("reference", "")),
        size=int(size) if size in map(str, SIZES) else SIZES[0],
        after=(after := _read_position(asked.get("after", ""))),
        before=None if after else _read_position(asked.get("before", "")),
    )


def address(name: str, choices: Choices, **changes: Any) -> str:
    """Where `choices` are asked for, with `changes`: the same in every link, so that none is lost on the way."""
    asked = {field: changes.get(field, getattr(choices, field)) for field in Choices.__dataclass_fields__}
    said = {
        _PARAMETERS.get(field, field): _write_position(value) if isinstance(value, Position) else str(value)
        for field, value in asked.items()
        if value != getattr(_DEFAULT, field)
    }
    return f"/staff/queues/{name}" + (f"?{urlencode(said)}" if said else "")


_DEFAULT: Final = Choices()
_PARAMETERS: Final = {"show": "view"}


def read_reference(typed: str) -> str | None:
    """As it is written, from what somebody typed: any case, with or without `PIR`, spaces and hyphens."""
    compact = typed.translate(_SEPARATORS)[:_LONGEST]
    found = _REFERENCE.fullmatch(compact.upper()) if compact.isascii() else None
    return f"PIR-{found[1]}-{found[2]}" if found else None


def _misread(asked: Mapping[str, str], choices: Choices) -> dict[str, Any]:
    """A reference that can't be read is said, for somebody is looking for a family; it is shown as it was typed."""
    typed = asked.get("reference", "").strip()[:_LONGEST]
    if not typed or choices.reference:
        return {"typed": choices.reference or "", "errors": []}
    text = "Enter a reference like PIR-4K7-29M"
    return {"typed": typed, "errors": [{"text": text, "href": "#reference"}]}


def _options(holders: list[tuple[str, str]]) -> dict[str, list[tuple[str, str]]]:
    """Parameter → the values that it may have, with their words."""
    return {
        "view": [(show.value, words) for show, words in SHOWN.items()],
        "sort": [(sort.value, words) for sort, words in SORTED.items()],
        "size": [(str(size), f"{size} on a page") for size in SIZES],
        "mark": [(mark, mark_name(mark)) for mark in ALL_MARKS],
        "urgency": [(each.value, urgency_name(each)) for each in reversed(Urgency)],
        "tier": [(each.value, tier_name(each)) for each in Tier],
        "assignee": holders,
    }


def _said(choices: Choices, options: Mapping[str, list[tuple[str, str]]]) -> list[str]:
    """What the list is narrowed to, in words."""
    said = [
        f"{label} {dict(options[field]).get(value, value)}"
        for field, label in (("urgency", "urgency:"), ("tier", "tier:"), ("mark", "mark:"))
        if (value := getattr(choices, field))
    ]
    if choices.assignee:
        said.append(f"who has it: {dict(options['assignee']).get(choices.assignee, 'somebody else')}")
    return [*said, *([f"reference: {choices.reference}"] if choices.reference else [])]


def _code(codes: type[Code], value: str | None) -> Code | None:
    return codes(value) if value in set(codes) else None


def _plain(value: str) -> str | None:
    return value if value and value.isprintable() and len(value) <= _LONGEST else None


def _write_position(position: Position) -> str:
    return f"{position.rank}_{position.at.isoformat()}_{position.id}"


def _read_position(text: str) -> Position | None:
    """None for what we did not write."""
    try:
        rank, at, item_id = text[:_LONGEST].split("_")
        position = Position(int(rank), datetime.fromisoformat(at), UUID(item_id))
    except ValueError:
        return None
    is_ours = position.rank in _RANKS and position.at.tzinfo and position.at.year in _YEARS
    return position if is_ours else None
