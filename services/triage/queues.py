"""What staff read: counts by queue, a queue page by page, one item with its decisions and timeline."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.access import Staff
from shared.database import sql
from shared.events import Route
from shared.problems import Problem
from shared.working_time import LONDON


class View(StrEnum):
    UNASSIGNED = "unassigned"
    MINE = "mine"
    DUE_TODAY = "due_today"
    OVERDUE = "overdue"
    WAITING_FOR_REFERRER = "waiting_for_referrer"


CONDITION: Final[dict[View | None, str]] = {
    None: "TRUE",
    View.UNASSIGNED: "assignee IS NULL AND state <> 'waiting_for_referrer'",
    View.MINE: "assignee = :me",
    View.DUE_TODAY: (
        "due_at < :tomorrow AND due_at >= :now AND accepted_at IS NULL AND state <> 'waiting_for_referrer'"
    ),
    View.OVERDUE: "due_at < :now AND accepted_at IS NULL AND state <> 'waiting_for_referrer'",
    View.WAITING_FOR_REFERRER: "state = 'waiting_for_referrer'",
}


async def counts(tx: AsyncConnection, *, now: datetime) -> dict[str, Any]:
    """Open items by route: all, unassigned, due today, overdue, waiting for the referrer; routes without any too."""
    rows = await tx.execute(
        sql(f"""
            SELECT route, count(*) AS total,
                count(*) FILTER (WHERE {CONDITION[View.UNASSIGNED]}) AS unassigned,
                count(*) FILTER (WHERE {CONDITION[View.DUE_TODAY]}) AS due_today,
                count(*) FILTER (WHERE {CONDITION[View.OVERDUE]}) AS overdue,
                count(*) FILTER (WHERE {CONDITION[View.WAITING_FOR_REFERRER]}) AS waiting_for_referrer
            FROM work_item WHERE ended_at IS NULL GROUP BY route
        """),  # noqa: S608  the conditions are this module's own
        {"now": now, "tomorrow": tomorrow(now)},
    )
    found = {row.route: row for row in rows}
    names = ("total", "unassigned", "due_today", "overdue", "waiting_for_referrer")
    return {
        "queues": [
            {"route": route.value, **{name: getattr(found.get(route.value), name, 0) for name in names}}
            for route in Route
        ]
    }


async def page(
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
    rows = (
        await tx.execute(
            sql(f"""
                SELECT * FROM work_item
                WHERE route = :route AND ended_at IS NULL AND ({CONDITION[view]})
                  AND (CAST(:reference AS text) IS NULL OR reference = :reference)
                  AND (CAST(:due AS timestamptz) IS NULL OR (due_at, id) > (:due, CAST(:id AS uuid)))
                ORDER BY due_at, id LIMIT :limit
            """),  # noqa: S608  the condition is this module's own
            {
                "route": route.value,
                "reference": reference,
                "due": since_due,
                "id": since_id,
                "limit": limit + 1,
                **_of_view(view, staff, now),
            },
        )
    ).all()
    shown = rows[:limit]
    more = _write_cursor(shown[-1].due_at, shown[-1].id) if len(rows) > limit else None
    return {"items": [brief(row) for row in shown], "next": more}


def _of_view(view: View | None, staff: Staff, now: datetime) -> dict[str, Any]:
    """The values that a view's condition names, and no others."""
    values = {"me": staff.id, "now": now, "tomorrow": tomorrow(now)}
    return {name: value for name, value in values.items() if f":{name}" in CONDITION[view]}


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


async def item(tx: AsyncConnection, item_id: UUID) -> tuple[UUID, dict[str, Any]]:
    """One item: its referral's id, and all about it but who it is; raises Problem 404.

    The referral may be unknown yet, when a message about it could not be delivered before triage heard of it.
    """
    row = (await tx.execute(sql("SELECT * FROM work_item WHERE id = :id"), {"id": item_id})).one_or_none()
    if row is None:
        raise Problem("not-found")
    referral_id = row.referral_id
    referral = (await tx.execute(sql("SELECT * FROM referral WHERE id = :id"), {"id": referral_id})).one_or_none()
    decisions = await _decisions(tx, referral_id)
    return referral_id, {
        **brief(row),
        "referral_id": str(referral_id),
        "kind": row.about,
        "version": referral.version if referral else None,
        "withdrawn_at": _iso(referral.withdrawn_at) if referral else None,
        "accepted_at": _iso(row.accepted_at),
        "first_contact_at": _iso(row.first_contact_at),
        "ended_at": _iso(row.ended_at),
        "end_reason": row.end_reason,
        "interim_offer": row.interim_offer,
        "arranged_for": _iso(row.arranged_for),
        "attendees": row.attendees,
        "gaps": referral.gaps if referral else [],
        "facts": referral.facts if referral else {},
        "decision": decisions[-1] if decisions else None,
        "decisions": decisions,
        "items": await _siblings(tx, referral_id),
        "links": await _links(tx, referral_id, referral.linked if referral else []),
        "history": await _history(tx, referral_id),
    }


async def mark_opened(tx: AsyncConnection, item_id: UUID, *, at: datetime) -> None:
    """Somebody looks at it now: it does not escalate for being unopened any more."""
    await tx.execute(
        sql("""
            UPDATE work_item SET opened_first_at = :at, escalate_at = NULL
            WHERE id = :id AND opened_first_at IS NULL AND ended_at IS NULL
        """),
        {"id": item_id, "at": at},
    )


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
        }
        for row in rows
    ]


async def _siblings(tx: AsyncConnection, referral_id: UUID) -> list[dict[str, Any]]:
    """Every item the referral ever had."""
    rows = await tx.execute(
        sql("SELECT * FROM work_item WHERE referral_id = :id ORDER BY received_at, id"), {"id": referral_id}
    )
    return [brief(row) | {"ended_at": _iso(row.ended_at), "end_reason": row.end_reason} for row in rows]


async def _links(tx: AsyncConnection, referral_id: UUID, linked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Referrals it was linked to when it came, and those that were linked to it since."""
    rows = await tx.execute(
        sql("""
            SELECT r.id, r.reference, l ->> 'link' AS link FROM referral o, referral r, jsonb_array_elements(r.linked) l
            WHERE o.id = :id AND r.family_id = o.family_id AND l ->> 'id' = CAST(o.id AS text)
        """),
        {"id": referral_id},
    )
    later = [{"id": str(row.id), "reference": row.reference, "link": row.link} for row in rows]
    return [{name: each[name] for name in ("id", "reference", "link")} for each in linked] + later


async def _history(tx: AsyncConnection, referral_id: UUID) -> list[dict[str, Any]]:
    rows = await tx.execute(sql("SELECT * FROM audit WHERE referral_id = :id ORDER BY id"), {"id": referral_id})
    return [
        {"at": row.at.isoformat(), "actor": row.actor_id, "action": row.action, "detail": row.detail} for row in rows
    ]


def tomorrow(now: datetime) -> datetime:
    midnight = now.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _write_cursor(due_at: datetime, item_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{due_at.isoformat()} {item_id}".encode()).decode()


def _read_cursor(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    if not cursor:
        return None, None
    try:
        due_at, item_id = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().split(" ")
        return datetime.fromisoformat(due_at), UUID(item_id)
    except (ValueError, binascii.Error):
        raise Problem("cursor-unknown") from None
