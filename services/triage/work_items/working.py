"""Taking work on and seeing it through: one function a step. Each says what changes and what is announced.

`steps.py` has the table: who may take a step from where, and everything that all steps have in common.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.texts import StaffTexts
from services.triage.work_items import bodies, places
from services.triage.work_items.conditions import PLACE_FREE, WAITING_LIST, is_proposed_decline, is_safety, is_watched
from services.triage.work_items.deadlines import ItemState
from shared.access import Staff
from shared.database import sql
from shared.events import WaitingFor
from shared.messaging.outbox import Cause
from shared.policy import Policy
from shared.problems import FieldError, Problem
from shared.working_time import day_in_london


@dataclass(frozen=True, slots=True)
class StaffActor:
    """Who takes a step, when, and what it follows from."""

    staff: Staff
    at: datetime
    cause: Cause


@dataclass(frozen=True, slots=True)
class StepContext:
    """What steps need beside the item: the policy in force and the staff's texts."""

    policy: Policy
    texts: StaffTexts


@dataclass(frozen=True, slots=True)
class Done:
    """What a step changes of the item and adds to its event; `says` None: nothing is announced.

    `detail` takes the place of the table's codes in the audit; `item` is the one that it leads to, when another.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    says: Mapping[str, Any] | None = field(default_factory=dict)
    detail: str | None = None
    item: UUID | None = None


StepFunction = Callable[[AsyncConnection, sa.Row[Any], Any, StaffActor, StepContext], Awaitable[Done]]


async def write(
    tx: AsyncConnection, row: sa.Row[Any], kind: str, text: str, by: StaffActor, context: StepContext
) -> None:
    """Keep what a person wrote, sealed; never in an event."""
    await context.texts.write(
        tx, referral_id=row.referral_id, item_id=row.id, kind=kind, author=by.staff.id, at=by.at, text=text
    )


def refuse(field_name: str, code: str, words: str) -> Problem:
    """422 about one member of what was sent."""
    return Problem("invalid", errors=[FieldError(f"/{field_name}", code, words)])


async def claim(_: AsyncConnection, __: sa.Row[Any], ___: bodies.Nothing, by: StaffActor, ____: StepContext) -> Done:
    return Done({"assignee": by.staff.id})


async def release(_: AsyncConnection, row: sa.Row[Any], __: bodies.Nothing, ___: StaffActor, ____: StepContext) -> Done:
    """Back in the queue, or on the waiting list it came from; said as an opening, for that is what it is now."""
    is_on_list = WAITING_LIST in row.marks
    says = {"tier": row.tier, "urgency": row.urgency, "due_at": row.due_at, "waiting_list": is_on_list}
    state = ItemState.WAITING_LIST if is_on_list else ItemState.OPEN
    return Done({"state": state, "assignee": None, "held_before": None}, says)


async def take_over(_: AsyncConnection, row: sa.Row[Any], __: bodies.Nothing, by: StaffActor, ___: StepContext) -> Done:
    """From a colleague, who is named in the audit; the state stays, and outside nothing has changed."""
    return Done({"assignee": by.staff.id, "held_before": row.assignee}, None, detail=row.assignee)


async def assign(_: AsyncConnection, row: sa.Row[Any], body: bodies.Assign, __: StaffActor, ___: StepContext) -> Done:
    """Given to somebody, but not looked at by them yet: until it is, it goes on escalating.

    What waits for the referrer goes on waiting, and what was accepted stays accepted.
    """
    values = {"assignee": body.to, "held_before": row.assignee if row.assignee != body.to else row.held_before}
    if row.state not in (ItemState.OPEN, ItemState.CLAIMED, ItemState.WAITING_LIST):
        return Done(values, None)
    return Done(values | {"state": ItemState.CLAIMED})


async def hand_back(
    _: AsyncConnection, row: sa.Row[Any], __: bodies.Nothing, ___: StaffActor, ____: StepContext
) -> Done:
    """Undo a hand-over: back to whoever had it before. Raises Problem 409 when nobody had."""
    if row.held_before is None:
        raise Problem("conflict", "Nobody had this before", extra={"state": row.state})
    return Done({"assignee": row.held_before, "held_before": None}, None, detail=row.held_before)


async def accept(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Accept, by: StaffActor, _: StepContext) -> Done:
    """The team takes the family on, in a place; with none free it stays where it is."""
    await places.check_free(tx, row, body.place)
    marks = [mark for mark in row.marks if mark != PLACE_FREE]
    values = {"assignee": row.assignee or by.staff.id, "accepted_at": by.at, "place": body.place.value, "marks": marks}
    return Done(values, {"place": body.place})


async def request_information(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.AskForInformation, by: StaffActor, context: StepContext
) -> Done:
    """Ask the referrer. The clock waits until they answer, but for work that is watched."""
    await write(tx, row, "asked", body.asked, by, context)
    says = {"waiting_for": WaitingFor.REFERRER, "stops_clock": not is_watched(row)}
    return Done({"waiting_since": by.at}, says)


def offers(policy: Policy) -> tuple[str, ...]:
    """What the policy has to offer a family that waits, each once."""
    return tuple(dict.fromkeys(places.interim_offer for places in policy.capacity if places.interim_offer))


def _offered(offer: str | None, policy: Policy) -> str:
    """The route whose places the policy makes this offer for: a code for the audit. Raises Problem 422."""
    if offer is not None and offer not in offers(policy):
        known = "; ".join(offers(policy)) or "the policy has none"
        raise refuse("offer", "unknown-offer", f"This must be one of: {known}.")
    return next((places.route.value for places in policy.capacity if offer and places.interim_offer == offer), "none")


async def wait(_: AsyncConnection, row: sa.Row[Any], body: bodies.Wait, __: StaffActor, context: StepContext) -> Done:
    """On the waiting list, where the whole team sees it: nobody's own. The deadline stays."""
    detail = _offered(body.offer, context.policy)
    marks = [*row.marks, *([] if WAITING_LIST in row.marks else [WAITING_LIST])]
    values = {"assignee": None, "held_before": None, "interim_offer": body.offer, "marks": marks}
    return Done(values, {"waiting_for": WaitingFor.PLACE}, detail)


