"""Which steps a work item offers to whom: possible now, allowed to this person, and of use here. Pure."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

from services.triage.work_items import steps
from services.triage.work_items.conditions import ENQUIRIES, is_proposed_decline
from shared.access import Permission, Staff
from shared.events import Route
from shared.pages.wording import STEPS

BIRTH_OUTCOME: Final = "birth-outcome"

ONE_BUTTON: Final = frozenset({"claim", "release", "take-over", "hand-back", "take-proposal", "leave-proposal"})
"""Steps without a question: a button on the page itself."""

NOT_HERE: Final = ("accept", "first-contact")
NOT_ACCEPTED: Final = ENQUIRIES | {Route.REVIEW_BIRTH_OUTCOME, Route.REVIEW_DUPLICATE}
"""Routes on which nobody takes a family on: a colleague is talked to, or somebody is asked."""

WORDS: Final = {
    "wait": "Put the family on the waiting list",
    "offer-interim": "Record an offer while the family waits",
    "deliver": "Record who came",
    BIRTH_OUTCOME: "Write down how the birth went",
}
ORDER: Final = (
    "take-proposal",
    "leave-proposal",
    "claim",
    "take-over",
    "confirm-duplicate",
    "not-duplicate",
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
    "hand-back",
    "release",
    "close",
    "reopen",
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
    return steps.STEPS[step].permission if step in steps.STEPS else Permission.WORK_ITEMS


def offers(row: Any, staff: Staff) -> list[Offer]:
    """For this item as stored; of an ended one only what opens it again."""
    possible = set(steps.offered(row, staff)) - (set(NOT_HERE) if row.route in NOT_ACCEPTED else set())
    if row.route == Route.REVIEW_BIRTH_OUTCOME and "override" in possible:
        possible.add(BIRTH_OUTCOME)
    is_proposed = is_proposed_decline(row)
    return [
        Offer(step, _text(step, is_proposed=is_proposed), _address(row.id, step), step in ONE_BUTTON)
        for step in ORDER
        if step in possible
    ]


def _text(step: str, *, is_proposed: bool) -> str:
    if is_proposed and step in ("decline", "override"):
        return "Confirm the decline" if step == "decline" else "Do not decline: decide differently"
    return words_of(step)


def _address(item_id: UUID, step: str) -> str:
    """Consultations and training are arranged and counted on a page of their own."""
    if step in ("arrange", "deliver"):
        return f"/staff/enquiries/{item_id}"
    return f"/staff/items/{item_id}/{step}"
