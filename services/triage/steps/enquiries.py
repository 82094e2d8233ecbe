"""Consultations and training: a day is agreed, it takes place, and who came is counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import bodies, rows
from services.triage.steps.step import By, Desk, change, clock_resumed, say
from shared.events import ClosureReason, WorkItemAccepted, WorkItemClosed
from shared.problems import FieldError, Problem
from shared.working_time import LONDON, day_in_london

A_YEAR: Final = timedelta(days=366)
"""Further away, either way, is a slip of the pen: a leap year is in."""


def _refuse(code: str, words: str) -> Problem:
    return Problem("invalid", errors=[FieldError("/on", code, words)])


async def arrange(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Arrange, by: By, _: Desk) -> None:
    """Taken on with a day and time. Once more moves it; the referrer is told once that somebody has taken it on."""
    if body.on < by.at:
        raise _refuse("in-the-past", "The day and time must not be in the past.")
    if body.on > by.at + A_YEAR:
        raise _refuse("too-far-ahead", "The day must be at most a year ahead.")
    await change(
        tx,
        row,
        state="accepted",
        assignee=row.assignee or by.staff.id,
        arranged_for=body.on.astimezone(UTC),
        accepted_at=row.accepted_at or by.at,
        opened_first_at=row.opened_first_at or by.at,
        escalate_at=None,
        **clock_resumed(row, by),
    )
    if row.state != "accepted":
        await say(tx, row, WorkItemAccepted, by)


async def deliver(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Deliver, by: By, _: Desk) -> None:
    """It took place and the item ends; possible without an arrangement, for a talk is often held on the phone."""
    today = day_in_london(by.at)
    if body.on > today:
        raise _refuse("in-the-future", "The day must be today or before.")
    if body.on < today - A_YEAR:
        raise _refuse("too-long-ago", "The day must be at most a year ago.")
    await change(
        tx,
        row,
        attendees=body.attendees,
        assignee=row.assignee or by.staff.id,
        arranged_for=_held_at(row.arranged_for, body.on),
        opened_first_at=row.opened_first_at or by.at,
    )
    await rows.end_items(tx, [row.id], reason=ClosureReason.COMPLETED, at=by.at)
    more = {"reason": ClosureReason.COMPLETED, "attendees": body.attendees, "held_on": body.on}
    await say(tx, row, WorkItemClosed, by, **more)


def _held_at(arranged_for: datetime | None, on: date) -> datetime:
    """The time that was agreed, when it was held on that day; else noon of the day, for nobody said when."""
    if arranged_for is not None and day_in_london(arranged_for) == on:
        return arranged_for
    return datetime.combine(on, time(12), LONDON).astimezone(UTC)
