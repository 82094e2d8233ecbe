"""The whole of a referral as its page tells it: an item, its decisions, every step since, and who took them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import queues, rows
from services.triage.looking import VIEWED
from shared.access import Role
from shared.database import sql
from shared.events import Facts
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the audit trail: who did what, when; `detail` is a code, a staff id or a route."""

    id: int
    at: datetime
    actor_kind: str
    actor: str
    action: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """`item` is what the API answers; `row` the item as stored; `names` those of colleagues, by staff id."""

    id: UUID
    referral_id: UUID
    item: dict[str, Any]
    row: Any
    lines: Sequence[Line]
    names: dict[str, str]

    @property
    def seen(self) -> int:
        """Of the newest entry: what a page was made of, so that a form can tell what changed since."""
        return self.lines[-1].id if self.lines else 0

    @property
    def facts(self) -> Facts | None:
        """None for a referral that was erased, or that triage has not heard of yet."""
        return Facts.model_validate(self.item["facts"]) if self.item["facts"] else None


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody to give work to, with how much they have."""

    id: str
    name: str
    open_items: int
    knows_route: bool


async def tell(tx: AsyncConnection, item_id: UUID) -> Story:
    """All that a page shows but who the family is; raises Problem 404. The same number of queries whatever happened."""
    referral_id, item = await queues.item(tx, item_id)
    row = (await tx.execute(_ROW, {"id": item_id})).one()
    lines = await lines_of(tx, referral_id)
    people = {line.actor for line in lines if line.actor_kind == "staff"} | {each["assignee"] for each in item["items"]}
    people |= {line.detail for line in lines if line.action == "item.assign"}
    return Story(item_id, referral_id, item, row, lines, await names_of(tx, people))


_ROW: Final = sql("""
    SELECT w.*, r.erased_at, r.received_at AS referral_received_at
    FROM work_item w LEFT JOIN referral r ON r.id = w.referral_id WHERE w.id = :id
""")


async def lines_of(tx: AsyncConnection, referral_id: UUID, *, after: int = 0) -> list[Line]:
    """The entries about a referral, oldest first, from the one that follows `after`."""
    found = await tx.execute(
        sql("SELECT * FROM audit WHERE referral_id = :id AND id > :after ORDER BY id"),
        {"id": referral_id, "after": after},
    )
    return [Line(row.id, row.at, row.actor_kind, row.actor_id, row.action, row.detail) for row in found]


async def changes_since(tx: AsyncConnection, item_id: UUID, *, seen: int) -> list[Line]:
    """What was done to the referral since a page was made; from here to the end of `tx` nothing more is.

    Looking at a family changes nothing, so looks are not among them. Raises Problem 404 for no such item.
    """
    of = await holder_of(tx, item_id)
    await rows.lock_if_known(tx, of.referral_id)
    return [line for line in await lines_of(tx, of.referral_id, after=seen) if line.action != VIEWED]


async def names_of(tx: AsyncConnection, ids: Iterable[str | None]) -> dict[str, str]:
    """The names of those who have signed in at least once."""
    found = await tx.execute(
        sql("SELECT id, name FROM colleague WHERE id = ANY(:ids)"), {"ids": sorted({each for each in ids if each})}
    )
    return {row.id: row.name for row in found}


async def colleagues_for(tx: AsyncConnection, route: str) -> list[Colleague]:
    """Workers and leads, those who know the route first, among them whoever has the least open work."""
    found = await tx.execute(
        sql("""
            SELECT c.id, c.name, (c.routes = '[]'::jsonb OR jsonb_exists(c.routes, :route)) AS knows_route,
                count(w.id) AS open_items
            FROM colleague c LEFT JOIN work_item w ON w.assignee = c.id AND w.ended_at IS NULL
            WHERE c.role = ANY(:roles) GROUP BY c.id
            ORDER BY knows_route DESC, open_items, c.name, c.id
        """),
        {"route": route, "roles": [Role.WORKER.value, Role.LEAD.value]},
    )
    return [Colleague(row.id, row.name, row.open_items, row.knows_route) for row in found]


async def items_of(tx: AsyncConnection, reference: str) -> list[sa.Row[Any]]:
    """Every item a referral ever had, the current ones first; none for a reference that triage does not know."""
    found = await tx.execute(
        sql("""
            SELECT * FROM work_item WHERE reference = :reference
            ORDER BY ended_at IS NOT NULL, due_at, id
        """),
        {"reference": reference},
    )
    return list(found.all())


async def open_work(tx: AsyncConnection, referral_id: UUID) -> list[sa.Row[Any]]:
    """The items of a referral that have not ended, as stored."""
    found = sql("SELECT * FROM work_item WHERE referral_id = :id AND ended_at IS NULL ORDER BY received_at, id")
    return list((await tx.execute(found, {"id": referral_id})).all())


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose an item is, before anything else is read of it."""

    referral_id: UUID
    assignee: str | None
    is_open: bool


async def holder_of(tx: AsyncConnection, item_id: UUID) -> Holder:
    """Raises Problem 404 for no such item."""
    found = sql("SELECT referral_id, assignee, ended_at FROM work_item WHERE id = :id")
    row = (await tx.execute(found, {"id": item_id})).one_or_none()
    if row is None:
        raise Problem("not-found")
    return Holder(row.referral_id, row.assignee, row.ended_at is None)
