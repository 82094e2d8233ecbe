"""Queues: which open items each view shows, how many there are, and what API and pages list of them.

Each list is one statement, however many items there are. A place in a list is a rank, a time and an id, so that pages
stay where they were when somebody else's work moves.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items import conditions as is_
from services.triage.work_items.conditions import tomorrow
from services.triage.work_items.places import URGENCY_RANK
from shared.access import Staff
from shared.database import sql
from shared.events import Route, Tier, Urgency
from shared.problems import Problem
from shared.working_time import day_in_london


class View(StrEnum):
    """What the API can narrow a queue to."""

    UNASSIGNED = "unassigned"
    MINE = "mine"
    DUE_TODAY = "due_today"
    OVERDUE = "overdue"
    WAITING_FOR_REFERRER = "waiting_for_referrer"


class Show(StrEnum):
    """Which open items a page lists: the views of the API, and what a day at work asks for."""

    ALL = "all"
    UNASSIGNED = View.UNASSIGNED.value
    MINE = View.MINE.value
    DUE_TODAY = View.DUE_TODAY.value
    OVERDUE = View.OVERDUE.value
    WAITING_FOR_REFERRER = View.WAITING_FOR_REFERRER.value
    WAITING_LIST = "waiting_list"
    PLACE_FREE = "place_free"
    WAITING = "waiting"
    WITH_TEAM = "with_team"
    CONTACT_DUE = "contact_due"
    ON_CALL = "on_call"
    SAFETY = "safety"
    DECLINES = "declines"
    FACTS_CHANGED = "facts_changed"
    NEAR_BIRTHDAY = "near_birthday"
    UNDELIVERABLE = "undeliverable"
    UNOWNED_LATE = "unowned_late"


SHOWN: Final[dict[Show, str]] = {
    Show.ALL: "TRUE",
    Show.UNASSIGNED: is_.IS_UNASSIGNED,
    Show.MINE: "assignee = :me",
    Show.DUE_TODAY: is_.IS_DUE_TODAY,
    Show.OVERDUE: is_.IS_OVERDUE,
    Show.WAITING_FOR_REFERRER: is_.WAITS_FOR_REFERRER,
    Show.WAITING_LIST: is_.IS_ON_LIST,
    Show.PLACE_FREE: f"marks ? '{is_.PLACE_FREE}'",
    Show.WAITING: is_.IS_WITHOUT_TEAM,
    Show.WITH_TEAM: f"NOT {is_.IS_WITHOUT_TEAM}",
    Show.CONTACT_DUE: is_.IS_CONTACT_DUE,
    Show.ON_CALL: f"{is_.IS_ON_WALL_CLOCK} AND NOT {is_.IS_MET}",
    Show.SAFETY: f"{is_.IS_SAFETY} AND NOT {is_.IS_ON_WALL_CLOCK} AND NOT {is_.IS_MET}",
    Show.DECLINES: is_.IS_PROPOSED_DECLINE,
    Show.FACTS_CHANGED: f"marks ? '{is_.FACTS_CHANGED}'",
    Show.NEAR_BIRTHDAY: is_.IS_NEAR_BIRTHDAY,
    Show.UNDELIVERABLE: f"marks ?| ARRAY['{is_.UNDELIVERABLE}', '{is_.FAMILY_UNREACHED}']",
    Show.UNOWNED_LATE: f"assignee IS NULL AND {is_.IS_OVERDUE}",
}


class Sort(StrEnum):
    DUE = "due"
    RECEIVED = "received"
    URGENCY = "urgency"


_STANDING: Final = f"CASE WHEN {is_.IS_MET} THEN 20 WHEN clock_stands THEN 10 ELSE 0 END"
_ORDER: Final[dict[Sort, tuple[str, str]]] = {
    Sort.DUE: (_STANDING, "due_at"),
    Sort.RECEIVED: ("CASE WHEN accepted_at IS NOT NULL THEN 20 ELSE 0 END", "received_at"),
    Sort.URGENCY: (f"{_STANDING} + {URGENCY_RANK}", "due_at"),
}
"""Sort → rank and time. What is met comes last, and before it what stands still for the referrer."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where an item stands in a list: the pages after and before it begin and end there."""

    rank: int
    at: datetime
    id: UUID

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Self:
        return cls(row.rank, row.at, row.id)


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody asked a queue for; at most one of `after` and `before` counts. Danger comes before age."""

    show: Show = Show.ALL
    sort: Sort = Sort.URGENCY
    mark: str | None = None
    urgency: Urgency | None = None
    tier: Tier | None = None
    assignee: str | None = None
    reference: str | None = None
    size: int = 25
    after: Position | None = None
    before: Position | None = None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Rows of a list with how many there are in all; `first` counts from 1 and is 0 when there are none."""

    rows: Sequence[sa.Row[Any]] = ()
    total: int = 0
    first: int = 0

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1 if self.rows else 0

    @property
    def next(self) -> Position | None:
        """The place to go on after."""
        return Position.of(self.rows[-1]) if self.last < self.total else None

    @property
    def previous(self) -> Position | None:
        return Position.of(self.rows[0]) if self.first > 1 else None


