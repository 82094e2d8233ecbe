"""Places by route: how many there are, who has one, who waits for one, and whose turn it is.

A place is free for whoever stands first on the waiting list; a new referral gets one only when more are free than
families wait. Individual and group places are counted alike; the list is for individual ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items.bodies import MOST_PLACES
from services.triage.work_items.conditions import IS_ON_LIST, IS_OPEN, PLACE_FREE, is_on_list
from shared.database import sql
from shared.events import CapacityChanged, PlaceKind, Route, Urgency, capacity_key
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft
from shared.policy import Policy
from shared.problems import Problem

WEEKS: Final = 12
"""How fast places become free is told by the starts of these last weeks: a holiday in them does not change much."""
FEWEST_STARTS: Final = 3
"""Fewer say nothing about the next ones."""
MOST_SHOWN: Final = 50
"""Families of one waiting list on the page; the rest is in the queue."""
URGENCY_RANK: Final = "CASE urgency {} ELSE 9 END".format(
    " ".join(f"WHEN '{each.value}' THEN {rank}" for rank, each in enumerate(reversed(Urgency)))
)
"""0 for the most urgent."""
_TURN: Final = f"CASE WHEN marks ? '{PLACE_FREE}' THEN 0 ELSE 1 END, {URGENCY_RANK}, received_at, id"
"""The order of a waiting list: whoever was offered a place, then the most urgent, then who has waited longest."""


@dataclass(frozen=True, slots=True)
class RoutePlaces:
    """Places of a route. `starts` are families who got an individual place in the last WEEKS; `waiting` is its list."""

    route: Route
    individual: int
    individual_used: int
    group: int
    group_used: int
    waiting: int
    starts: int
    changed_at: datetime
    changed_by: str

    @property
    def individual_free(self) -> int:
        return max(0, self.individual - self.individual_used)

    @property
    def group_free(self) -> int:
        return max(0, self.group - self.group_used)

    @property
    def is_full(self) -> bool:
        return is_full(self)

    @property
    def weeks(self) -> int | None:
        """For a family that would join the list today."""
        return expected_weeks(self.waiting + 1, free=self.individual_free, starts=self.starts)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A family on a waiting list; `position` counts from 1, `offer` is what they were offered meanwhile."""

    item_id: UUID
    route: Route
    reference: str
    received_at: datetime
    urgency: Urgency
    offer: str | None
    position: int
    weeks: int | None


def is_full(route: Any) -> bool:
    """For a family that would come today: what is free is for those who wait."""
    return bool(route.individual <= route.individual_used + route.waiting)


def expected_weeks(position: int, *, free: int, starts: int) -> int | None:
    """Whole weeks, rounded up, until whoever stands at `position` (from 1) gets a place, when things go on as they did.

    0 when there is a `free` place for them already. None when fewer than FEWEST_STARTS families have started in the
    last WEEKS: that is not enough to say.
    """
    if position <= free:
        return 0
    return ceil((position - free) * WEEKS / starts) if starts >= FEWEST_STARTS else None


_COUNTED: Final = f"""
    SELECT c.route, c.individual, c."group", c.changed_at, c.changed_by,
        count(w.id) FILTER (WHERE w.place = 'individual') AS individual_used,
        count(w.id) FILTER (WHERE w.place = 'group') AS group_used, count(w.id) FILTER (WHERE w.waits) AS waiting
    FROM capacity c LEFT JOIN (
        SELECT id, route, place, {IS_ON_LIST} AS waits FROM work_item
        WHERE {IS_OPEN} AND (place IS NOT NULL OR {IS_ON_LIST})) w ON w.route = c.route
    GROUP BY c.route
"""  # noqa: S608  conditions of conditions.py
_OVERVIEW: Final = f"""
    SELECT n.route, individual, "group", changed_at, coalesce(k.name, changed_by) AS changed_by, individual_used,
        group_used, waiting, coalesce(s.starts, 0) AS starts
    FROM ({_COUNTED}) n LEFT JOIN colleague k ON k.id = n.changed_by
    LEFT JOIN (SELECT route, count(*) AS starts FROM work_item
               WHERE accepted_at >= :since AND accepted_at <= :now AND place = 'individual' GROUP BY route) s
        ON s.route = n.route
"""  # noqa: S608  as above
_LISTED: Final = f"""
    SELECT *, row_number() OVER (PARTITION BY route ORDER BY {_TURN}) AS position
    FROM work_item WHERE {IS_OPEN} AND {IS_ON_LIST}
"""  # noqa: S608  as above


_IN_LINE: Final = f"""
    SELECT id, route, reference, received_at, urgency, interim_offer, position, individual, individual_used, starts
    FROM ({_LISTED}) listed LEFT JOIN ({_OVERVIEW}) o USING (route)
"""  # noqa: S608  as above
_USED: Final = sql(f"""
    SELECT route, individual,
        (SELECT count(*) FROM work_item
         WHERE route = c.route AND {IS_OPEN} AND place = 'individual') AS individual_used,
        (SELECT count(*) FROM (SELECT FROM work_item WHERE route = c.route AND {IS_OPEN} AND {IS_ON_LIST}
                               LIMIT {MOST_PLACES}) w) AS waiting
    FROM capacity c
""")  # noqa: S608  as above


