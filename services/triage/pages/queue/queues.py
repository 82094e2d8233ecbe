"""The queues: how much waits in each, and one of them page by page, filtered and sorted by its address.

An item as a line of a list is here too: by when, how long it has waited and who has it, in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Response
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.pages.context import Reader, Visit
from services.triage.pages.forms import LONGEST, UNREADABLE_REFERENCE, code_in, error_summary, read_reference
from services.triage.pages.forms import short_text_in as typed_in
from services.triage.work_items import queues
from services.triage.work_items.conditions import (
    OWN_MARKS,
    is_contact_due,
    is_met,
    is_on_list,
    is_overdue,
    is_proposed_decline,
)
from services.triage.work_items.deadlines import MARKS
from services.triage.work_items.item import named
from services.triage.work_items.queues import Choices, Position, Show, Sort
from shared.access import Permission, Staff
from shared.events import WALL_CLOCK, Hold, Route, Tier, Urgency
from shared.pages.times import long_day, near
from shared.pages.wording import mark_name, tier_name, urgency_name
from shared.problems import Problem
from shared.working_time import day_in_london, working_days_between

routes = APIRouter(prefix="/staff", include_in_schema=False)

EVERYWHERE: Final = "all"
"""In place of a route: every queue together."""
SIZES: Final = (25, 50)
HOLD: Final = "contact_hold_"
ALL_MARKS: Final = tuple(
    dict.fromkeys((*(f"{HOLD}{hold.value.lower()}" for hold in Hold), *MARKS.values(), *sorted(OWN_MARKS)))
)
SHOWN: Final[dict[Show, str]] = {
    Show.ALL: "Everything open",
    Show.UNASSIGNED: "Nobody has it yet",
    Show.MINE: "Your work",
    Show.DUE_TODAY: "Due today",
    Show.OVERDUE: "Overdue",
    Show.WAITING_FOR_REFERRER: "Waiting for the referrer",
    Show.WAITING_LIST: "On the waiting list",
    Show.WAITING: "Not accepted yet",
    Show.WITH_TEAM: "Accepted, with a team",
    Show.ON_CALL: "On call now",
    Show.SAFETY: "Other safety work",
    Show.CONTACT_DUE: "Accepted, and no first contact yet",
    Show.PLACE_FREE: "A place is free for a family that waits",
    Show.DECLINES: "Declines to confirm",
    Show.FACTS_CHANGED: "The facts have changed since a decision",
    Show.NEAR_BIRTHDAY: "Second birthday soon",
    Show.UNDELIVERABLE: "Messages that did not arrive",
    Show.UNOWNED_LATE: "Overdue, and nobody has it",
}
SORTED: Final[dict[Sort, str]] = {
    Sort.URGENCY: "Most urgent first",
    Sort.DUE: "Due first",
    Sort.RECEIVED: "Oldest first",
}
CLAIMED_FROM_A_LIST: Final = frozenset({"open", "waiting_list"})
"""Not from `waiting_for_referrer`: that lets the clock run again, so it is decided on the item's own page."""

_YEARS: Final = range(1900, 2200)
_RANKS: Final = range(100)
_HOUR: Final = 60
_DAY: Final = 24 * _HOUR


@routes.get("/queues")
async def all_queues(visit: Reader) -> Response:
    async with visit.engine.connect() as tx:
        counts = await queues.counts(tx, now=visit.now)
    return visit.render("queue/queues.html", may_decline=visit.may(Permission.CONFIRM_DECLINE), **counts)


@routes.get("/queues/{name}")
async def one_queue(visit: Reader, name: str) -> Response:
    if name != EVERYWHERE and name not in set(Route):
        raise Problem("not-found")
    asked = visit.request.query_params
    choices, route = read_choices(asked), Route(name) if name != EVERYWHERE else None
    may_assign = visit.may(Permission.LEAD)
    async with visit.engine.connect() as tx:
        found = await queues.page(tx, route, choices, staff=visit.staff, now=visit.now)
        options = _options(await queues.holders(tx, route) if may_assign else [])
        done = await done_in_words(visit, tx)
    typed = choices.reference or typed_in(asked, "reference")
    is_misread = bool(typed) and not choices.reference  # said, because somebody is looking for a family
    return visit.render(
        "queue/queue.html",
        name=name,
        choices=choices,
        found=found,
        lines=[line_of(row, staff=visit.staff, now=visit.now) for row in found.rows],
        here=address(name, choices),
        next_href=address(name, choices, after=found.next, before=None) if found.next else None,
        previous_href=address(name, choices, before=found.previous, after=None) if found.previous else None,
        options=options,
        said=_said(choices, options),
        may_assign=may_assign,
        typed=typed,
        errors=error_summary({"reference": UNREADABLE_REFERENCE} if is_misread else {}),
        **done,
    )