async def counts(tx: AsyncConnection, *, now: datetime) -> dict[str, Any]:
    """Open items by route: all, and by view; routes without any too."""
    names = ("total", *(view.value for view in View if view is not View.MINE))
    views = ", ".join(f"count(*) FILTER (WHERE {SHOWN[Show(name)]}) AS {name}" for name in names[1:])
    rows = await tx.execute(
        sql(f"SELECT route, count(*) AS total, {views} FROM work_item WHERE {is_.IS_OPEN} GROUP BY route"),  # noqa: S608  conditions of conditions.py
        {"now": now, "tomorrow": tomorrow(now)},
    )
    found = {row.route: row for row in rows}
    return {
        "queues": [
            {"route": route.value, **{name: getattr(found.get(route.value), name, 0) for name in names}}
            for route in Route
        ]
    }


async def api_page(
    tx: AsyncConnection, route: Route, choices: Choices, *, after: str | None, staff: Staff, now: datetime
) -> dict[str, Any]:
    """Open items of a route, the earliest due first; `next` is the cursor of the following page, or null."""
    conditions, values = _asked(route, choices, staff, now)
    if after:
        conditions += " AND (due_at, id) > (CAST(:due AS timestamptz), CAST(:id AS uuid))"
        values |= _read_cursor(after)
    found = await tx.execute(
        sql(f"SELECT * FROM work_item WHERE {conditions} ORDER BY due_at, id LIMIT :size"),  # noqa: S608  as above
        values | {"size": choices.size + 1},
    )
    rows = found.all()
    last = rows[choices.size - 1] if len(rows) > choices.size else None
    cursor = base64.urlsafe_b64encode(f"{last.due_at.isoformat()} {last.id}".encode()).decode() if last else None
    return {"items": [brief(row) for row in rows[: choices.size]], "next": cursor}


def _read_cursor(cursor: str) -> dict[str, Any]:
    try:
        due_at, item_id = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().split(" ")
        due, last = datetime.fromisoformat(due_at), UUID(item_id)
    except (ValueError, binascii.Error):
        raise Problem("cursor-unknown") from None
    if due.tzinfo is None:
        raise Problem("cursor-unknown")
    return {"due": due, "id": last}


def brief(row: sa.Row[Any]) -> dict[str, Any]:
    """An item as a line of a queue."""
    return {
        "id": str(row.id),
        "reference": row.reference,
        "route": row.route,
        "tier": row.tier,
        "urgency": row.urgency,
        "state": row.state,
        "due_at": row.due_at.isoformat(),
        "received_at": row.received_at.isoformat(),
        "marks": row.marks,
        "assignee": row.assignee,
        "escalations": row.escalations,
    }


async def page(tx: AsyncConnection, route: Route | None, choices: Choices, *, staff: Staff, now: datetime) -> QueuePage:
    """One page of a queue, or of all queues together; past the end it is the last page."""
    conditions, values = _asked(route, choices, staff, now)
    rank, at = _ORDER[choices.sort]
    first, neighbour = _first(choices)
    rows = (
        await tx.execute(
            sql(f"""
                WITH placed AS MATERIALIZED (
                    SELECT id, rank, at, row_number() OVER (ORDER BY rank, at, id) AS position
                    FROM (SELECT id, {rank} AS rank, {at} AS at FROM work_item WHERE {conditions}) matching
                ), counted AS (
                    SELECT count(*) AS total, {first} AS first FROM placed
                ), page AS (
                    SELECT total, CASE WHEN first > total THEN greatest(1, total - :size + 1) ELSE first END AS first
                    FROM counted
                ), shown AS MATERIALIZED (
                    SELECT placed.* FROM placed, page WHERE position >= first AND position < first + :size
                )
                SELECT total, first, rank, at, w.*, colleague.name AS holder
                FROM page LEFT JOIN shown ON TRUE LEFT JOIN work_item w ON w.id = shown.id
                    LEFT JOIN colleague ON colleague.id = w.assignee
                ORDER BY position
            """),  # noqa: S608  conditions of conditions.py; what was asked goes in as values
            {**values, **neighbour, "size": choices.size},
        )
    ).all()
    total = int(rows[0].total)
    return QueuePage(rows, total, int(rows[0].first)) if total else QueuePage()


