"""Queues: which open items each view shows, how many there are, and the pages that the API gives."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items import conditions as is_
from services.triage.work_items.conditions import tomorrow
from shared.access import Staff
from shared.database import sql
from shared.events import Route
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
    Show.ON_CALL: f"{is_.IS_ON_WALL_CLOCK} AND {is_.IS_WITHOUT_TEAM}",
    Show.SAFETY: f"{is_.IS_SAFETY} AND NOT {is_.IS_ON_WALL_CLOCK} AND {is_.IS_WITHOUT_TEAM}",
    Show.DECLINES: is_.IS_PROPOSED_DECLINE,
    Show.FACTS_CHANGED: f"marks ? '{is_.FACTS_CHANGED}'",
    Show.NEAR_BIRTHDAY: is_.IS_NEAR_BIRTHDAY,
    Show.UNDELIVERABLE: f"marks ? '{is_.UNDELIVERABLE}'",
}


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
    tx: AsyncConnection,
    route: Route,
    *,
    view: View | None,
    reference: str | None,
    after: str | None,
    limit: int,
    staff: Staff,
    now: datetime,
) -> dict[str, Any]:
    """Open items of a route, the earliest due first; `next` is the cursor of the following page, or null."""
    since_due, since_id = _read_cursor(after)
    shown = SHOWN[Show(view.value)] if view else "TRUE"
    rows = (
        await tx.execute(
            sql(f"""
                SELECT * FROM work_item
                WHERE route = :route AND {is_.IS_OPEN} AND ({shown})
                  AND (CAST(:reference AS text) IS NULL OR reference = :reference)
                  AND (CAST(:due AS timestamptz) IS NULL OR (due_at, id) > (:due, CAST(:id AS uuid)))
                ORDER BY due_at, id LIMIT :limit
            """),  # noqa: S608  as above
            {
                "route": route.value,
                "reference": reference,
                "due": since_due,
                "id": since_id,
                "limit": limit + 1,
                **bound(shown, staff, now),
            },
        )
    ).all()
    more = _write_cursor(rows[limit - 1].due_at, rows[limit - 1].id) if len(rows) > limit else None
    return {"items": [brief(row) for row in rows[:limit]], "next": more}


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


def _write_cursor(due_at: datetime, item_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{due_at.isoformat()} {item_id}".encode()).decode()


def _read_cursor(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    if not cursor:
        return None, None
    try:
        due_at, item_id = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().split(" ")
        due, last = datetime.fromisoformat(due_at), UUID(item_id)
    except (ValueError, binascii.Error):
        raise Problem("cursor-unknown") from None
    if due.tzinfo is None:
        raise Problem("cursor-unknown")
    return due, last


def bound(statement: str, staff: Staff, now: datetime) -> dict[str, Any]:
    """The values that conditions name, and no others."""
    values = {"me": staff.id, "now": now, "tomorrow": tomorrow(now), "today": day_in_london(now)}
    return {name: value for name, value in values.items() if re.search(rf":{name}\b", statement)}
