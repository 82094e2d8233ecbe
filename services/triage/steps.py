"""What staff do with a work item: one function a step, inside an open transaction; and which step is possible when.

Each changes the row, writes the audit entry and announces, all or nothing. `STEPS` is shown in the docs; any step
that is not in it is refused with 409.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage import bodies, rows, standing
from services.triage.capacity import full_routes
from services.triage.handlers import replace_items, store_decisions
from services.triage.planning import MARKS, counted_from, full_routes_of
from services.triage.rules import decide
from services.triage.texts import StaffTexts
from shared import audit, outbox
from shared.access import Staff
from shared.audit import Actor, Entry
from shared.database import sql
from shared.events import (
    AboutWorkItem,
    ClosureReason,
    DecidedBy,
    Decision,
    Eligibility,
    Facts,
    Hold,
    Kind,
    Mode,
    Reason,
    Route,
    Urgency,
    WaitingFor,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.ids import uuid7
from shared.outbox import Cause, Draft
from shared.policy import Policy
from shared.problems import Problem

STEPS: Final[dict[str, frozenset[str]]] = {
    "claim": frozenset({"open", "waiting_list", "waiting_for_referrer"}),
    "release": frozenset({"claimed"}),
    "assign": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer", "accepted"}),
    "accept": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer"}),
    "decline": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer"}),
    "override": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer"}),
    "request-information": frozenset({"open", "claimed"}),
    "contact-attempt": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer", "accepted"}),
    "first-contact": frozenset({"accepted"}),
    "note": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer", "accepted"}),
    "close": frozenset({"open", "claimed", "waiting_list", "waiting_for_referrer", "accepted"}),
}
"""step → states of the item from which it is possible."""


KEPT_RULES: Final = (frozenset(MARKS) | {hold.value for hold in Hold}) - {"M8"}
"""Rules that a person's decision keeps: marks and contact holds. M8 is about routes, so it is looked at again."""


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


async def take(tx: AsyncConnection, item_id: UUID, step: str, body: Any, by: By, desk: Desk) -> None:
    """Take one step. Raises Problem 404 for no such item, 409 (with its state) when the step is not possible now."""
    row = await _locked(tx, item_id)
    if row.ended_at is not None or row.state not in STEPS[step]:
        extra = {"state": row.state, "assignee": row.assignee}
        raise Problem("step-not-allowed", f"This item is {row.state.replace('_', ' ')}", extra=extra)
    await _TAKEN[step](tx, row, body, by, desk)
    await audit.write(
        tx,
        [Entry(Actor("staff", by.staff.id), f"item.{step}", by.at, row.referral_id, _detail(step, body) or row.route)],
    )


async def _locked(tx: AsyncConnection, item_id: UUID) -> sa.Row[Any]:
    """The item, locked after its referral: the order everywhere, so that the numbering of events never races."""
    of = await tx.scalar(sql("SELECT referral_id FROM work_item WHERE id = :id"), {"id": item_id})
    if of is None:
        raise Problem("not-found")
    await rows.lock_if_known(tx, of)
    return (await tx.execute(sql("SELECT * FROM work_item WHERE id = :id FOR UPDATE"), {"id": item_id})).one()


def _detail(step: str, body: Any) -> str | None:
    """The code that belongs to a step; never words."""
    code = {"decline": "reason", "close": "reason", "contact-attempt": "outcome", "assign": "to"}.get(step)
    return str(getattr(body, code)) if code else None


async def _set(tx: AsyncConnection, row: sa.Row[Any], **values: Any) -> None:
    columns = ", ".join(f"{name} = :{name}" for name in values)
    await tx.execute(
        sql(f"UPDATE work_item SET {columns} WHERE id = :item"),  # noqa: S608  names are this module's own
        {"item": row.id, **values},
    )


async def _say(tx: AsyncConnection, row: sa.Row[Any], event: type[AboutWorkItem], by: By, **more: Any) -> None:
    data = event(
        reference=row.reference,
        agency_id=row.agency_id,
        about=Kind(row.about),
        work_item_id=row.id,
        route=Route(row.route),
        **more,
    )
    await outbox.append(tx, [Draft(row.referral_id, data, by.at, by.cause)])