async def offer_interim(
    _: AsyncConnection, __: sa.Row[Any], body: bodies.OfferInterim, ___: StaffActor, context: StepContext
) -> Done:
    """The item shows the latest offer; the audit trail keeps each, by the route that the policy makes it for."""
    return Done({"interim_offer": body.offer}, None, _offered(body.offer, context.policy))


def happened_on(row: sa.Row[Any], on: date | None, at: datetime) -> date:
    """The day of a contact: today unless said otherwise. Raises Problem 422 for one ahead or before the referral."""
    today = day_in_london(at)
    day = on or today
    if day > today:
        raise refuse("on", "in-the-future", "The day must be today or before.")
    if day < day_in_london(row.received_at):
        raise refuse("on", "before-the-referral", "The day must not be before the referral came.")
    return day


async def contact_attempt(
    _: AsyncConnection, row: sa.Row[Any], body: bodies.ContactAttempt, by: StaffActor, __: StepContext
) -> Done:
    """Counted from the audit trail, which names the day it happened when that is another than today."""
    happened_on(row, body.on, by.at)
    return Done(says=None)


async def first_contact(
    _: AsyncConnection, row: sa.Row[Any], body: bodies.FirstContact, by: StaffActor, __: StepContext
) -> Done:
    """The day it happened counts; the time of the entry is kept beside it."""
    if row.first_contact_at is not None:
        raise Problem("conflict", "The first contact is recorded already", extra={"state": row.state})
    day = happened_on(row, body.on, by.at)
    values = {"first_contact_at": by.at, "first_contact_on": day, "age_out_warning_on": None, "clock_stands": False}
    return Done(values, {"on": day})


async def note(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Note, by: StaffActor, context: StepContext) -> Done:
    await write(tx, row, "note", body.text, by, context)
    return Done(says=None)


def needs_lead(row: Any) -> bool:
    """What nobody has taken on, and a proposed decline, only a lead ends."""
    return row.assignee is None or is_proposed_decline(row)


NEEDS_WORDS: Final = "Write who was told and when, or why it ends."


async def close(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.Close, by: StaffActor, context: StepContext
) -> Done:
    """With words for safety work, and for what only a lead ends: of that the referrer hears."""
    is_leads = needs_lead(row)
    if body.note is None and (is_leads or is_safety(row)):
        raise refuse("note", "missing", NEEDS_WORDS)
    if body.note is not None:
        await write(tx, row, "close", body.note, by, context)
    is_withdrawn = await tx.scalar(
        sql("SELECT withdrawn_at IS NOT NULL FROM referral WHERE id = :id"), {"id": row.referral_id}
    )
    tells = is_leads and not is_withdrawn
    return Done({"end_reason": body.reason.value}, {"reason": body.reason, "tells_referrer": tells})
