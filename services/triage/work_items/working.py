"""Taking work on and seeing it through: one function a step. Each says what changes and what is announced.

`steps.py` has the table: who may take a step from where, and everything that all steps have in common.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.staff_notes import ASKED, StaffNotes
from services.triage.work_items import bodies, places
from services.triage.work_items.conditions import (
    PLACE_FREE,
    WAITING_LIST,
    is_proposed_decline,
    is_safety,
    is_watched,
)
from services.triage.work_items.deadlines import ItemState, look_again_at
from shared.access import Staff
from shared.database import sql
from shared.events import WALL_CLOCK, Route, WaitingFor
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
    texts: StaffNotes


@dataclass(frozen=True, slots=True)
class Done:
    """What a step changes of the item and adds to its event; `says` None: nothing is announced.

    `detail` takes the place of the table's codes in the audit; `item` is the one that it leads to, when another.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    says: Mapping[str, Any] | None = field(default_factory=dict)
    detail: str | None = None
    item: UUID | None = None


B = TypeVar("B", bound=bodies.Body)


@dataclass(frozen=True, slots=True)
class StepRequest(Generic[B]):
    """A step that somebody takes of an item: its locked row, what was sent, and what steps need beside it."""

    tx: AsyncConnection
    row: Any
    body: B
    by: StaffActor
    context: StepContext

    async def write(self, kind: str, text: str | None) -> None:
        """Keep what a person wrote, if anything, sealed; never in an event."""
        if text:
            author = self.by.staff.id
            await self.context.texts.write(self.tx, self.row, kind, text, author=author, at=self.by.at)

    def conflict(self, words: str) -> Problem:
        """409: not now, as the item stands."""
        return Problem("conflict", words, extra={"state": self.row.state})


StepFunction = Callable[[StepRequest[Any]], Awaitable[Done]]


def refuse(field_name: str, code: str, words: str) -> Problem:
    """422 about one member of what was sent."""
    return Problem("invalid", errors=[FieldError(f"/{field_name}", code, words)])


async def claim(it: StepRequest[bodies.Nothing]) -> Done:
    return Done({"assignee": it.by.staff.id})


async def release(it: StepRequest[bodies.Nothing]) -> Done:
    """Back in the queue, or on the waiting list it came from; said as an opening, for that is what it is now."""
    row, is_on_list = it.row, WAITING_LIST in it.row.marks
    says = {"tier": row.tier, "urgency": row.urgency, "due_at": row.due_at, "waiting_list": is_on_list}
    state = ItemState.WAITING_LIST if is_on_list else ItemState.OPEN
    return Done({"state": state, "assignee": None, "held_before": None}, says)


async def take_over(it: StepRequest[bodies.Nothing]) -> Done:
    """From a colleague, who is named in the audit; the state stays, and outside nothing has changed."""
    before = it.row.assignee
    return Done({"assignee": it.by.staff.id, "held_before": before}, None, detail=before)


async def assign(it: StepRequest[bodies.Assign]) -> Done:
    """Given to somebody, but not looked at by them yet: until it is, it goes on escalating.

    What waits for the referrer goes on waiting, and what was accepted stays accepted.
    """
    row, to = it.row, it.body.to
    values = {"assignee": to, "held_before": row.assignee if row.assignee != to else row.held_before}
    if row.state not in (ItemState.OPEN, ItemState.CLAIMED, ItemState.WAITING_LIST):
        return Done(values, None)
    return Done(values | {"state": ItemState.CLAIMED})


async def hand_back(it: StepRequest[bodies.Nothing]) -> Done:
    """Undo a hand-over: back to whoever had it before. Raises Problem 409 when nobody had."""
    before = it.row.held_before
    if before is None:
        raise it.conflict("Nobody had this before")
    return Done({"assignee": before, "held_before": None}, None, detail=before)


async def accept(it: StepRequest[bodies.Accept]) -> Done:
    """The team takes the family on, in a place; with none free it stays where it is."""
    row, place = it.row, it.body.place
    await places.check_free(it.tx, row, place)
    marks = [mark for mark in row.marks if mark != PLACE_FREE]
    holder = row.assignee or it.by.staff.id
    return Done({"assignee": holder, "accepted_at": it.by.at, "place": place.value, "marks": marks}, {"place": place})