async def short_lists(
    tx: AsyncConnection, wanted: Mapping[Show, int], *, staff: Staff, now: datetime
) -> dict[Show, QueuePage]:
    """The first so many of each, across all queues, the most urgent first; `total` counts all that belong there.

    What stands in one list is left out of the lists after it.
    """
    totals = ", ".join(f"count(*) FILTER (WHERE {SHOWN[show]}) AS {show}" for show in wanted)
    lists = [_short(show, size, above) for (show, size), above in zip(wanted.items(), ("none", *wanted), strict=False)]
    statement = f"""
        WITH open AS MATERIALIZED (
            SELECT id, route, state, urgency, marks, assignee, received_at, due_at, opened_first_at, accepted_at,
                first_contact_at, age_out_warning_on, clock_stands
            FROM work_item WHERE {is_.IS_OPEN}
        ), counted AS (SELECT {totals} FROM open), to_none AS (
            SELECT '' AS show, id, 0 AS rank, due_at AS at FROM open WHERE FALSE
        ), {", ".join(lists)}
        SELECT to_jsonb(counted) AS totals, shown.show, rank, at, w.*, colleague.name AS holder
        FROM counted LEFT JOIN to_{[*wanted][-1]} shown ON TRUE LEFT JOIN work_item w ON w.id = shown.id
            LEFT JOIN colleague ON colleague.id = w.assignee
        ORDER BY rank, at, w.id
    """  # noqa: S608  conditions of conditions.py
    rows = (await tx.execute(sql(statement), _values(staff, now))).all()
    found = {show: [row for row in rows if row.show == show] for show in wanted}
    return {show: QueuePage(each, rows[0].totals[show], 1 if each else 0) for show, each in found.items()}


async def holders(tx: AsyncConnection, route: Route | None) -> list[tuple[str, str]]:
    """Who has something in a queue: id and name, by name."""
    rows = await tx.execute(
        sql(f"""
            SELECT held.assignee AS id, coalesce(colleague.name, held.assignee) AS name
            FROM (SELECT DISTINCT assignee FROM work_item
                  WHERE {is_.IS_OPEN} AND assignee IS NOT NULL AND {"route = :route" if route else "TRUE"}) held
            LEFT JOIN colleague ON colleague.id = held.assignee ORDER BY name, id
        """),  # noqa: S608  both conditions stand here
        {"route": route.value} if route else {},
    )
    return [(row.id, row.name) for row in rows]


def _short(show: Show, size: int, above: str) -> str:
    """`to_<show>`: the lists down to this one, after those down to the one `above` it."""
    rank, at = _ORDER[Sort.URGENCY]
    return f"""
        to_{show} AS MATERIALIZED (
            SELECT * FROM to_{above} UNION ALL (
                SELECT '{show}', id, {rank} AS rank, {at} AS at FROM open
                WHERE ({SHOWN[show]}) AND id NOT IN (SELECT id FROM to_{above}) ORDER BY rank, at, id LIMIT {size}
            )
        )
    """  # noqa: S608  the condition is this module's own


def _asked(route: Route | None, choices: Choices, staff: Staff, now: datetime) -> tuple[str, dict[str, Any]]:
    """The condition of what was asked for, and the values it names."""
    shown = SHOWN[choices.show]
    wanted: dict[str, tuple[str, Any]] = {
        "route = :route": ("route", route),
        "marks ? :mark": ("mark", choices.mark),
        "urgency = :urgency": ("urgency", choices.urgency),
        "tier = :tier": ("tier", choices.tier),
        "assignee = :assignee": ("assignee", choices.assignee),
        "reference = :reference": ("reference", choices.reference),
    }
    chosen = {condition: each for condition, each in wanted.items() if each[1] is not None}
    values = {name: str(value) for name, value in chosen.values()}
    return " AND ".join([is_.IS_OPEN, f"({shown})", *chosen]), values | _values(staff, now)


def _values(staff: Staff, now: datetime) -> dict[str, Any]:
    """Whatever conditions name."""
    return {"me": staff.id, "now": now, "tomorrow": tomorrow(now), "today": day_in_london(now)}


def _first(choices: Choices) -> tuple[str, dict[str, Any]]:
    """The place of the page's first item, worked out from its neighbour, and the values of that."""
    neighbour = choices.after or choices.before
    if neighbour is None:
        return "1", {}
    key = "(rank, at, id) {} (CAST(:rank AS integer), CAST(:at AS timestamptz), CAST(:id AS uuid))"
    passed = f"count(*) FILTER (WHERE {key.format('<=' if choices.after else '<')})"
    first = f"{passed} + 1" if choices.after else f"greatest(1, {passed} - :size + 1)"
    return first, {"rank": neighbour.rank, "at": neighbour.at, "id": neighbour.id}
