"""The steps of a work item: one table, and `take`, which is the only way to take one.

The table says for each step from which states it is possible and to which it leads, on which routes, who may take it,
what it does to the clock and what it announces. Any other step is refused. docs/work-items.md draws it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.work_items import bodies, deciding, enquiries, reopening, store, working
from services.triage.work_items.conditions import ENQUIRIES, FACTS_CHANGED, is_unread_safety
from services.triage.work_items.deadlines import ItemState, call_again
from services.triage.work_items.working import StaffActor, StepContext, StepFunction, StepRequest
from shared import audit, events
from shared.access import Permission, Staff
from shared.audit import Actor, Entry
from shared.events import FAMILY_WORK, ClosureReason, Event, Route
from shared.messaging import outbox
from shared.problems import Problem

OPEN, CLAIMED, LIST, ASKED, ACCEPTED, DECLINED, CLOSED = ItemState
UNDECIDED: Final = frozenset({OPEN, CLAIMED, LIST, ASKED})
ANY_OPEN: Final = UNDECIDED | {ACCEPTED}
TWICE: Final = frozenset({Route.REVIEW_DUPLICATE})


class Holder(StrEnum):
    """Who may take a step, beside the permission. A lead may take every step of a colleague's item but `claim`."""

    ANYBODY = "anybody"
    NOBODYS_OR_OWN = "whoever has it, anybody while nobody does"
    OWN_OR_LEADS = "whoever has it; a lead, while nobody does"
    OWN = "whoever has it"
    NOBODYS = "anybody, while no colleague has it"
    COLLEAGUES = "anybody, while a colleague has it"