async def request_information(it: StepRequest[bodies.AskForInformation]) -> Done:
    """Ask the referrer. The clock waits until they answer, but for work that is watched."""
    await it.write(ASKED, it.body.asked)
    says = {"waiting_for": WaitingFor.REFERRER, "stops_clock": not is_watched(it.row)}
    return Done({"waiting_since": it.by.at}, says)


def offers(policy: Policy) -> tuple[str, ...]:
    """What the policy has to offer a family that waits, each once."""
    return tuple(dict.fromkeys(places.interim_offer for places in policy.capacity if places.interim_offer))


def _offered(offer: str | None, policy: Policy) -> str:
    """The route whose places the policy makes this offer for: a code for the audit. Raises Problem 422."""
    if offer is not None and offer not in offers(policy):
        known = "; ".join(offers(policy)) or "the policy has none"
        raise refuse("offer", "unknown-offer", f"This must be one of: {known}.")
    return next((places.route.value for places in policy.capacity if offer and places.interim_offer == offer), "none")


async def wait(it: StepRequest[bodies.Wait]) -> Done:
    """On the waiting list, where the whole team sees it: nobody's own. The deadline stays."""
    detail = _offered(it.body.offer, it.context.policy)
    marks = [*it.row.marks, *([] if WAITING_LIST in it.row.marks else [WAITING_LIST])]
    values = {"assignee": None, "held_before": None, "interim_offer": it.body.offer, "marks": marks}
    return Done(values, {"waiting_for": WaitingFor.PLACE}, detail)


async def offer_interim(it: StepRequest[bodies.OfferInterim]) -> Done:
    """The item shows the latest offer; the audit trail keeps each, by the route that the policy makes it for."""
    return Done({"interim_offer": it.body.offer}, None, _offered(it.body.offer, it.context.policy))


def happened_on(row: sa.Row[Any], on: date | None, at: datetime) -> date:
    """The day of a contact: today unless said otherwise. Raises Problem 422 for one ahead or before the referral."""
    today = day_in_london(at)
    day = on or today
    if day > today:
        raise refuse("on", "in-the-future", "The day must be today or before.")
    if day < day_in_london(row.received_at):
        raise refuse("on", "before-the-referral", "The day must not be before the referral came.")
    return day


async def contact_attempt(it: StepRequest[bodies.ContactAttempt]) -> Done:
    """Counted from the audit trail, which names how, and the day it happened when that is another than today."""
    day = happened_on(it.row, it.body.on, it.by.at)
    other_day = None if day == day_in_london(it.by.at) else day.isoformat()
    return Done(says=None, detail=" ".join(filter(None, (it.body.outcome, it.body.how, other_day))))


async def first_contact(it: StepRequest[bodies.FirstContact]) -> Done:
    """The day it happened counts; the time of the entry is kept beside it."""
    if it.row.first_contact_at is not None:
        raise it.conflict("The first contact is recorded already")
    day = happened_on(it.row, it.body.on, it.by.at)
    values = {"first_contact_at": it.by.at, "first_contact_on": day, "age_out_warning_on": None, "clock_stands": False}
    return Done(values, {"on": day})


async def note(it: StepRequest[bodies.Note]) -> Done:
    """Of a family that waits for its ward a note is a look: the next one is due months later."""
    await it.write("note", it.body.text)
    if it.row.route != Route.PHASE_HOLD or it.row.urgency in WALL_CLOCK:
        return Done(says=None)
    again = look_again_at(it.by.at, it.context.policy.working_time)
    return Done({"counts_from": it.by.at, "base_due_at": again, "due_at": again}, None)


def needs_lead(row: Any) -> bool:
    """What nobody has taken on, and a proposed decline, only a lead ends."""
    return row.assignee is None or is_proposed_decline(row)


NEEDS_WORDS: Final = "Write who was told and when, or why it ends."


async def close(it: StepRequest[bodies.Close]) -> Done:
    """With words for safety work, and for what only a lead ends: of that the referrer hears."""
    reason, is_leads = it.body.reason, needs_lead(it.row)
    if it.body.note is None and (is_leads or is_safety(it.row)):
        raise refuse("note", "missing", NEEDS_WORDS)
    await it.write("close", it.body.note)
    is_withdrawn = await it.tx.scalar(
        sql("SELECT withdrawn_at IS NOT NULL FROM referral WHERE id = :id"), {"id": it.row.referral_id}
    )
    return Done({"end_reason": reason.value}, {"reason": reason, "tells_referrer": is_leads and not is_withdrawn})
