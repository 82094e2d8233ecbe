"""Rows of work items: locked, loaded, opened, changed and ended; and the clock of their referral.

Lock order everywhere: the referral's row, then its items, then the places of a route. Events are numbered under the
referral's lock.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items.conditions import (
    ENQUIRIES,
    FACTS_CHANGED,
    IS_OPEN,
    UNDELIVERABLE,
    WAITING_LIST,
    is_met,
    is_watched,
)
from services.triage.work_items.deadlines import (
    ItemState,
    PlannedItem,
    Since,
    age_out_warning,
    marks_of_item,
    moved_due,
)
from shared.database import sql
from shared.events import AboutWorkItem, Facts, Kind, Route, WorkItemOpened
from shared.messaging.outbox import Cause, Draft
from shared.policy import Policy, WorkingTime
from shared.problems import Problem
from shared.working_time import Stop, day_in_london


class Made(Since, Protocol):
    """A decision whose items are opened."""

    @property
    def id(self) -> UUID: ...
    @property
    def referral_id(self) -> UUID: ...
    @property
    def reference(self) -> str: ...
    @property
    def agency_id(self) -> UUID: ...
    @property
    def facts(self) -> Facts: ...


@dataclass(frozen=True, slots=True)
class NewItem:
    id: UUID
    plan: PlannedItem


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


async def locked_item(tx: AsyncConnection, item_id: UUID) -> sa.Row[Any]:
    """An item, locked after its referral. Raises Problem 404."""
    of = await tx.scalar(sql("SELECT referral_id FROM work_item WHERE id = :id"), {"id": item_id})
    if of is None:
        raise Problem("not-found")
    await lock_if_known(tx, of)
    return (await tx.execute(sql("SELECT * FROM work_item WHERE id = :id FOR UPDATE"), {"id": item_id})).one()


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
                SELECT 1 FROM work_item w WHERE referral_id = :id AND NOT marks ? '{UNDELIVERABLE}'
                AND ({IS_OPEN} AND accepted_at IS NOT NULL AND route <> ALL(:enquiries)
                     OR (state = 'declined' OR end_reason = 'same_family') AND ended_at >= :since
                     AND NOT EXISTS (SELECT 1 FROM work_item again WHERE again.reopens = w.id)))
        """),  # noqa: S608  constants
        {"id": referral_id, "enquiries": sorted(ENQUIRIES), "since": since},
    )
    return bool(found)


_NEW: Final = sql("""
    INSERT INTO work_item (id, referral_id, decision_id, reference, agency_id, about, route, tier, urgency, marks,
                           state, received_at, counts_from, base_due_at, due_at, escalate_at, age_out_warning_on,
                           waiting_since, clock_stands)
    SELECT id, referral_id, decision_id, reference, agency_id, about, route, tier, urgency, CAST(marks AS jsonb),
           state, received_at, counts_from, due_at, due_at, escalate_at, warn_on, waiting_since, stands
    FROM unnest(CAST(:id AS uuid[]), CAST(:referral AS uuid[]), CAST(:decision AS uuid[]), CAST(:reference AS text[]),
                CAST(:agency AS uuid[]), CAST(:about AS text[]), CAST(:route AS text[]), CAST(:tier AS text[]),
                CAST(:urgency AS text[]), CAST(:marks AS text[]), CAST(:state AS text[]),
                CAST(:received AS timestamptz[]), CAST(:counts AS timestamptz[]), CAST(:due AS timestamptz[]),
                CAST(:escalate AS timestamptz[]), CAST(:warn AS date[]), CAST(:waiting AS timestamptz[]),
                CAST(:stands AS boolean[]))
        AS t(id, referral_id, decision_id, reference, agency_id, about, route, tier, urgency, marks, state, received_at,
             counts_from, due_at, escalate_at, warn_on, waiting_since, stands)
""")


async def open_items(tx: AsyncConnection, items: Sequence[tuple[Made, NewItem]], *, policy: Policy) -> None:
    """One statement for any number. Of a first decision that asks the referrer the clock stands from the start."""
    if not items:
        return
    asking = {made.id for made, item in items if item.plan.state is ItemState.WAITING_FOR_REFERRER}
    rows = [_row_of(made, item, policy, is_asking=made.id in asking) for made, item in items]
    await tx.execute(_NEW, {name: [row[name] for row in rows] for name in rows[0]})


def _row_of(made: Made, item: NewItem, policy: Policy, *, is_asking: bool) -> dict[str, Any]:
    decision, plan = made.decision, item.plan
    own = (WAITING_LIST,) if plan.state is ItemState.WAITING_LIST else ()
    marks = marks_of_item(decision, own)
    return {
        "id": item.id,
        "referral": made.referral_id,
        "decision": made.id,
        "reference": made.reference,
        "agency": made.agency_id,
        "about": made.facts.kind.value,
        "route": plan.route.value,
        "tier": decision.tier,
        "urgency": decision.urgency.value,
        "marks": json.dumps(marks),
        "state": plan.state.value,
        "received": made.received_at,
        "counts": plan.counts_from,
        "due": plan.due_at,
        "escalate": plan.escalate_at,
        "warn": age_out_warning(made.facts.infant, policy, today=day_in_london(made.at)),
        "waiting": made.at if plan.state is ItemState.WAITING_FOR_REFERRER else None,
        "stands": is_asking and not is_watched(_Watch(plan.route, decision.urgency, marks)),
    }


