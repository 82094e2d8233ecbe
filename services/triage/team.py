"""The team: who works on what, how much each has, and which routes each takes; the least loaded first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items.conditions import IS_OPEN, IS_OVERDUE
from shared import audit
from shared.access import PERMISSIONS, Permission, Role, Staff
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import Route
from shared.problems import Problem
from shared.working_time import day_in_london

_WORKERS: Final = tuple(sorted(role.value for role in PERMISSIONS[Permission.WORK_ITEMS]))


@dataclass(frozen=True, slots=True)
class Colleague:
    """Who can be given work. `routes` are those they take, all when there are none.

    `name`, `role` and `seen_at` are None for somebody who has work and has never signed in to the pages. `away_until`
    is the last day on which somebody is away, None when it has passed.
    """

    id: str
    name: str | None
    role: Role | None
    routes: tuple[Route, ...]
    seen_at: datetime | None
    open: int
    overdue: int
    away_until: date | None


_TEAM: Final = f"""
    SELECT coalesce(k.id, w.assignee) AS id, k.name, k.role, coalesce(k.routes, '[]') AS routes, k.seen_at,
        coalesce(w.open, 0) AS open, coalesce(w.overdue, 0) AS overdue,
        CASE WHEN k.away_until >= :today THEN k.away_until END AS away_until
    FROM colleague k FULL JOIN (
        SELECT assignee, count(*) AS open, count(*) FILTER (WHERE {IS_OVERDUE}) AS overdue
        FROM work_item WHERE {IS_OPEN} AND assignee IS NOT NULL GROUP BY assignee) w ON w.assignee = k.id
    WHERE k.role = ANY(CAST(:workers AS text[])) OR w.assignee IS NOT NULL
    ORDER BY coalesce(w.open, 0), coalesce(w.overdue, 0), lower(k.name) NULLS LAST, 1
"""  # noqa: S608  conditions of conditions.py


async def colleagues(tx: AsyncConnection, *, now: datetime) -> list[Colleague]:
    """Those whose role takes work, and whoever else has some; the least loaded first, then by name."""
    values = {"workers": list(_WORKERS), "now": now, "today": day_in_london(now)}
    return [_colleague(row) for row in await tx.execute(sql(_TEAM), values)]


async def keep_colleague(tx: AsyncConnection, staff: Staff, *, at: datetime) -> None:
    """Whoever signs in: name and role as the identity provider says them now; the routes they take stay."""
    await tx.execute(
        sql("""
            INSERT INTO colleague (id, name, role, seen_at) VALUES (:id, :name, :role, :at)
            ON CONFLICT (id) DO UPDATE SET name = :name, role = :role, seen_at = :at
        """),
        {"id": staff.id, "name": staff.name, "role": staff.role.value, "at": at},
    )


async def set_routes(
    tx: AsyncConnection, colleague_id: str, routes: Collection[Route], *, by: Staff, at: datetime
) -> None:
    """Which routes somebody takes; none and all are the same. Raises Problem 404 for somebody nobody knows."""
    kept = [] if set(routes) == set(Route) else [route.value for route in Route if route in routes]
    changed = await tx.execute(
        sql("""
            UPDATE colleague SET routes = (SELECT coalesce(jsonb_agg(t.route ORDER BY t.place), '[]')
                                           FROM unnest(CAST(:routes AS text[])) WITH ORDINALITY AS t(route, place))
            WHERE id = :id
        """),
        {"id": colleague_id, "routes": kept},
    )
    if not changed.rowcount:
        raise Problem("not-found")
    detail = f"{colleague_id} {','.join(kept) or 'all'}"
    await audit.write(tx, [Entry(Actor("staff", by.id), "team.routes-set", at, detail=detail)])


async def set_away(tx: AsyncConnection, colleague_id: str, until: date | None, *, by: Staff, at: datetime) -> None:
    """The last day on which somebody is away; None: they are back. Raises Problem 404 for somebody nobody knows."""
    changed = await tx.execute(
        sql("UPDATE colleague SET away_until = :until WHERE id = :id"), {"id": colleague_id, "until": until}
    )
    if not changed.rowcount:
        raise Problem("not-found")
    detail = f"{colleague_id} {until or 'back'}"
    await audit.write(tx, [Entry(Actor("staff", by.id), "team.away-set", at, detail=detail)])


def _colleague(row: Any) -> Colleague:
    """A role or route that today's code does not know is left out."""
    known = set(Route)
    role = Role(row.role) if row.role in set(Role) else None
    routes = tuple(Route(route) for route in row.routes if route in known)
    return Colleague(row.id, row.name, role, routes, row.seen_at, row.open, row.overdue, row.away_until)