def read_choices(asked: Mapping[str, str]) -> Choices:
    """What an address asks for; what it does not know is left out, for it may be older or newer than this code."""
    size, assignee, mark = (asked.get(name, "") for name in ("size", "assignee", "mark"))
    after = _read_position(asked.get("after", ""))
    return Choices(
        show=code_in(asked, "view", Show) or Show.ALL,
        sort=code_in(asked, "sort", Sort) or Sort.URGENCY,
        mark=mark if mark in ALL_MARKS else None,
        urgency=code_in(asked, "urgency", Urgency),
        tier=code_in(asked, "tier", Tier),
        assignee=assignee if assignee and assignee.isprintable() and len(assignee) <= LONGEST else None,
        reference=read_reference(asked.get("reference", "")),
        size=int(size) if size in map(str, SIZES) else SIZES[0],
        after=after,
        before=None if after else _read_position(asked.get("before", "")),
    )


def address(name: str, choices: Choices, **changes: Any) -> str:
    """Where `choices` are asked for, with `changes`: the same in every link, so that none is lost on the way."""
    default, said = Choices(), {}
    for field in Choices.__dataclass_fields__:
        value = changes.get(field, getattr(choices, field))
        if value != getattr(default, field):
            is_place = isinstance(value, Position)
            said["view" if field == "show" else field] = (
                f"{value.rank}_{value.at.isoformat()}_{value.id}" if is_place else str(value)
            )
    return f"/staff/queues/{name}" + (f"?{urlencode(said)}" if said else "")


def _read_position(text: str) -> Position | None:
    """None for what we did not write."""
    try:
        rank, at, item_id = text[:LONGEST].split("_")
        position = Position(int(rank), datetime.fromisoformat(at), UUID(item_id))
    except ValueError:
        return None
    is_ours = position.rank in _RANKS and position.at.tzinfo and position.at.year in _YEARS
    return position if is_ours else None


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
    fields = {"urgency": "urgency", "tier": "level of support", "mark": "mark"}
    said = [
        f"{words}: {dict(options[field]).get(value, value)}"
        for field, words in fields.items()
        if (value := getattr(choices, field))
    ]
    if choices.assignee:
        said.append(f"who has it: {dict(options['assignee']).get(choices.assignee, 'somebody else')}")
    return [*said, *([f"reference: {choices.reference}"] if choices.reference else [])]


DONE: Final = {"claimed": Markup("You have taken this on: {items}."), "assigned": Markup("Given to {who}: {items}.")}
"""What a list says after one of these steps: with whom the work items named by the address (`about`) are now."""


async def done_in_words(visit: Visit, tx: AsyncConnection) -> dict[str, Any]:
    """The banner: each item with its link, and who has it as stored; none when somebody else has it by now."""
    asked = visit.request.query_params
    code = asked.get("done", "")
    rows = await named(tx, read_ids(asked.get("about", "").split(","))) if code in DONE else ()
    holders = {row.assignee for row in rows}
    if len(holders) != 1 or (code == "claimed" and holders != {visit.staff.id}):
        return {}
    link = Markup('<a class="nhsuk-notification-banner__link" href="/staff/items/{}">{}</a>')
    items = Markup(", ").join(link.format(row.id, row.reference) for row in rows)
    return {"flash": DONE[code].format(items=items, who=rows[0].holder or "nobody")}


def read_ids(typed: Sequence[str]) -> list[UUID]:
    """Ids of work items, each once, as many as a page of a list has; what is none is left out."""
    found = []
    for text in typed[: SIZES[-1]]:
        with suppress(ValueError):
            found.append(UUID(text))
    return list(dict.fromkeys(found))


