"""Work that ended goes on in a new item: by a lead, after a challenge, or because what ended it holds no more."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items import places, store
from services.triage.work_items.conditions import CALLS, CHALLENGED
from services.triage.work_items.deadlines import ItemState, call_again, first_escalation
from shared import events
from shared.access import Staff
from shared.database import sql
from shared.events import GOES_ON, ClosureReason, PlaceKind, Route, Urgency
from shared.ids import uuid7
from shared.messaging import outbox
from shared.messaging.outbox import Cause
from shared.policy import Policy
from shared.problems import Problem

NOT_BY_A_PERSON: Final = frozenset({ClosureReason.WITHDRAWN, ClosureReason.DECIDED_AGAIN, None})
"""Ends that followed from something else (None: an erasure): there is no mistake to undo."""


def may_be_reopened(row: Any) -> bool:
    """Ended by a person, and of a route that has no other open item in the way (the step looks)."""
    return row.ended_at is not None and row.end_reason not in NOT_BY_A_PERSON


async def settled_routes(tx: AsyncConnection, referral_id: UUID) -> frozenset[Route]:
    """Routes whose work a person has ended."""
    rows = await tx.execute(
        sql("SELECT route FROM work_item WHERE referral_id = :id AND state = 'closed' AND end_reason <> ALL(:goes_on)"),
        {"id": referral_id, "goes_on": sorted(GOES_ON)},
    )
    return frozenset(Route(route) for route in rows.scalars())


async def challenge(tx: AsyncConnection, referral_id: UUID, *, at: datetime, cause: Cause, policy: Policy) -> None:
    """The last decline is challenged: its work is open again, marked; nothing when it is open already."""
    await store.lock(tx, referral_id)
    found = await tx.execute(_LAST_DECLINED, {"id": referral_id})
    row = found.one_or_none()
    if row is not None and not await _is_open_already(tx, row):
        await open_again(tx, row, mark=CHALLENGED, at=at, cause=cause, policy=policy)


_LAST_DECLINED: Final = sql("""
    SELECT * FROM work_item WHERE referral_id = :id AND state = 'declined' ORDER BY ended_at DESC, id DESC LIMIT 1
""")


async def _is_open_already(tx: AsyncConnection, row: sa.Row[Any]) -> bool:
    """Whether its work goes on in another item. To ring somebody is other work, though it is on the same route."""
    return any(
        each.route == row.route and not CALLS.intersection((*each.marks, *row.marks))
        for each in await store.open_work(tx, row.referral_id)
    )


async def open_again(
    tx: AsyncConnection, row: sa.Row[Any], *, mark: str | None, at: datetime, cause: Cause, policy: Policy
) -> UUID:
    """A new item in place of an ended one, with its deadline, holder and place; announced. Raises Problem 409."""
    referral = await store.lock(tx, row.referral_id)
    if referral.withdrawn_at or referral.erased_at:
        raise Problem("conflict", "The referral was withdrawn or erased", extra={"state": row.state})
    if await _is_open_already(tx, row):
        raise Problem("conflict", "This work is open already", extra={"state": row.state})
    if row.place is not None:
        await places.check_free(tx, row, PlaceKind(row.place))
    item, is_accepted = uuid7(), row.accepted_at is not None
    state = (
        ItemState.ACCEPTED if is_accepted else ItemState.CLAIMED if row.assignee and mark is None else ItemState.OPEN
    )
    escalate_at = None
    if not is_accepted:
        unopened_until = first_escalation(Urgency(row.urgency), since=at, times=policy.working_time)
        escalate_at = unopened_until if state is ItemState.OPEN else call_again(row, now=at)
    goes_on = state is not ItemState.OPEN
    new = SimpleNamespace(
        **{name: getattr(row, name) for name in _GOES_ON},
        id=item,
        marks=[*row.marks, *([mark] if mark else [])],
        state=state.value,
        assignee=row.assignee if goes_on else None,
        opened_first_at=row.opened_first_at if goes_on else None,
        escalate_at=escalate_at,
        reopens=row.id,
    )
    await store.insert(tx, [new])
    opened = {"tier": row.tier, "urgency": row.urgency, "due_at": row.due_at, "reopens": True}
    said = [store.about(new, events.WorkItemOpened, at, cause, **opened)]
    if is_accepted:
        said.append(store.about(new, events.WorkItemAccepted, at, cause, place=row.place))
    elif state is ItemState.CLAIMED:
        said.append(store.about(new, events.WorkItemClaimed, at, cause))
    await outbox.append(tx, said)
    await store.reckon(tx, row.referral_id, policy.working_time, at=at, cause=cause)
    return item


_GOES_ON: Final = (
    *("referral_id", "decision_id", "reference", "agency_id", "about", "route", "tier", "urgency", "received_at"),
    *("counts_from", "base_due_at", "due_at", "place", "interim_offer"),
    *("accepted_at", "first_contact_at", "first_contact_on"),
)
"""What an item that is opened again has from the one that ended."""


async def leave_to_another_lead(tx: AsyncConnection, row: Any, staff: Staff) -> None:
    """After a challenge another lead than the first decides: raises Problem 409 for the same."""
    if row.reopens is None or CHALLENGED not in row.marks:
        return
    first = await tx.scalar(sql("SELECT ended_by FROM work_item WHERE id = :id"), {"id": row.reopens})
    if first == staff.id:
        words = "The referrer challenged your decision: another lead decides"
        raise Problem("conflict", words, extra={"state": row.state})