@dataclass(frozen=True, slots=True)
class _Watch:
    """As far as `is_watched` looks at an item."""

    route: str
    urgency: str
    marks: Collection[str]


async def open_call(
    tx: AsyncConnection, referral_id: UUID, opened: WorkItemOpened, *, decision_id: UUID, at: datetime
) -> bool:
    """An item so that somebody rings the agency; False, and nothing, when the referral has one open already."""
    created = await tx.execute(
        _CALL,
        {
            "item": opened.work_item_id,
            "id": referral_id,
            "decision": decision_id,
            "reference": opened.reference,
            "agency": opened.agency_id,
            "about": opened.about.value,
            "route": opened.route.value,
            "urgency": opened.urgency.value,
            "at": at,
            "due": opened.due_at,
        },
    )
    return bool(created.rowcount)


_CALL: Final = sql(f"""
    INSERT INTO work_item (id, referral_id, decision_id, reference, agency_id, about, route, urgency, marks, state,
                           received_at, counts_from, base_due_at, due_at, escalate_at)
    SELECT :item, :id, :decision, :reference, :agency, :about, :route, :urgency, '["{UNDELIVERABLE}"]', 'open',
           :at, :at, :due, :due, :due
    WHERE NOT EXISTS (SELECT 1 FROM work_item WHERE referral_id = :id AND {IS_OPEN} AND marks ? '{UNDELIVERABLE}')
""")  # noqa: S608  constants


async def forget(tx: AsyncConnection, referral_id: UUID, at: datetime) -> None:
    """The referral is erased: its work ends, and what an item said of the family goes."""
    await tx.execute(
        sql(f"""
            UPDATE work_item SET state = CASE WHEN {IS_OPEN} THEN 'closed' ELSE state END,
                ended_at = coalesce(ended_at, :at), escalate_at = NULL, age_out_warning_on = NULL, marks = '[]',
                tier = NULL, interim_offer = NULL, waiting_since = NULL, clock_stands = false
            WHERE referral_id = :id
        """),  # noqa: S608  a constant
        {"id": referral_id, "at": at},
    )


async def propose(tx: AsyncConnection, referral_id: UUID, proposal_id: UUID) -> None:
    """The rules propose something beside a person's decision: every open item says that the facts have changed."""
    await tx.execute(
        sql(f"""
            WITH kept AS (UPDATE referral SET proposal_id = :proposal WHERE id = :id)
            UPDATE work_item SET marks = marks || '["{FACTS_CHANGED}"]'
            WHERE referral_id = :id AND {IS_OPEN} AND NOT marks ? '{FACTS_CHANGED}'
        """),  # noqa: S608  constants
        {"id": referral_id, "proposal": proposal_id},
    )


async def forget_proposal(tx: AsyncConnection, referral_id: UUID) -> None:
    """Nothing is proposed any more."""
    await tx.execute(
        sql(f"""
            WITH left_alone AS (UPDATE referral SET proposal_id = NULL WHERE id = :id AND proposal_id IS NOT NULL)
            UPDATE work_item SET marks = marks - '{FACTS_CHANGED}'
            WHERE referral_id = :id AND {IS_OPEN} AND marks ? '{FACTS_CHANGED}'
        """),  # noqa: S608  constants
        {"id": referral_id},
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


async def end(
    tx: AsyncConnection, rows: Iterable[sa.Row[Any]], *, state: str, reason: str, at: datetime, by: str
) -> None:
    """The items are over; what one of them asked the referrer is over with it. `by`: a staff id, or what ended it."""
    for row in rows:
        await _end_question(tx, row, at)
        await change(
            tx,
            row,
            state=state,
            ended_at=at,
            end_reason=reason,
            ended_by=by,
            escalate_at=None,
            age_out_warning_on=None,
            waiting_since=None,
            clock_stands=False,
        )


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


async def reckon(tx: AsyncConnection, referral_id: UUID, times: WorkingTime) -> None:
    """Work out afresh when the open items of a referral are due, and whether the clock stands for each.

    After anything that stops the clock, lets it run, opens an item or makes one more urgent.
    """
    referral = await lock_if_known(tx, referral_id)
    if referral is None:
        return
    items = await open_work(tx, referral_id)
    asked = [row.waiting_since for row in items if row.waiting_since is not None and not is_watched(row)]
    stops: list[Stop] = [*_stops(referral.stops), *((at, None) for at in asked)]
    for row in items:
        if is_met(row):
            continue
        due, stands = moved_due(row, stops, started_at=referral.released_at or referral.received_at, times=times)
        if (due, stands) != (row.due_at, row.clock_stands):
            await change(tx, row, due_at=due, clock_stands=stands)


def _stops(kept: Iterable[Sequence[str]]) -> list[Stop]:
    return [(datetime.fromisoformat(stopped), datetime.fromisoformat(ran)) for stopped, ran in kept]


def about(row: sa.Row[Any], event: type[AboutWorkItem], at: datetime, cause: Cause, **more: Any) -> Draft:
    """An event about an item; `more` are the event's own members."""
    data = event(
        reference=row.reference,
        agency_id=row.agency_id,
        about=Kind(row.about),
        work_item_id=row.id,
        route=Route(row.route),
        **more,
    )
    return Draft(row.referral_id, data, at, cause)
