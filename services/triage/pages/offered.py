"""Which steps a work item offers to whom: possible now, allowed to this person, and of use here. Pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

from services.triage.steps import ENQUIRIES, possible
from shared.access import Permission, Staff
from shared.events import Mode, Route
from shared.pages.wording import STEPS

BIRTH_OUTCOME: Final = "birth-outcome"

PERMISSION: Final[dict[str, Permission]] = {"assign": Permission.ASSIGN, "decline": Permission.CONFIRM_DECLINE}
"""Of the steps that not every worker may take."""

ONE_BUTTON: Final = frozenset({"claim", "release", "first-contact"})
"""Steps without a question: a button on the page itself."""

NOT_ACCEPTED: Final = ENQUIRIES | {Route.REVIEW_BIRTH_OUTCOME}
"""Routes on which nobody takes a family on: a colleague is talked to, or somebody is asked."""

WORDS: Final = {
    "wait": "Put the family on the waiting list",
    "offer-interim": "Record an offer while the family waits",
    "deliver": "Record who came",
    BIRTH_OUTCOME: "Write down how the birth went",
}
ORDER: Final = (
    "claim",
    BIRTH_OUTCOME,
    "accept",
    "arrange",
    "deliver",
    "first-contact",
    "contact-attempt",
    "note",
    "request-information",
    "wait",
    "offer-interim",
    "override",
    "decline",
    "assign",
    "release",
    "close",
)
"""As the page offers them: what brings the work forward first."""


class Offer(NamedTuple):
    """A button (`is_form`) or a link to a form."""

    step: str
    text: str
    href: str
    is_form: bool


def words_of(step: str) -> str:
    """What the button of a step says."""
    return WORDS.get(step) or STEPS.get(step) or step.replace("-", " ")


def permission_of(step: str) -> Permission:
    return PERMISSION.get(step, Permission.WORK_ITEMS)


def offers(row: Any, decision: dict[str, Any] | None, staff: Staff) -> list[Offer]:
    """For this item as stored; none once it has ended."""
    if row.ended_at is not None:
        return []
    steps = set(possible(route=row.route, state=row.state)) - _of_no_use(row, staff)
    if row.route == Route.REVIEW_BIRTH_OUTCOME and "override" in steps:
        steps.add(BIRTH_OUTCOME)
    is_proposed = bool(decision and decision["mode"] == Mode.PROPOSE_DECLINE)
    return [
        Offer(step, _text(step, is_proposed=is_proposed), _address(row.id, step), step in ONE_BUTTON)
        for step in ORDER
        if step in steps and staff.may(permission_of(step))
    ]


def _of_no_use(row: Any, staff: Staff) -> set[str]:
    """Possible by the table, but nobody needs them here."""
    useless = {"accept", "first-contact"} if row.route in NOT_ACCEPTED else set()
    if row.first_contact_at is not None:
        useless.add("first-contact")
    if row.assignee != staff.id and not staff.may(Permission.ASSIGN):
        useless.add("release")
    return useless


def _text(step: str, *, is_proposed: bool) -> str:
    if is_proposed and step in ("decline", "override"):
        return "Confirm the decline" if step == "decline" else "Do not decline: decide differently"
    return words_of(step)


def _address(item_id: UUID, step: str) -> str:
    """Consultations and training are arranged and counted on a page of their own."""
    if step in ("arrange", "deliver"):
        return f"/staff/enquiries/{item_id}"
    return f"/staff/items/{item_id}/{step}"
