"""Rows of work items: locked, loaded, opened, changed and ended; and the clock of their referral.

Lock order everywhere: the referral's row, then its items, then the places of a route. Events are numbered under the
referral's lock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import tables
from services.triage.work_items.conditions import (
    ENQUIRIES,
    FACTS_CHANGED,
    IS_CALL,
    IS_OPEN,
    is_met,
    is_watched,
)
from services.triage.work_items.deadlines import ItemState, moved_due
from shared.database import sql
from shared.events import FAMILY_WORK, AboutWorkItem, WorkItemDueMoved
from shared.messaging import outbox
from shared.messaging.outbox import Cause, Draft
from shared.policy import WorkingTime
from shared.problems import Problem
from shared.working_time import Stop


async def lock(tx: AsyncConnection, referral_id: UUID) -> sa.Row[Any]:
    """The referral's row, taken before its items, always. LookupError without one."""
    row = await lock_if_known(tx, referral_id)
    if row is None:
        raise LookupError("a referral that triage has not heard of yet")
    return row


async def lock_if_known(tx: AsyncConnection, referral_id: UUID) -> sa.Row[Any] | None:
    """As `lock`, but None when there is no row: a message can fail before triage hears of the referral."""
    found = await tx.execute(sql("SELECT * FROM referral WHERE id = :id FOR UPDATE"), {"id": referral_id})
    return found.one_or_none()


async def find(tx: AsyncConnection, item_id: UUID, *, for_update: bool = False) -> sa.Row[Any]:
    """An item as it stands. Raises Problem 404."""
    found = await tx.execute(
        sql(f"SELECT * FROM work_item WHERE id = :id {'FOR UPDATE' if for_update else ''}"),  # noqa: S608  this function's own
        {"id": item_id},
    )
    row = found.one_or_none()
    if row is None:
        raise Problem("not-found")
    return row


async def locked_item(tx: AsyncConnection, item_id: UUID) -> sa.Row[Any]:
    """An item, locked after its referral. Raises Problem 404."""
    await lock_if_known(tx, (await find(tx, item_id)).referral_id)
    return await find(tx, item_id, for_update=True)


async def open_work(tx: AsyncConnection, referral_id: UUID) -> list[sa.Row[Any]]:
    """The open items of a referral, locked, in the order of their making."""
    found = await tx.execute(
        sql(f"SELECT * FROM work_item WHERE referral_id = :id AND {IS_OPEN} ORDER BY id FOR UPDATE"),  # noqa: S608  a constant
        {"id": referral_id},
    )
    return list(found.all())


async def is_decided_by_hand(tx: AsyncConnection, referral_id: UUID, *, since: datetime | None) -> bool:
    """Whether a team has taken the family on, or a person declined since then and nobody has taken that back."""
    found = await tx.scalar(
        sql(f"""
            SELECT EXISTS (
                SELECT 1 FROM work_item w WHERE referral_id = :id AND NOT ({IS_CALL})
                AND ({IS_OPEN} AND accepted_at IS NOT NULL AND route <> ALL(:enquiries)
                     OR (state = 'declined' OR end_reason = 'same_family') AND ended_at >= :since
                     AND NOT EXISTS (SELECT 1 FROM work_item again WHERE again.reopens = w.id)))
        """),  # noqa: S608  constants
        {"id": referral_id, "enquiries": sorted(ENQUIRIES), "since": since},
    )
    return bool(found)


async def is_called(tx: AsyncConnection, referral_id: UUID, mark: str) -> bool:
    """Whether an item is open so that somebody rings, for what this mark of CALLS says."""
    calls = f"SELECT 1 FROM work_item WHERE referral_id = :id AND {IS_OPEN} AND marks ? :mark LIMIT 1"  # noqa: S608  a constant
    return await tx.scalar(sql(calls), {"id": referral_id, "mark": mark}) is not None


async def propose(tx: AsyncConnection, referral_id: UUID, proposal_id: UUID | None) -> None:
    """The rules propose a decision beside a person's: every open item says so. None: no more."""
    await tx.execute(
        sql(f"""
            WITH kept AS (
                UPDATE referral SET proposal_id = :proposal
                WHERE id = :id AND proposal_id IS DISTINCT FROM CAST(:proposal AS uuid)
            )
            UPDATE work_item SET marks = CASE WHEN marks ? '{FACTS_CHANGED}' THEN marks - '{FACTS_CHANGED}'
                                              ELSE marks || '["{FACTS_CHANGED}"]' END
            WHERE referral_id = :id AND {IS_OPEN} AND marks ? '{FACTS_CHANGED}' = (CAST(:proposal AS uuid) IS NULL)
        """),  # noqa: S608  constants
        {"id": referral_id, "proposal": proposal_id},
    )