class Clock(StrEnum):
    """What a step does to the clock of the referral. That of safety work, `now` and `4h` never stops."""

    AS_IT_IS = "as it is"
    STOPS = "stops"
    RUNS = "runs again"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table: `summary` is for the API, `body` what is sent, `start` the states in which it is possible.

    `to` None: the state is `leads_to`; `words` is what has to be written. `says` is announced about the item itself;
    `announces` is what the function says beside it or in its stead.
    """

    function: StepFunction
    summary: str
    start: frozenset[ItemState]
    to: ItemState | None = None
    body: type[bodies.Body] = bodies.Nothing
    routes: frozenset[Route] | None = None
    permission: Permission = Permission.WORK_ITEMS
    holder: Holder = Holder.NOBODYS_OR_OWN
    words: str = ""
    clock: Clock = Clock.AS_IT_IS
    says: type[events.AboutWorkItem] | None = None
    announces: tuple[type[Event], ...] = ()
    leads_to: str = "as it is"
    opens: bool = True
    """Whoever takes it has seen the item: it is no longer unopened."""
    is_anothers: bool = False
    """After a challenge another lead takes it than the one who declined: it may disappoint the referrer again."""
    codes: tuple[str, ...] = ()
    """Members of the body that the audit entry names: codes, days and numbers, never words."""


STEPS: Final[Mapping[str, Step]] = {
    "claim": Step(
        working.claim, "Take it on; of two at once one gets 409", frozenset({OPEN, LIST, ASKED}), CLAIMED,
        holder=Holder.NOBODYS, clock=Clock.RUNS, says=events.WorkItemClaimed,
    ),
    "release": Step(
        working.release, "Give it back to the queue", frozenset({CLAIMED}),
        holder=Holder.OWN, says=events.WorkItemOpened, leads_to="open, or waiting list",
    ),
    "take-over": Step(working.take_over, "Take it over from a colleague", ANY_OPEN, holder=Holder.COLLEAGUES),
    "assign": Step(
        working.assign, "Give it to a colleague", ANY_OPEN, body=bodies.Assign, permission=Permission.LEAD,
        says=events.WorkItemClaimed, opens=False, codes=("to",),
        leads_to="claimed; accepted and waiting for referrer stay",
    ),
    "hand-back": Step(
        working.hand_back, "Undo a hand-over: back to whoever had it before", ANY_OPEN,
        holder=Holder.OWN, opens=False,
    ),
    "accept": Step(
        working.accept, "The team takes the family on, in a place", UNDECIDED, ACCEPTED, body=bodies.Accept,
        routes=FAMILY_WORK, clock=Clock.RUNS, says=events.WorkItemAccepted,
    ),
    "decline": Step(
        deciding.decline, "Confirm that the family can't be offered a place", UNDECIDED, DECLINED,
        body=bodies.Decline, permission=Permission.CONFIRM_DECLINE, clock=Clock.RUNS, words="for safety work",
        says=events.WorkItemDeclined, announces=(events.WorkItemClosed,), is_anothers=True, codes=("reason",),
    ),
    "override": Step(
        deciding.override, "Decide otherwise than the machine, with a reason", UNDECIDED, body=bodies.Override,
        words="the reason", clock=Clock.RUNS, leads_to="as the decision says", is_anothers=True,
        announces=(events.ReferralTriaged, events.WorkItemClaimed),
    ),
    "take-proposal": Step(
        deciding.take_proposal, "The facts have changed: what the rules propose now is in force", ANY_OPEN,
        leads_to="as the decision says", announces=(events.ReferralTriaged,),
    ),
    "leave-proposal": Step(
        deciding.leave_proposal, "The facts have changed: the person's decision stays", ANY_OPEN
    ),
    "request-information": Step(
        working.request_information, "Ask the referrer; the clock waits", frozenset({OPEN, CLAIMED}), ASKED,
        body=bodies.AskForInformation, words="what is asked", clock=Clock.STOPS, says=events.WorkItemWaiting,
    ),
    "wait": Step(
        working.wait, "No place is free: on the waiting list, with an interim offer or none yet",
        frozenset({OPEN, CLAIMED}), LIST, body=bodies.Wait, routes=FAMILY_WORK, says=events.WorkItemWaiting,
    ),
    "offer-interim": Step(
        working.offer_interim, "Offer the waiting family something else meanwhile", frozenset({LIST}),
        body=bodies.OfferInterim, routes=FAMILY_WORK,
    ),
    "contact-attempt": Step(
        working.contact_attempt, "The family was tried", ANY_OPEN, body=bodies.ContactAttempt
    ),
    "first-contact": Step(
        working.first_contact, "The family has been met or spoken to", frozenset({ACCEPTED}),
        body=bodies.FirstContact, routes=FAMILY_WORK, says=events.WorkItemFirstContact, codes=("on",),
    ),
    "arrange": Step(
        enquiries.arrange, "Agree a day and time for a consultation or training; again to move it",
        frozenset({OPEN, CLAIMED, ASKED, ACCEPTED}), ACCEPTED, body=bodies.Arrange, routes=ENQUIRIES,
        clock=Clock.RUNS, says=events.WorkItemAccepted,
    ),
    "deliver": Step(
        enquiries.deliver, "The consultation or training took place; this many came",
        frozenset({OPEN, CLAIMED, ASKED, ACCEPTED}), CLOSED, body=bodies.Deliver, routes=ENQUIRIES,
        clock=Clock.RUNS, says=events.WorkItemClosed, codes=("attendees",),
    ),
    "confirm-duplicate": Step(
        partial(deciding.judge, reason=ClosureReason.SAME_FAMILY),
        "Two agencies referred the same family: both are told", UNDECIDED, CLOSED, body=bodies.Judge,
        routes=TWICE, clock=Clock.RUNS, says=events.WorkItemClosed, announces=(events.FamilyJudged,),
    ),
    "not-duplicate": Step(
        partial(deciding.judge, reason=ClosureReason.NOT_THE_SAME),
        "They are not the same family: the rules decide both anew", UNDECIDED, CLOSED, body=bodies.Judge,
        routes=TWICE, clock=Clock.RUNS, says=events.WorkItemClosed, announces=(events.FamilyJudged,),
    ),
    "note": Step(
        working.note, "Write something for colleagues", ANY_OPEN, body=bodies.Note, holder=Holder.ANYBODY,
        words="the note", opens=False,
    ),
    "close": Step(
        working.close, "The work has ended; who may, and with which words: docs/work-items.md", ANY_OPEN, CLOSED,
        body=bodies.Close, holder=Holder.OWN_OR_LEADS, clock=Clock.RUNS, says=events.WorkItemClosed,
        is_anothers=True, codes=("reason",),
        words="for safety work, and for what only a lead ends",
    ),
    "reopen": Step(
        deciding.reopen, "Closed or declined by mistake: goes on where it stood", frozenset({DECLINED, CLOSED}),
        body=bodies.Reopen, permission=Permission.LEAD, words="why", opens=False,
        leads_to="a new item that goes on where it stood", announces=(events.WorkItemOpened, events.FamilyJudged),
    ),
}  # fmt: skip
"""step → its row, in the order in which the docs show them."""

HEADS: Final = ("step", "from", "to", "routes", "who may", "words needed", "the clock", "announces")


def as_table() -> list[tuple[str, ...]]:
    """The rows in words, under HEADS: for the service's own docs and for docs/work-items.md."""
    return [
        (
            name,
            _listed(state for state in ItemState if state in step.start),
            _listed([step.to]) if step.to else step.leads_to,
            _listed(sorted(step.routes)) if step.routes else "all",
            step.holder if step.permission is Permission.WORK_ITEMS else "a lead",
            step.words or "none",
            step.clock,
            ", ".join(event.type for event in (step.says, *step.announces) if event) or "nothing",
        )
        for name, step in STEPS.items()
    ]


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(code.replace("_", " ") for code in codes)


_FOR_WHOM: Final = {
    FAMILY_WORK: "This is only for a team that works with families",
    ENQUIRIES: "This is for consultations and training",
    TWICE: "This is for families whom two agencies may have referred",
}


