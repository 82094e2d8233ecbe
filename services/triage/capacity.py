"""Places by route: how many there are, how many are taken, and which routes are full now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from shared import outbox
from shared.database import sql
from shared.events import CapacityChanged, Route, capacity_key
from shared.ids import uuid7
from shared.outbox import Cause, Draft
from shared.policy import Policy

_USED = """
    SELECT c.route, c.individual, c."group", c.changed_at, c.changed_by,
        count(w.id) FILTER (WHERE w.place = 'individual') AS individual_used,
        count(w.id) FILTER (WHERE w.place = 'group') AS group_used,
        count(w.id) FILTER (WHERE w.accepted_at IS NULL) AS waiting
    FROM capacity c LEFT JOIN work_item w ON w.route = c.route AND w.ended_at IS NULL
    GROUP BY c.route ORDER BY c.route
"""


async def full_routes(tx: AsyncConnection) -> frozenset[Route]:
    """Routes whose individual places are all taken; a route without a number of places is never full."""
    rows = await tx.execute(
        sql("""
            SELECT c.route FROM capacity c
            WHERE c.individual <= (SELECT count(*) FROM work_item w
                                   WHERE w.route = c.route AND w.ended_at IS NULL AND w.place = 'individual')
        """)
    )
    return frozenset(Route(route) for route in rows.scalars())


async def overview(tx: AsyncConnection, policy: Policy) -> list[dict[str, Any]]:
    """Each route with its places, what is used and free, who waits, and what they are offered meanwhile."""
    offers = {places.route: places.interim_offer for places in policy.capacity}
    return [
        {
            "route": row.route,
            "individual": {
                "places": row.individual,
                "used": row.individual_used,
                "free": max(0, row.individual - row.individual_used),
            },
            "group": {"places": row.group, "used": row.group_used, "free": max(0, row.group - row.group_used)},
            "is_full": row.individual_used >= row.individual,
            "waiting": row.waiting,
            "interim_offer": offers.get(Route(row.route), ""),
            "changed_at": row.changed_at.isoformat(),
        }
        for row in await tx.execute(sql(_USED))
    ]


async def set_places(tx: AsyncConnection, route: Route, *, individual: int, group: int, by: str, at: datetime) -> None:
    await tx.execute(
        sql("""
            INSERT INTO capacity (route, individual, "group", changed_at, changed_by)
            VALUES (:route, :individual, :group, :at, :by)
            ON CONFLICT (route) DO UPDATE SET individual = :individual, "group" = :group, changed_at = :at,
                changed_by = :by
        """),
        {"route": route.value, "individual": individual, "group": group, "by": by, "at": at},
    )
    await _announce(tx, {route: CapacityChanged(route=route, individual=individual, group=group)}, at=at)


async def replace_places(
    tx: AsyncConnection, route: Route, *, individual: int, group: int, by: str, at: datetime, seen: datetime | None
) -> bool:
    """As `set_places`, but only over what was there when they were `seen` (None: nothing); else False."""
    stands = await tx.scalar(
        sql("SELECT changed_at FROM capacity WHERE route = :route FOR UPDATE"), {"route": route.value}
    )
    if stands != seen:
        return False
    await set_places(tx, route, individual=individual, group=group, by=by, at=at)
    return True


async def _announce(tx: AsyncConnection, changes: Mapping[Route, CapacityChanged], *, at: datetime) -> None:
    """Say it to those who count places; the caller's statement holds the lock of each route's row."""
    cause = Cause(uuid7())
    await outbox.append(tx, [Draft(capacity_key(route), change, at, cause) for route, change in changes.items()])


async def take_over(tx: AsyncConnection, policy: Policy, *, at: datetime) -> None:
    """The policy's places for routes that nobody has set yet; what a person set stays. Said once for each route."""
    for places in policy.capacity:
        await tx.execute(
            sql("""
                INSERT INTO capacity (route, individual, "group", changed_at, changed_by)
                VALUES (:route, :individual, :group, :at, 'policy') ON CONFLICT DO NOTHING
            """),
            {"route": places.route.value, "individual": places.individual, "group": places.group, "at": at},
        )
    unsaid = [
        CapacityChanged(route=Route(row.route), individual=row.individual, group=row.group)
        for row in await tx.execute(sql('SELECT route, individual, "group" FROM capacity ORDER BY route FOR UPDATE'))
        if not await tx.scalar(
            sql("SELECT EXISTS (SELECT 1 FROM event WHERE key = :key)"), {"key": capacity_key(Route(row.route))}
        )
    ]
    await _announce(tx, {change.route: change for change in unsaid}, at=at)