async def change(tx: AsyncConnection, row: sa.Row[Any], **values: Any) -> None:
    """Set columns of an item; `marks` as a list."""
    if "marks" in values:
        values["marks"] = json.dumps(values["marks"])
    columns = ", ".join(
        f"{name} = CAST(:{name} AS jsonb)" if name == "marks" else f"{name} = :{name}" for name in values
    )
    await tx.execute(
        sql(f"UPDATE work_item SET {columns} WHERE id = :item"),  # noqa: S608  names are this package's own
        {"item": row.id, **values},
    )


ENDED: Final = {"escalate_at": None, "age_out_warning_on": None, "clock_stands": False}
"""Of an item that is over: nothing more is due."""


async def end(tx: AsyncConnection, rows: Iterable[sa.Row[Any]], *, reason: str, at: datetime, by: str) -> None:
    """The items are over; what one of them asked the referrer is over with it. `by`: a staff id, or what ended it."""
    ended = ENDED | {"state": ItemState.CLOSED.value, "ended_at": at, "end_reason": reason, "ended_by": by}
    for row in rows:
        await _end_question(tx, row, at)
        await change(tx, row, **ended, waiting_since=None)


FORGET: Final = sql(f"""
    UPDATE work_item SET state = CASE WHEN {IS_OPEN} THEN 'closed' ELSE state END,
        ended_at = coalesce(ended_at, :at), escalate_at = NULL, age_out_warning_on = NULL, marks = '[]',
        tier = NULL, interim_offer = NULL, waiting_since = NULL, clock_stands = false
    WHERE referral_id = :id
""")  # noqa: S608  a constant
"""Of an erased referral `:id` the items stay without what they said of it, ended at `:at` if they were open."""


async def insert(tx: AsyncConnection, rows: Iterable[SimpleNamespace]) -> None:
    """New items, in one statement for any number; each row has the columns as its attributes."""
    await tables.insert(tx, tables.work_item, [vars(row) for row in rows])


async def run_clock(tx: AsyncConnection, row: sa.Row[Any], at: datetime) -> None:
    """The item waits for the referrer no more; its new state is the caller's to set."""
    if row.waiting_since is not None:
        await _end_question(tx, row, at)
        await change(tx, row, waiting_since=None)


async def _end_question(tx: AsyncConnection, row: sa.Row[Any], at: datetime) -> None:
    """Kept with the referral: its clock stood from the question until now. That of watched work ran on."""
    if row.waiting_since is None or row.waiting_since >= at or is_watched(row):
        return
    stop = json.dumps([[row.waiting_since.isoformat(), at.isoformat()]])
    await tx.execute(
        sql("UPDATE referral SET stops = stops || CAST(:stop AS jsonb) WHERE id = :id"),
        {"id": row.referral_id, "stop": stop},
    )


async def reckon(
    tx: AsyncConnection,
    referral_id: UUID,
    times: WorkingTime,
    *,
    at: datetime,
    cause: Cause,
    was: Mapping[UUID, datetime] = MappingProxyType({}),
) -> None:
    """Work out afresh when the open items of a referral are due, and whether the clock stands for each.

    After anything that stops the clock, lets it run, opens an item or makes one more urgent. The agency hears when the
    day of a first contact has moved: `was` is when items were due before the caller changed them.
    """
    referral = await lock_if_known(tx, referral_id)
    if referral is None:
        return
    items = await open_work(tx, referral_id)
    asked = [row.waiting_since for row in items if row.waiting_since is not None and not is_watched(row)]
    kept = ((datetime.fromisoformat(stopped), datetime.fromisoformat(ran)) for stopped, ran in referral.stops)
    stops: list[Stop] = [*kept, *((at, None) for at in asked)]
    moved = []
    for row in items:
        if is_met(row):
            continue
        due, stands = moved_due(row, stops, started_at=referral.released_at or referral.received_at, times=times)
        if (due, stands) != (row.due_at, row.clock_stands):
            await change(tx, row, due_at=due, clock_stands=stands)
        if row.route in FAMILY_WORK and due != was.get(row.id, row.due_at):
            moved.append(about(row, WorkItemDueMoved, at, cause, due_at=due))
    await outbox.append(tx, moved)


def about(row: Any, event: type[AboutWorkItem], at: datetime, cause: Cause, **more: Any) -> Draft:
    """An event about an item; `more` are the event's own members."""
    whose = {"reference": row.reference, "agency_id": row.agency_id, "about": row.about}
    return Draft(row.referral_id, event(**whose, work_item_id=row.id, route=row.route, **more), at, cause)
