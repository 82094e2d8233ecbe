"""Places and who waits for them: what the capacity page shows, and how long a wait to expect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import sql
from shared.events import Route, Urgency

WEEKS: Final = 12
"""How fast places become free is told by the starts of these last weeks: a holiday in them does not change much."""
FEWEST_STARTS: Final = 3
"""Fewer say nothing about the next ones."""
MOST_SHOWN: Final = 50
"""Families of one waiting list on the page; the rest is in the queue."""


@dataclass(frozen=True, slots=True)
class Places:
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
        return self.individual_free == 0

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


def expected_weeks(position: int, *, free: int, starts: int) -> int | None:
    """Whole weeks, rounded up, until whoever stands at `position` (from 1) gets a place, when things go on as they did.

    0 when there is a `free` place for them already. None when fewer than FEWEST_STARTS families have started in the
    last WEEKS: that is not enough to say.
    """
    if position <= free:
        return 0
    return ceil((position - free) * WEEKS / starts) if starts >= FEWEST_STARTS else None


_WAITS: Final = "ended_at IS NULL AND accepted_at IS NULL AND (state = 'waiting_list' OR marks ? 'waiting_list')"
_PLACES: Final = f"""
    SELECT c.route, c.individual, c."group", c.changed_at, coalesce(k.name, c.changed_by) AS changed_by,
        coalesce(o.individual_used, 0) AS individual_used, coalesce(o.group_used, 0) AS group_used,
        coalesce(o.waiting, 0) AS waiting, coalesce(s.starts, 0) AS starts
    FROM capacity c LEFT JOIN colleague k ON k.id = c.changed_by
    LEFT JOIN (SELECT route, count(*) FILTER (WHERE place = 'individual') AS individual_used,
                   count(*) FILTER (WHERE place = 'group') AS group_used, count(*) FILTER (WHERE {_WAITS}) AS waiting
               FROM work_item WHERE ended_at IS NULL GROUP BY route) o ON o.route = c.route
    LEFT JOIN (SELECT route, count(*) AS starts FROM work_item
               WHERE accepted_at >= :since AND accepted_at <= :now AND place = 'individual' GROUP BY route) s
        ON s.route = c.route
    ORDER BY c.route
"""  # noqa: S608  the condition is this module's own
_RANKS: Final = " ".join(f"WHEN '{each.value}' THEN {rank}" for rank, each in enumerate(reversed(Urgency)))
_LISTS: Final = f"""
    SELECT * FROM (
        SELECT id, route, reference, received_at, urgency, interim_offer, row_number() OVER (
            PARTITION BY route ORDER BY CASE urgency {_RANKS} ELSE 9 END, received_at, id) AS position
        FROM work_item WHERE {_WAITS}) placed
    WHERE position <= :most ORDER BY route, position
"""  # noqa: S608  the condition is this module's own


async def places(tx: AsyncConnection, *, now: datetime) -> list[Places]:
    """Every route that has a number of places, in the order in which people know the routes."""
    rows = await tx.execute(sql(_PLACES), {"since": now - timedelta(weeks=WEEKS), "now": now})
    found = [Places(**{**row, "route": Route(row["route"])}) for row in rows.mappings()]
    return sorted(found, key=lambda each: list(Route).index(each.route))


async def lists(tx: AsyncConnection, among: Iterable[Places]) -> dict[Route, list[Waiting]]:
    """The waiting list of each route, the most urgent first and then whoever has waited longest; at most MOST_SHOWN.

    Where nobody has set a number of places there is nothing to expect a wait from.
    """
    places_of = {each.route: each for each in among}
    found: dict[Route, list[Waiting]] = {}
    for row in await tx.execute(sql(_LISTS), {"most": MOST_SHOWN}):
        route = Route(row.route)
        found.setdefault(route, []).append(_waiting(row, route, places_of.get(route)))
    return found


def _waiting(row: Any, route: Route, of: Places | None) -> Waiting:
    return Waiting(
        item_id=row.id,
        route=route,
        reference=row.reference,
        received_at=row.received_at,
        urgency=Urgency(row.urgency),
        offer=row.interim_offer,
        position=row.position,
        weeks=expected_weeks(row.position, free=of.individual_free, starts=of.starts) if of else None,
    )
