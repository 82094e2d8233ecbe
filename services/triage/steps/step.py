"""What every step works with: who takes it and when, the row that changes, and what is said of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import rows
from services.triage.texts import StaffTexts
from shared import outbox
from shared.access import Staff
from shared.database import sql
from shared.events import AboutWorkItem, Kind, Route
from shared.outbox import Cause, Draft
from shared.policy import Policy
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class By:
    """Who takes a step, when, and what it follows from."""

    staff: Staff
    at: datetime
    cause: Cause


@dataclass(frozen=True, slots=True)
class Desk:
    """What steps need beside the item: the policy in force and the staff's texts."""

    policy: Policy
    texts: StaffTexts


Step = Callable[[AsyncConnection, sa.Row[Any], Any, By, Desk], Awaitable[None]]


async def locked(tx: AsyncConnection, item_id: UUID) -> sa.Row[Any]:
    """The item, locked after its referral: the order everywhere, so that the numbering of events never races."""
    of = await tx.scalar(sql("SELECT referral_id FROM work_item WHERE id = :id"), {"id": item_id})
    if of is None:
        raise Problem("not-found")
    await rows.lock_if_known(tx, of)
    return (await tx.execute(sql("SELECT * FROM work_item WHERE id = :id FOR UPDATE"), {"id": item_id})).one()


async def change(tx: AsyncConnection, row: sa.Row[Any], **values: Any) -> None:
    """Set columns of the item."""
    columns = ", ".join(f"{name} = :{name}" for name in values)
    await tx.execute(
        sql(f"UPDATE work_item SET {columns} WHERE id = :item"),  # noqa: S608  names are this module's own
        {"item": row.id, **values},
    )


async def say(tx: AsyncConnection, row: sa.Row[Any], event: type[AboutWorkItem], by: By, **more: Any) -> None:
    """Announce it, about this item; `more` are the event's own members."""
    data = event(
        reference=row.reference,
        agency_id=row.agency_id,
        about=Kind(row.about),
        work_item_id=row.id,
        route=Route(row.route),
        **more,
    )
    await outbox.append(tx, [Draft(row.referral_id, data, by.at, by.cause)])


def clock_resumed(row: sa.Row[Any], by: By) -> dict[str, datetime | None]:
    """Whoever takes on what waited for the referrer lets its clock run again, later by the time it waited."""
    if row.state != "waiting_for_referrer" or row.waiting_since is None:
        return {}
    return {"due_at": row.due_at + (by.at - row.waiting_since), "waiting_since": None}


async def write(tx: AsyncConnection, row: sa.Row[Any], kind: str, text: str, by: By, desk: Desk) -> None:
    """Keep what a person wrote, sealed; never in an event."""
    await desk.texts.write(
        tx, referral_id=row.referral_id, item_id=row.id, kind=kind, author=by.staff.id, at=by.at, text=text
    )