async def _claim(tx: AsyncConnection, row: sa.Row[Any], _: bodies.Nothing, by: By, __: Desk) -> None:
    await _set(
        tx,
        row,
        state="claimed",
        assignee=by.staff.id,
        opened_first_at=row.opened_first_at or by.at,
        escalate_at=None,
        **_clock_resumed(row, by),
    )
    await _say(tx, row, WorkItemClaimed, by)


def _clock_resumed(row: sa.Row[Any], by: By) -> dict[str, datetime | None]:
    """Whoever takes on what waited for the referrer lets its clock run again, later by the time it waited."""
    if row.state != "waiting_for_referrer" or row.waiting_since is None:
        return {}
    return {"due_at": row.due_at + (by.at - row.waiting_since), "waiting_since": None}


async def _release(tx: AsyncConnection, row: sa.Row[Any], _: bodies.Nothing, by: By, __: Desk) -> None:
    """Back in the queue, or on the waiting list it came from; said as an opening, for that is what it is now."""
    was_waiting = "waiting_list" in row.marks
    await _set(tx, row, state="waiting_list" if was_waiting else "open", assignee=None)
    more = {"tier": row.tier, "urgency": row.urgency, "due_at": row.due_at, "waiting_list": was_waiting}
    await _say(tx, row, WorkItemOpened, by, **more)


async def _assign(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Assign, by: By, _: Desk) -> None:
    """Given to somebody, but not looked at by them yet: until it is, it goes on escalating."""
    state = "claimed" if row.state in ("open", "waiting_list") else row.state
    await _set(tx, row, state=state, assignee=body.to, escalate_at=None if row.opened_first_at else row.escalate_at)
    await _say(tx, row, WorkItemClaimed, by)


async def _accept(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Accept, by: By, _: Desk) -> None:
    """The team takes the family on, in a place; with none free it stays on the waiting list."""
    await tx.execute(sql("SELECT 1 FROM capacity WHERE route = :route FOR UPDATE"), {"route": row.route})
    if body.place is bodies.PlaceKind.INDIVIDUAL and Route(row.route) in await full_routes(tx):
        raise Problem("conflict", "Every individual place of this route is taken", extra={"state": row.state})
    await _set(
        tx,
        row,
        state="accepted",
        assignee=row.assignee or by.staff.id,
        accepted_at=by.at,
        place=body.place.value,
        opened_first_at=row.opened_first_at or by.at,
        escalate_at=None,
        **_clock_resumed(row, by),
    )
    await _say(tx, row, WorkItemAccepted, by)


async def _decline(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Decline, by: By, desk: Desk) -> None:
    """A person confirms; every other open item of the referral ends with it, but no safety work that is unread."""
    if body.note:
        await _write(tx, row, "decline", body.note, by, desk)
    await _set(tx, row, state="declined", ended_at=by.at, end_reason=body.reason.value, escalate_at=None)
    await _say(tx, row, WorkItemDeclined, by, reason=body.reason)
    current = await standing.current_items(tx, row.referral_id)
    others = [item for item in current if not item.is_accepted and not item.outlives_decisions]
    await rows.end_items(tx, [item.id for item in others], reason=ClosureReason.DECIDED_AGAIN, at=by.at)
    closed = [
        Draft(
            item.referral_id,
            WorkItemClosed(
                reference=item.reference,
                agency_id=item.agency_id,
                about=item.about,
                work_item_id=item.id,
                route=item.route,
                reason=ClosureReason.DECIDED_AGAIN,
            ),
            by.at,
            by.cause,
        )
        for item in others
    ]
    await outbox.append(tx, closed)


