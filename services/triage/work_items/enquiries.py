"""Consultations and training as short journeys: requested, arranged, done with who came; or ended without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items.bodies import Arrange, Deliver
from services.triage.work_items.conditions import IS_ENQUIRY, IS_OPEN
from services.triage.work_items.item import open_items
from services.triage.work_items.working import Done, StepRequest, refuse
from shared.database import sql
from shared.events import ClosureReason
from shared.problems import Problem
from shared.working_time import LONDON, day_in_london


class Stage(StrEnum):
    REQUESTED = "requested"
    ARRANGED = "arranged"
    DONE = "done"
    ENDED = "ended"


class Whose(StrEnum):
    """A practitioner's own request; or one that came with a family's referral, whose ward is not open yet (E9)."""

    REQUESTS = "requests"
    FAMILIES = "families"


_IS: Final = {
    Stage.REQUESTED: f"{IS_OPEN} AND arranged_for IS NULL",
    Stage.ARRANGED: f"{IS_OPEN} AND arranged_for IS NOT NULL",
    Stage.DONE: "attendees IS NOT NULL",
    Stage.ENDED: f"NOT {IS_OPEN} AND attendees IS NULL",
}
_ORDER: Final = {
    Stage.REQUESTED: "due_at, w.id",
    Stage.ARRANGED: "arranged_for, w.id",
    Stage.DONE: "arranged_for DESC, w.id DESC",
    Stage.ENDED: "ended_at DESC, w.id DESC",
}
_OF: Final = {Whose.REQUESTS: "about <> 'family'", Whose.FAMILIES: "about = 'family'"}
_ITEMS: Final = f"""
    SELECT w.*, c.name AS holder FROM work_item w LEFT JOIN colleague c ON c.id = w.assignee WHERE {IS_ENQUIRY}
"""  # noqa: S608  conditions of conditions.py
SIZE: Final = 50
"""So many on a page."""

Counts = Mapping[Whose, Mapping[Stage, int]]


def stage_of(row: sa.Row[Any]) -> Stage:
    """Where an item stands: the same as the conditions of the lists."""
    if row.attendees is not None:
        return Stage.DONE
    if row.ended_at is not None:
        return Stage.ENDED
    return Stage.REQUESTED if row.arranged_for is None else Stage.ARRANGED


async def counts(tx: AsyncConnection) -> Counts:
    """How many are at each stage; stages without any too."""
    stages = ", ".join(f"count(*) FILTER (WHERE {condition}) AS {stage}" for stage, condition in _IS.items())
    found = await tx.execute(
        sql(f"SELECT {_OF[Whose.FAMILIES]} AS is_familys, {stages} FROM work_item WHERE {IS_ENQUIRY} GROUP BY 1")  # noqa: S608  as above
    )
    by_whose = {Whose.FAMILIES if row.is_familys else Whose.REQUESTS: row for row in found}
    return {whose: {stage: getattr(by_whose.get(whose), stage.value, 0) for stage in Stage} for whose in Whose}


async def listed(tx: AsyncConnection, whose: Whose, stage: Stage, *, page: int) -> tuple[Sequence[sa.Row[Any]], bool]:
    """Page 1, 2, ... of those at a stage, and whether there are more; what is next stands first."""
    which = f"{_OF[whose]} AND {_IS[stage]} ORDER BY {_ORDER[stage]} LIMIT :limit OFFSET :skip"
    found = await tx.execute(sql(f"{_ITEMS} AND {which}"), {"limit": SIZE + 1, "skip": (page - 1) * SIZE})
    rows = found.all()
    return rows[:SIZE], len(rows) > SIZE


async def one(tx: AsyncConnection, item_id: UUID) -> sa.Row[Any]:
    """One consultation or training with the name of who has it; raises Problem 404 for any other work too."""
    row = (await tx.execute(sql(f"{_ITEMS} AND w.id = :id"), {"id": item_id})).one_or_none()
    if row is None:
        raise Problem("not-found", "There is no consultation or training at this address.")
    return row


async def beside(tx: AsyncConnection, row: sa.Row[Any]) -> Sequence[sa.Row[Any]]:
    """Other open work of the same request or referral: safety work, say; the earliest due first."""
    work = await open_items(tx, row.referral_id)
    return sorted((each for each in work if each.id != row.id), key=lambda each: (each.due_at, each.id))


# The two steps that consultations and training alone have.

A_YEAR: Final = timedelta(days=366)
"""Further away, either way, is a slip of the pen: a leap year is in."""


async def arrange(it: StepRequest[Arrange]) -> Done:
    """Taken on with a day and time. Once more moves it; the referrer is told once that somebody has taken it on."""
    row, on, now = it.row, it.body.on, it.by.at
    if on < now:
        raise refuse("on", "in-the-past", "The day and time must not be in the past.")
    if on > now + A_YEAR:
        raise refuse("on", "too-far-ahead", "The day must be at most a year ahead.")
    holder, accepted_at = row.assignee or it.by.staff.id, row.accepted_at or now
    values = {"assignee": holder, "arranged_for": on.astimezone(UTC), "accepted_at": accepted_at}
    return Done(values, {} if row.state != "accepted" else None, on.isoformat(timespec="minutes"))


async def deliver(it: StepRequest[Deliver]) -> Done:
    """It took place and the item ends; possible without an arrangement, as a talk is often held on the phone."""
    row, on, attendees, today = it.row, it.body.on, it.body.attendees, day_in_london(it.by.at)
    if on > today:
        raise refuse("on", "in-the-future", "The day must be today or before.")
    if on < today - A_YEAR:
        raise refuse("on", "too-long-ago", "The day must be at most a year ago.")
    values = {
        "attendees": attendees,
        "assignee": row.assignee or it.by.staff.id,
        "arranged_for": _held_at(row.arranged_for, on),
        "end_reason": ClosureReason.COMPLETED.value,
    }
    return Done(values, {"reason": ClosureReason.COMPLETED, "attendees": attendees, "held_on": on})


def _held_at(arranged_for: datetime | None, on: date) -> datetime:
    """The time that was agreed, when it was held on that day; else noon of the day, because nobody said when."""
    if arranged_for is not None and day_in_london(arranged_for) == on:
        return arranged_for
    return datetime.combine(on, time(12), LONDON).astimezone(UTC)
