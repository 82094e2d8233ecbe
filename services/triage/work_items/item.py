"""One work item with everything around it: its decisions, every step since, links, and who took them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items import store
from services.triage.work_items.conditions import IS_OPEN
from services.triage.work_items.deadlines import call_again
from services.triage.work_items.queues import brief
from shared.access import Role
from shared.database import sql
from shared.events import Facts
from shared.problems import Problem

VIEWED: Final = "identity.viewed"
"""The action of a look of staff in the audit trail."""
QUESTIONS_VIEWED: Final = "questions.viewed"
"""That of a look of the referrer at what they were asked."""
ONLY_LOOKED: Final = frozenset({VIEWED, QUESTIONS_VIEWED})
"""Looking changes nothing."""
SIDE_BY_SIDE: Final = "received_at, due_at, route, id"
"""The order of the items of one family."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry of the audit trail: who did what, when; `detail` is a code, a staff id or a route."""

    id: int
    at: datetime
    actor_kind: str
    actor: str
    action: str
    detail: str | None


@dataclass(frozen=True, slots=True)
class ItemDetails:
    """`item` is what the API answers; `row` the item as stored; `names` those of colleagues, by staff id."""

    id: UUID
    referral_id: UUID
    item: dict[str, Any]
    row: Any
    lines: Sequence[AuditLine]
    names: dict[str, str]

    @property
    def seen(self) -> int:
        """Of the newest entry: what a page was made of, so that a form can tell what changed since."""
        return self.lines[-1].id if self.lines else 0

    @property
    def facts(self) -> Facts | None:
        """None for a referral that was erased, or that triage has not heard of yet."""
        return Facts.model_validate(self.item["facts"]) if self.item["facts"] else None


async def load(tx: AsyncConnection, item_id: UUID) -> ItemDetails:
    """One item and all about it but who the family is; raises Problem 404. As many queries whatever happened.

    The referral may be unknown yet, when a message about it could not be delivered before triage heard of it.
    """
    row = (await tx.execute(_ROW, {"id": item_id})).one_or_none()
    if row is None:
        raise Problem("not-found")
    every = await _decisions(tx, row.referral_id)
    in_force = [each for each in every if not each["is_proposal"]]
    proposed = [each for each in every if each["id"] == str(row.proposal_id)]
    items = await tx.execute(
        sql(f"SELECT * FROM work_item WHERE referral_id = :id ORDER BY {SIDE_BY_SIDE}"),  # noqa: S608  a constant
        {"id": row.referral_id},
    )
    ever = [brief(each) | {"ended_at": _iso(each.ended_at), "end_reason": each.end_reason} for each in items]
    lines = await lines_of(tx, row.referral_id)
    shown = {
        **brief(row),
        "referral_id": str(row.referral_id),
        "kind": row.about,
        "version": row.version,
        "withdrawn_at": _iso(row.withdrawn_at),
        "restricted_at": _iso(row.restricted_at),
        "accepted_at": _iso(row.accepted_at),
        "first_contact_at": _iso(row.first_contact_at),
        "first_contact_on": _iso(row.first_contact_on),
        "ended_at": _iso(row.ended_at),
        "end_reason": row.end_reason,
        "interim_offer": row.interim_offer,
        "arranged_for": _iso(row.arranged_for),
        "attendees": row.attendees,
        "gaps": row.gaps or [],
        "facts": row.facts or {},
        "decision": in_force[-1] if in_force else None,
        "proposal": proposed[-1] if proposed else None,
        "decisions": in_force,
        "items": ever,
        "links": await _links(tx, row.referral_id, row.linked or []),
        "history": [
            {"at": line.at.isoformat(), "actor": line.actor, "action": line.action, "detail": line.detail}
            for line in lines
        ],
    }
    people = {line.actor for line in lines if line.actor_kind == "staff"} | {each["assignee"] for each in ever}
    people |= {line.detail for line in lines if line.action in ("item.assign", "item.take-over", "item.hand-back")}
    return ItemDetails(item_id, row.referral_id, shown, row, lines, await names_of(tx, people))


_ROW: Final = sql("""
    SELECT w.*, r.erased_at, r.received_at AS referral_received_at, r.decided_as_of, r.withdrawn_at, r.version, r.gaps,
        r.facts, r.linked, r.proposal_id, r.restricted_at
    FROM work_item w LEFT JOIN referral r ON r.id = w.referral_id WHERE w.id = :id
""")


async def mark_opened(tx: AsyncConnection, item_id: UUID, *, at: datetime) -> None:
    """Somebody looks at it now: it is no longer unopened. On-call hears again of what is not done when it is due."""
    row = await store.find(tx, item_id, for_update=True)
    if row.ended_at is None and row.opened_first_at is None:
        escalate_at = None if row.accepted_at else call_again(row, now=at)
        await store.change(tx, row, opened_first_at=at, escalate_at=escalate_at)