async def full_routes(tx: AsyncConnection) -> frozenset[Route]:
    """Routes on which a new family would wait; a route without a number of places is never full.

    Asked with every referral: each count has an index of its own, however much work is open, and no more who wait are
    counted than fill every place that there may be.
    """
    return frozenset(Route(row.route) for row in await tx.execute(_USED) if is_full(row))


async def all_places(tx: AsyncConnection, *, now: datetime) -> list[RoutePlaces]:
    """Every route that has a number of places, in the order in which people know the routes."""
    rows = await tx.execute(sql(_OVERVIEW), {"since": now - timedelta(weeks=WEEKS), "now": now})
    found = [RoutePlaces(**{**row, "route": Route(row["route"])}) for row in rows.mappings()]
    return sorted(found, key=lambda each: list(Route).index(each.route))


async def overview(tx: AsyncConnection, policy: Policy, *, now: datetime) -> list[dict[str, Any]]:
    """Each route with its places, what is used and free, who waits, and what they are offered meanwhile."""
    offers = {places.route: places.interim_offer for places in policy.capacity}
    return [
        {
            "route": each.route.value,
            "individual": {"places": each.individual, "used": each.individual_used, "free": each.individual_free},
            "group": {"places": each.group, "used": each.group_used, "free": each.group_free},
            "is_full": each.is_full,
            "waiting": each.waiting,
            "interim_offer": offers.get(each.route, ""),
            "changed_at": each.changed_at.isoformat(),
        }
        for each in sorted(await all_places(tx, now=now), key=lambda each: each.route)
    ]


async def waiting_lists(tx: AsyncConnection, *, now: datetime) -> dict[Route, list[Waiting]]:
    """The waiting list of each route, whose turn is next first; at most MOST_SHOWN."""
    found: dict[Route, list[Waiting]] = {}
    for each in await _in_line(tx, "position <= :most ORDER BY route, position", now, most=MOST_SHOWN):
        found.setdefault(each.route, []).append(each)
    return found


async def place_in_line(tx: AsyncConnection, row: sa.Row[Any], *, now: datetime) -> Waiting | None:
    """Where one family stands, however long its list is; None when it is on none."""
    return next(iter(await _in_line(tx, "route = :route AND id = :id", now, route=row.route, id=row.id)), None)


async def _in_line(tx: AsyncConnection, which: str, now: datetime, **values: Any) -> list[Waiting]:
    """Where nobody has set a number of places there is nothing to expect a wait from."""
    since = {"since": now - timedelta(weeks=WEEKS), "now": now}
    found = await tx.execute(sql(f"SELECT * FROM ({_IN_LINE}) line WHERE {which}"), values | since)  # noqa: S608  this module's own
    return [
        Waiting(
            item_id=row.id,
            route=Route(row.route),
            reference=row.reference,
            received_at=row.received_at,
            urgency=Urgency(row.urgency),
            offer=row.interim_offer,
            position=row.position,
            weeks=None
            if row.individual is None
            else expected_weeks(row.position, free=max(0, row.individual - row.individual_used), starts=row.starts),
        )
        for row in found
    ]


async def check_free(tx: AsyncConnection, row: sa.Row[Any], kind: PlaceKind) -> None:
    """That there is a place for this family, with the route's places locked. Raises Problem 409.

    Who waits gets an individual place in turn; who does not, only one that nobody waits for.
    """
    await tx.execute(sql("SELECT 1 FROM capacity WHERE route = :route FOR UPDATE"), {"route": row.route})
    found = await tx.execute(sql(f"SELECT * FROM ({_COUNTED}) n WHERE route = :route"), {"route": row.route})  # noqa: S608  as above
    places = found.one_or_none()
    if places is None:
        return
    state, is_group = {"state": row.state}, kind is PlaceKind.GROUP
    free = places.group - places.group_used if is_group else places.individual - places.individual_used
    if free <= 0:
        raise Problem("conflict", f"Every {kind.value} place of this route is taken", extra=state)
    if is_group:
        return
    before = places.waiting
    if is_on_list(row):
        turn = f"SELECT position - 1 FROM ({_LISTED} AND route = :route) listed WHERE id = :id"  # noqa: S608  as above
        before = await tx.scalar(sql(turn), {"route": row.route, "id": row.id}) or 0
    if free <= before:
        raise Problem("conflict", "Other families have waited for this place: they come first", extra=state)


async def turns(tx: AsyncConnection) -> Sequence[sa.Row[Any]]:
    """Items whose offer is to change: a place is free for them and nobody told, or told and free no more."""
    found = await tx.execute(
        sql(f"""
            SELECT listed.id, listed.referral_id, position <= individual - individual_used AS is_free
            FROM ({_LISTED}) listed JOIN ({_COUNTED}) n ON n.route = listed.route
            WHERE (position <= individual - individual_used) <> (marks ? '{PLACE_FREE}')
            ORDER BY listed.route, position
        """)  # noqa: S608  as above
    )
    return found.all()


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
    await _announce(tx, [CapacityChanged(route=route, individual=individual, group=group)], at=at)


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


async def _announce(tx: AsyncConnection, changes: Iterable[CapacityChanged], *, at: datetime) -> None:
    """Say it to those who count places; the caller's statement holds the lock of each route's row."""
    cause = Cause(uuid7())
    await outbox.append(tx, [Draft(capacity_key(change.route), change, at, cause) for change in changes])


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
    await _announce(tx, unsaid, at=at)
