"""Taking work on and seeing it through: claim, release, assign, accept, ask, contacts, note, close."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import bodies, rows
from services.triage.capacity import full_routes
from services.triage.steps.step import By, Desk, change, clock_resumed, say, write
from shared.database import sql
from shared.events import (
    PlaceKind,
    Route,
    WaitingFor,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.problems import Problem


async def claim(tx: AsyncConnection, row: sa.Row[Any], _: bodies.Nothing, by: By, __: Desk) -> None:
    await change(
        tx,
        row,
        state="claimed",
        assignee=by.staff.id,
        opened_first_at=row.opened_first_at or by.at,
        escalate_at=None,
        **clock_resumed(row, by),
    )
    await say(tx, row, WorkItemClaimed, by)


async def release(tx: AsyncConnection, row: sa.Row[Any], _: bodies.Nothing, by: By, __: Desk) -> None:
    """Back in the queue, or on the waiting list it came from; said as an opening, for that is what it is now."""
    was_waiting = "waiting_list" in row.marks
    await change(tx, row, state="waiting_list" if was_waiting else "open", assignee=None)
    more = {"tier": row.tier, "urgency": row.urgency, "due_at": row.due_at, "waiting_list": was_waiting}
    await say(tx, row, WorkItemOpened, by, **more)


async def assign(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Assign, by: By, _: Desk) -> None:
    """Given to somebody, but not looked at by them yet: until it is, it goes on escalating."""
    state = "claimed" if row.state in ("open", "waiting_list") else row.state
    await change(tx, row, state=state, assignee=body.to, escalate_at=None if row.opened_first_at else row.escalate_at)
    if state == "claimed":  # what waits for the referrer goes on waiting, and what was accepted stays accepted
        await say(tx, row, WorkItemClaimed, by)


async def accept(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Accept, by: By, _: Desk) -> None:
    """The team takes the family on, in a place; with none free it stays on the waiting list."""
    await tx.execute(sql("SELECT 1 FROM capacity WHERE route = :route FOR UPDATE"), {"route": row.route})
    if body.place is PlaceKind.INDIVIDUAL and Route(row.route) in await full_routes(tx):
        raise Problem("conflict", "Every individual place of this route is taken", extra={"state": row.state})
    await change(
        tx,
        row,
        state="accepted",
        assignee=row.assignee or by.staff.id,
        accepted_at=by.at,
        place=body.place.value,
        opened_first_at=row.opened_first_at or by.at,
        escalate_at=None,
        **clock_resumed(row, by),
    )
    await say(tx, row, WorkItemAccepted, by, place=body.place)


async def request_information(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.AskForInformation, by: By, desk: Desk
) -> None:
    """Ask the referrer; the clock waits until they answer."""
    await write(tx, row, "asked", body.asked, by, desk)
    await change(tx, row, state="waiting_for_referrer", waiting_since=by.at, escalate_at=None)
    await say(tx, row, WorkItemWaiting, by, waiting_for=WaitingFor.REFERRER)


async def contact_attempt(tx: AsyncConnection, row: sa.Row[Any], _: Any, by: By, __: Desk) -> None:
    """Counted from the audit trail; a first attempt also means that somebody has opened the item."""
    await change(tx, row, opened_first_at=row.opened_first_at or by.at, escalate_at=None)


async def first_contact(tx: AsyncConnection, row: sa.Row[Any], _: bodies.Nothing, by: By, __: Desk) -> None:
    if row.first_contact_at is not None:
        raise Problem("conflict", "The first contact is recorded already", extra={"state": row.state})
    await change(tx, row, first_contact_at=by.at, age_out_warning_on=None)
    await say(tx, row, WorkItemFirstContact, by)


async def note(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Note, by: By, desk: Desk) -> None:
    await write(tx, row, "note", body.text, by, desk)


async def close(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Close, by: By, _: Desk) -> None:
    await rows.end_items(tx, [row.id], reason=body.reason, at=by.at)
    await say(tx, row, WorkItemClosed, by, reason=body.reason)