async def _decisions(tx: AsyncConnection, referral_id: UUID) -> list[dict[str, Any]]:
    rows = await tx.execute(
        sql("SELECT * FROM decision WHERE referral_id = :id ORDER BY decided_at, id"), {"id": referral_id}
    )
    return [
        {
            **row.decision,
            "id": str(row.id),
            "version": row.version,
            "decided_by": row.decided_by,
            "actor": row.actor_id,
            "decided_at": row.decided_at.isoformat(),
            "is_proposal": row.is_proposal,
        }
        for row in rows
    ]


async def _links(tx: AsyncConnection, referral_id: UUID, linked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Referrals that it says it is linked to, and later ones that say so of it."""
    rows = await tx.execute(
        sql("""
            SELECT r.id, r.reference, l ->> 'link' AS link FROM referral o, referral r, jsonb_array_elements(r.linked) l
            WHERE o.id = :id AND r.family_id = o.family_id AND l ->> 'id' = CAST(o.id AS text) ORDER BY r.id LIMIT 20
        """),
        {"id": referral_id},
    )
    own = [{name: each[name] for name in ("id", "reference", "link")} for each in linked]
    later = [{"id": str(row.id), "reference": row.reference, "link": row.link} for row in rows]
    return own + [each for each in later if each["id"] not in {other["id"] for other in own}]


async def lines_of(tx: AsyncConnection, referral_id: UUID, *, after: int = 0) -> list[AuditLine]:
    """The entries about a referral, oldest first, from the one that follows `after`."""
    found = await tx.execute(
        sql("""
            SELECT id, at, actor_kind, actor_id, action, detail FROM audit WHERE referral_id = :id AND id > :after
            ORDER BY id
        """),
        {"id": referral_id, "after": after},
    )
    return [AuditLine(*row) for row in found]


async def changes_since(tx: AsyncConnection, item_id: UUID, *, seen: int) -> list[AuditLine]:
    """What was done to the referral since a page was made; from here to the end of `tx` nothing more is.

    Raises Problem 404 for no such item.
    """
    referral_id = (await store.find(tx, item_id)).referral_id
    await store.lock_if_known(tx, referral_id)
    return [line for line in await lines_of(tx, referral_id, after=seen) if line.action not in ONLY_LOOKED]


async def names_of(tx: AsyncConnection, ids: Iterable[str | None]) -> dict[str, str]:
    """The names of those who have signed in at least once."""
    found = await tx.execute(
        sql("SELECT id, name FROM colleague WHERE id = ANY(:ids)"), {"ids": sorted({each for each in ids if each})}
    )
    return {row.id: row.name for row in found}


async def named(tx: AsyncConnection, ids: Collection[UUID]) -> Sequence[sa.Row[Any]]:
    """These work items with the name of their holder, in the order in which they may be locked one after the other."""
    return (await tx.execute(_NAMED, {"ids": list(ids)})).all() if ids else []


_NAMED: Final = sql("""
    SELECT w.*, coalesce(k.name, w.assignee) AS holder FROM work_item w LEFT JOIN colleague k ON k.id = w.assignee
    WHERE w.id = ANY(CAST(:ids AS uuid[])) ORDER BY w.referral_id, w.id
""")


async def assignees_for(tx: AsyncConnection, routes: Collection[str], *, today: date) -> Sequence[sa.Row[Any]]:
    """Workers and leads by name, as a list does not change its order with what is given; `place` 1 is the best choice.

    Who is here comes before who is away, then who knows all the routes, then who has the least open work.
    """
    found = await tx.execute(
        sql(f"""
            SELECT c.id, c.name, (c.routes = '[]'::jsonb OR jsonb_exists_all(c.routes, :routes)) AS knows_route,
                count(w.id) AS open_items, CASE WHEN c.away_until >= :today THEN c.away_until END AS away_until,
                row_number() OVER (
                    ORDER BY coalesce(c.away_until >= :today, FALSE),
                        (c.routes = '[]'::jsonb OR jsonb_exists_all(c.routes, :routes)) DESC, count(w.id), c.name, c.id
                ) AS place
            FROM colleague c LEFT JOIN work_item w ON w.assignee = c.id AND w.{IS_OPEN}
            WHERE c.role = ANY(:roles) GROUP BY c.id
            ORDER BY c.name, c.id
        """),  # noqa: S608  a constant
        {"routes": sorted(routes), "roles": [Role.WORKER.value, Role.LEAD.value], "today": today},
    )
    return found.all()


async def items_of(tx: AsyncConnection, reference: str) -> Sequence[sa.Row[Any]]:
    """Every item a referral ever had, the current ones first; none for a reference that triage does not know."""
    found = sql("SELECT * FROM work_item WHERE reference = :reference ORDER BY ended_at IS NOT NULL, due_at, id")
    return (await tx.execute(found, {"reference": reference})).all()


async def open_items(tx: AsyncConnection, referral_id: UUID) -> Sequence[sa.Row[Any]]:
    """The items of a referral that have not ended, as stored and not locked."""
    found = sql(f"SELECT * FROM work_item WHERE referral_id = :id AND {IS_OPEN} ORDER BY {SIDE_BY_SIDE}")  # noqa: S608  a constant
    return (await tx.execute(found, {"id": referral_id})).all()


def _iso(at: date | None) -> str | None:
    return at.isoformat() if at else None