def is_possible(step: str, *, route: str, state: str) -> bool:
    """Whether an item of this route and state can take the step, whoever asks."""
    row = STEPS[step]
    return state in row.start and (row.routes is None or route in row.routes)


def offered(row: Any, staff: Staff) -> tuple[str, ...]:
    """The steps that `staff` may take of this item now and that are of use, in the order of the table."""
    return tuple(name for name in STEPS if _refusal(name, row, staff) is None and _is_of_use(name, row))


def _is_of_use(name: str, row: Any) -> bool:
    """Not what the state alone allows but nothing is there for."""
    if name in ("take-proposal", "leave-proposal"):
        return FACTS_CHANGED in row.marks
    if name == "hand-back":
        return row.held_before is not None
    if name == "first-contact":
        return row.first_contact_at is None
    return name != "reopen" or reopening.may_be_reopened(row)


def _may_hold(step: Step, row: Any, staff: Staff) -> bool:
    is_own, is_nobodys = row.assignee == staff.id, row.assignee is None
    if step.holder is Holder.COLLEAGUES:
        return not is_own and not is_nobodys
    if step.holder is Holder.NOBODYS:
        return is_own or is_nobodys
    is_lead = staff.may(Permission.LEAD)
    return step.holder is Holder.ANYBODY or is_own or is_lead or (is_nobodys and step.holder is not Holder.OWN)


async def take(tx: AsyncConnection, item_id: UUID, name: str, body: Any, by: StaffActor, context: StepContext) -> UUID:
    """Take one step, and return the item that it leads to: another one when it was opened again.

    Changes the row, writes the audit entry and announces, all or nothing. Raises Problem 404 for no such item, 409
    (with its state and holder) when the step is not possible now, not for its route, or a colleague has it, 403 when
    only a lead may take it, and 422 for what the step can't use.
    """
    step, row = STEPS[name], await store.locked_item(tx, item_id)
    if refusal := _refusal(name, row, by.staff):
        raise refusal
    if step.clock is Clock.RUNS:
        await store.run_clock(tx, row, by.at)
    if step.is_anothers:
        await reopening.leave_to_another_lead(tx, row, by.staff)
    done = await step.function(StepRequest(tx, row, body, by, context))
    values = dict(done.values)
    if step.to is not None:
        values.setdefault("state", step.to)
    if step.opens and row.ended_at is None:
        values.setdefault("opened_first_at", row.opened_first_at or by.at)
        values.setdefault("escalate_at", None if row.accepted_at or step.to is ACCEPTED else call_again(row, now=by.at))
    if values.get("state") in (CLOSED, DECLINED):
        values |= store.ENDED | {"ended_at": by.at, "ended_by": by.staff.id}
    if values:
        await store.change(tx, row, **values)
    if step.says is not None and done.says is not None:
        await outbox.append(tx, [store.about(row, step.says, by.at, by.cause, **done.says)])
    if step.clock is not Clock.AS_IT_IS:
        await store.reckon(tx, row.referral_id, context.policy.working_time, at=by.at, cause=by.cause)
    codes = [str(said) for code in step.codes if (said := getattr(body, code)) is not None]
    detail = done.detail or " ".join(codes) or row.route
    await audit.write(tx, [Entry(Actor("staff", by.staff.id), f"item.{name}", by.at, row.referral_id, detail)])
    return done.item or item_id


def _refusal(name: str, row: Any, staff: Staff) -> Problem | None:
    """Why `staff` can't take the step of the item as it stands, if so."""
    step, extra = STEPS[name], {"state": row.state, "assignee": row.assignee}
    if row.state not in step.start:
        return Problem("step-not-allowed", f"This item is {row.state.replace('_', ' ')}", extra=extra)
    if step.routes is not None and row.route not in step.routes:
        return Problem("step-not-allowed", _FOR_WHOM[step.routes], extra=extra)
    if not staff.may(step.permission):
        return Problem("forbidden")
    if not _may_hold(step, row, staff):
        words = "A colleague has this: take it over first" if row.assignee else "Nobody has this"
        if step.holder is Holder.COLLEAGUES:
            words = "No colleague has this"
        return Problem("step-not-allowed", words, extra=extra)
    return None if staff.may(Permission.LEAD) else _refusal_without_a_lead(name, row, extra)


def _refusal_without_a_lead(name: str, row: Any, extra: Mapping[str, Any]) -> Problem | None:
    """What needs a lead, or whoever has taken it on."""
    if name == "close" and working.needs_lead(row):
        return Problem("forbidden", "Only a lead ends what nobody has taken on, and a proposed decline")
    if name == "override" and row.assignee is None and is_unread_safety(row):
        return Problem("step-not-allowed", "Nobody has read this yet: take it on first", extra=dict(extra))
    return None
