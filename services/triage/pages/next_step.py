"""What happens next with a work item, and by when: from its state and its deadlines. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from services.triage.rules.model import support_ends_on
from services.triage.work_items.conditions import ENQUIRIES, FACTS_CHANGED, PLACE_FREE
from shared.events import FAMILY_WORK, SAFEGUARDING, Facts, Mode, Route
from shared.pages.wording import CLOSURES, DECLINES
from shared.policy import Policy


class Item(Protocol):
    """A work item as stored, as far as it says what comes next."""

    route: str
    state: str
    marks: list[str]
    clock_stands: bool
    assignee: str | None
    due_at: datetime
    escalate_at: datetime | None
    accepted_at: datetime | None
    first_contact_at: datetime | None
    arranged_for: datetime | None
    ended_at: datetime | None
    end_reason: str | None


class Next(NamedTuple):
    """What is to come; `by` is a moment or a day in ISO 8601, or None where no day is set."""

    what: str
    by: str | None = None


def next_steps(item: Item, facts: Facts | None, decision: dict[str, Any] | None, policy: Policy) -> list[Next]:
    """In the order in which they should happen; one line when the work has ended."""
    if item.ended_at:
        return [Next(f"Nothing more here. {_ending(item.end_reason)}".strip(), None)]
    steps = (
        [Next("Look at the facts, which have changed, and take or leave what the rules propose now")]
        if FACTS_CHANGED in item.marks
        else []
    )
    steps += list(_of_state(item, is_decline=bool(decision and decision["mode"] == Mode.PROPOSE_DECLINE)))
    if item.escalate_at and item.state != "waiting_for_referrer":
        steps.insert(0, Next("Somebody opens it; later than this the team is alerted", item.escalate_at.isoformat()))
    if facts and facts.infant.born_on:
        ends = support_ends_on(facts.infant.born_on, policy.age)
        steps.append(Next("Help from this service ends with the birthday", ends.isoformat()))
    return steps


def _ending(reason: str | None) -> str:
    words = {**CLOSURES, **DECLINES}.get(reason or "", "")
    return f"{words}." if words else ""


def _of_state(item: Item, *, is_decline: bool) -> Iterator[Next]:
    due = item.due_at.isoformat()
    if item.state == "waiting_for_referrer":
        stands = " The clock stands still until then" if item.clock_stands else " Its own clock goes on"
        yield Next(f"The referrer answers.{stands}")
        if item.escalate_at:
            yield Next("If they do not, somebody in the team rings them", item.escalate_at.isoformat())
    elif item.state == "waiting_list":
        is_free = PLACE_FREE in item.marks
        yield Next(
            "A place is free: the team accepts the family"
            if is_free
            else "A place becomes free, and the team accepts the family"
        )
        yield Next("The family hears how long it may take, and what they can do meanwhile", due)
    elif item.route in ENQUIRIES:
        yield from _of_enquiry(item, due)
    elif item.accepted_at:
        yield _of_accepted(item, due)
    elif is_decline:
        yield Next("A lead confirms the decline, or somebody decides differently", due)
    else:
        yield Next(_decision_of(item), due)


def _of_enquiry(item: Item, due: str) -> Iterator[Next]:
    if item.arranged_for is None:
        yield Next("Somebody gets in touch and arranges a date", due)
    else:
        yield Next("It takes place, and somebody records who came", item.arranged_for.isoformat())


def _of_accepted(item: Item, due: str) -> Next:
    if item.first_contact_at:
        return Next("The team works with the family, and closes this when the work has ended")
    if item.route not in FAMILY_WORK:
        return Next("Whoever has it sees it through, and closes it with what was done")
    return Next("The team meets or speaks with the family for the first time", due)


def _decision_of(item: Item) -> str:
    if item.route in SAFEGUARDING:
        return "A person rings them, and writes down who was told, when, and their reference"
    if item.route == Route.BEREAVEMENT_REVIEW:
        return "Somebody speaks with the team that knows the family, and decides with them"
    if item.route in FAMILY_WORK:
        return "The team accepts the family and makes the first contact"
    return "Somebody decides what happens"
