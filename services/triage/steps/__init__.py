"""What staff do with a work item: one function a step, inside an open transaction.

Each changes the row, writes the audit entry and announces, all or nothing. `table` says which step is possible when;
any other is refused with 409. `work`, `deciding`, `waiting` and `enquiries` hold the steps.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.triage.steps import deciding, enquiries, waiting, work
from services.triage.steps.step import By, Desk, Step, locked
from services.triage.steps.table import ENQUIRIES, ONLY_FOR, STEPS, is_possible, possible
from services.triage.steps.waiting import offers
from shared import audit
from shared.audit import Actor, Entry
from shared.problems import Problem

__all__ = [
    "ENQUIRIES",
    "ONLY_FOR",
    "STEPS",
    "By",
    "Desk",
    "is_possible",
    "offers",
    "possible",
    "take",
]

_TAKEN: Final[dict[str, Step]] = {
    "claim": work.claim,
    "release": work.release,
    "assign": work.assign,
    "accept": work.accept,
    "decline": deciding.decline,
    "override": deciding.override,
    "request-information": work.request_information,
    "wait": waiting.wait,
    "offer-interim": waiting.offer_interim,
    "contact-attempt": work.contact_attempt,
    "first-contact": work.first_contact,
    "arrange": enquiries.arrange,
    "deliver": enquiries.deliver,
    "note": work.note,
    "close": work.close,
}


async def take(tx: AsyncConnection, item_id: UUID, step: str, body: Any, by: By, desk: Desk) -> None:
    """Take one step.

    Raises Problem 404 for no such item, 409 (with its state) when the step is not possible now or not for its route,
    and 422 for a day or an offer that the step can't take.
    """
    row = await locked(tx, item_id)
    extra = {"state": row.state, "assignee": row.assignee}
    if row.ended_at is not None or row.state not in STEPS[step]:
        raise Problem("step-not-allowed", f"This item is {row.state.replace('_', ' ')}", extra=extra)
    if not is_possible(step, route=row.route, state=row.state):
        raise Problem("step-not-allowed", f"{_FOR_WHOM[step]}", extra=extra)
    await _TAKEN[step](tx, row, body, by, desk)
    detail = _detail(step, body, desk) or row.route
    await audit.write(tx, [Entry(Actor("staff", by.staff.id), f"item.{step}", by.at, row.referral_id, detail)])


_FOR_WHOM: Final = {
    "wait": "Families wait for a place with a team that works with them",
    "offer-interim": "Families are offered something while they wait for a team",
    "arrange": "A day is arranged for consultations and training",
    "deliver": "Who came is recorded for consultations and training",
}


def _detail(step: str, body: Any, desk: Desk) -> str | None:
    """The code, day or number that belongs to a step; never words."""
    if step in ("wait", "offer-interim"):
        return waiting.offered_by(body.offer, desk.policy)
    if step == "arrange":
        return str(body.on.isoformat(timespec="minutes"))
    code = {
        "decline": "reason",
        "close": "reason",
        "contact-attempt": "outcome",
        "assign": "to",
        "deliver": "attendees",
    }.get(step)
    return str(getattr(body, code)) if code else None