async def _override(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Override, by: By, desk: Desk) -> None:
    """A person decides otherwise; the machine's decision stays as it was, beside this one."""
    await _write(tx, row, "override", body.reason, by, desk)
    await _set(tx, row, opened_first_at=row.opened_first_at or by.at, escalate_at=None)
    referral = (await tx.execute(sql("SELECT * FROM referral WHERE id = :id"), {"id": row.referral_id})).one()
    facts = full_routes_of(Facts.model_validate(referral.facts), await full_routes(tx))
    as_of = counted_from(facts.infant, received_at=referral.received_at, now=by.at)
    urgency = body.urgency or await rows.current_urgency(tx, row.referral_id) or Urgency(row.urgency)
    decided = rows.Decided(
        id=uuid7(),
        referral_id=row.referral_id,
        reference=row.reference,
        agency_id=row.agency_id,
        version=referral.version,
        received_at=referral.received_at,
        facts=facts,
        decision=_decision_of(body, facts, urgency, as_of=as_of, policy=desk.policy),
        decided_by=DecidedBy.PERSON,
        actor=Actor("staff", by.staff.id),
        at=by.at,
        cause=by.cause,
    )
    await store_decisions(tx, [await replace_items(tx, decided, policy=desk.policy)], policy=desk.policy)


def _decision_of(body: bodies.Override, facts: Facts, urgency: Urgency, *, as_of: datetime, policy: Policy) -> Decision:
    """A person chooses routes, tier and urgency; contact holds and marks follow from the facts, whoever decides."""
    words = "A person looked at everything that was sent and decided what would help most."
    machine = decide(facts, received_at=as_of, policy=policy)
    kept = tuple(rule for rule in machine.rules if rule in KEPT_RULES)
    full = ("M8",) if set(body.routes) & set(facts.full_routes) else ()
    waits = "A team is full right now. The family keeps its place in line."
    return Decision(
        eligibility=Eligibility.ELIGIBLE,
        mode=Mode.AUTO_ROUTE,
        tier=body.tier,
        routes=body.routes,
        urgency=urgency,
        rules=("person", *kept, *full),
        reasons=(
            Reason(rule="person", text=words),
            *(reason for reason in machine.reasons if reason.rule in kept),
            *(Reason(rule=rule, text=waits) for rule in full),
        ),
        holds=machine.holds,
        policy=policy.ref,
    )


async def _request_information(
    tx: AsyncConnection, row: sa.Row[Any], body: bodies.AskForInformation, by: By, desk: Desk
) -> None:
    """Ask the referrer; the clock waits until they answer."""
    await _write(tx, row, "asked", body.asked, by, desk)
    await _set(tx, row, state="waiting_for_referrer", waiting_since=by.at, escalate_at=None)
    await _say(tx, row, WorkItemWaiting, by, waiting_for=WaitingFor.REFERRER)


async def _contact_attempt(tx: AsyncConnection, row: sa.Row[Any], _: Any, by: By, __: Desk) -> None:
    """Counted from the audit trail; a first attempt also means that somebody has opened the item."""
    await _set(tx, row, opened_first_at=row.opened_first_at or by.at, escalate_at=None)


async def _first_contact(tx: AsyncConnection, row: sa.Row[Any], _: bodies.Nothing, by: By, __: Desk) -> None:
    if row.first_contact_at is not None:
        raise Problem("conflict", "The first contact is recorded already", extra={"state": row.state})
    await _set(tx, row, first_contact_at=by.at, age_out_warning_on=None)
    await _say(tx, row, WorkItemFirstContact, by)


async def _note(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Note, by: By, desk: Desk) -> None:
    await _write(tx, row, "note", body.text, by, desk)


async def _close(tx: AsyncConnection, row: sa.Row[Any], body: bodies.Close, by: By, _: Desk) -> None:
    await rows.end_items(tx, [row.id], reason=body.reason, at=by.at)
    await _say(tx, row, WorkItemClosed, by, reason=body.reason)


async def _write(tx: AsyncConnection, row: sa.Row[Any], kind: str, text: str, by: By, desk: Desk) -> None:
    await desk.texts.write(
        tx, referral_id=row.referral_id, item_id=row.id, kind=kind, author=by.staff.id, at=by.at, text=text
    )


_TAKEN: Final[dict[str, Step]] = {
    "claim": _claim,
    "release": _release,
    "assign": _assign,
    "accept": _accept,
    "decline": _decline,
    "override": _override,
    "request-information": _request_information,
    "contact-attempt": _contact_attempt,
    "first-contact": _first_contact,
    "note": _note,
    "close": _close,
}