class QueueRow(NamedTuple):
    """What a list says of an item (`row`): contact holds apart from other marks; no `holder` while nobody has it.

    `who` says it in words: `You have it`, `Jo Ferreira has it`.
    """

    row: sa.Row[Any]
    holds: Sequence[str]
    marks: Sequence[str]
    due: str
    is_late: bool
    is_listed: bool
    waiting: str
    holder: str | None
    who: str
    may_be_claimed: bool
    may_be_declined: bool
    may_be_given: bool


def line_of(row: sa.Row[Any], *, staff: Staff, now: datetime) -> QueueRow:
    """A row of a list as `staff` sees it at `now`."""
    is_free = row.assignee is None and row.state in CLAIMED_FROM_A_LIST
    holder = "You" if row.assignee == staff.id else row.holder or row.assignee
    return QueueRow(
        row,
        holds=[mark for mark in row.marks if mark.startswith(HOLD)],
        marks=[mark for mark in row.marks if not mark.startswith(HOLD)],
        due=due_in_words(row, now=now),
        is_late=is_overdue(row, now),
        is_listed=is_on_list(row),
        waiting=waiting_in_words(row.received_at, min(row.accepted_at or now, now)),
        holder=holder,
        who="You have it" if holder == "You" else f"{holder} has it" if holder else "Nobody has it yet",
        may_be_claimed=is_free and staff.may(Permission.WORK_ITEMS),
        may_be_declined=is_proposed_decline(row) and staff.may(Permission.CONFIRM_DECLINE),
        may_be_given=staff.may(Permission.LEAD),
    )


def due_in_words(row: sa.Row[Any], *, now: datetime) -> str:
    """By when; or why no clock runs. `now` and `4h` are told by the minute, everything else by the working day."""
    if is_met(row):
        return f"Accepted on {_day_of(row.accepted_at, now)}"
    if row.clock_stands:
        return "The clock has stopped until the referrer answers"
    if Urgency(row.urgency) in WALL_CLOCK:
        return clock_in_words(row.received_at, row.due_at, now=now)
    due = day_in_words(row.due_at, now=now)
    what = "First contact" if is_contact_due(row) else "Look again" if row.route == Route.PHASE_HOLD else ""
    return f"{what}: {due[:1].lower()}{due[1:]}" if what else due


def clock_in_words(received_at: datetime, due_at: datetime, *, now: datetime) -> str:
    """`3 hours 20 minutes left. Received today at 14:05, due today at 18:05`, or `12 minutes over. ...`."""
    span = f"{span_in_words(abs(now - due_at))} {'over' if now >= due_at else 'left'}".capitalize()
    by = f"due {near(due_at, now)}" if due_at > received_at else "due at once"
    return f"{span}. Received {near(received_at, now)}, {by}"


def day_in_words(due_at: datetime, *, now: datetime) -> str:
    """`Overdue by 2 working days`, `Due today by 17:00`, `Due tomorrow, ...`, `Due Monday 15 June`."""
    due_on, today = day_in_london(due_at), day_in_london(now)
    if due_at < now:
        days = working_days_between(due_on, today)
        return f"Overdue by {_counted(days, 'working day')}" if days else f"Overdue since {near(due_at, now)}"
    if due_on == today:
        return f"Due {near(due_at, now).replace(' at ', ' by ')}"
    is_tomorrow = due_on - today == timedelta(days=1)
    return f"Due {'tomorrow, ' if is_tomorrow else ''}{_day_of(due_at, now)}"


def waiting_in_words(received_at: datetime, until: datetime) -> str:
    """Working days since it came, the day itself not counted."""
    days = working_days_between(day_in_london(received_at), day_in_london(until))
    return _counted(days, "working day") if days else "Less than 1 working day"


def span_in_words(span: timedelta) -> str:
    """`25 minutes`, `3 hours 20 minutes`; from two days on whole days."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 1:
        return "less than 1 minute"
    if minutes >= 2 * _DAY:
        return _counted(minutes // _DAY, "day")
    hours, rest = divmod(minutes, _HOUR)
    parts = ((hours, "hour"), (rest, "minute"))
    return " ".join(_counted(number, word) for number, word in parts if number)


def _day_of(at: datetime, now: datetime) -> str:
    """The year only when it is another one."""
    return long_day(at).removesuffix(f" {day_in_london(now).year}")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
