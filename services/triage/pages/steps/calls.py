"""What is written down after a call, a visit or a letter: with the family, a service that was rung, or the referrer.

Each form takes one or more steps of work_items.steps, all of them or none.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from services.triage.pages.forms import TypedDay, read_clock
from services.triage.pages.steps.birth_outcome import DayInBoxes
from services.triage.work_items import bodies
from services.triage.work_items.bodies import Body, ContactOutcome
from services.triage.work_items.steps import is_possible
from services.triage.work_items.working import refuse
from shared.events import ClosureReason, Hold
from shared.pages.times import long_day
from shared.pages.wording import CHANNELS, CONTACTS
from shared.working_time import LONDON

LONGEST_TEXT: Final = 10_000
Line = Annotated[str, Field(min_length=1, max_length=200)]
Steps = list[tuple[str, Body]]


class ContactForm(bodies.ContactAttempt):
    """A try to reach the family, or a contact; `first`: it is the first contact since a team took the family on."""

    on: DayInBoxes = None
    note: bodies.Text | None = None
    first: Literal["yes"] | None = None


def contact_steps(body: ContactForm, row: Any) -> Steps:
    """Raises Problem 422 for a message where none may be left, a first contact with nobody, and where there is one safe
    way for a contact that does not say which way it was.
    """
    if body.outcome is ContactOutcome.LEFT_MESSAGE and has_one_safe_way(row.marks):
        raise refuse("outcome", "no-message", "Nothing may be left for this family.")
    if body.how is None and has_one_safe_way(row.marks):
        raise refuse("how", "missing", "There is one safe way to reach this family: say which way it was.")
    if body.first and body.outcome is not ContactOutcome.REACHED:
        raise refuse("first", "not-reached", "Nobody was met or spoken to.")
    steps: Steps = [("note", bodies.Note(text=body.note))] if body.note else []
    steps.append(("contact-attempt", bodies.ContactAttempt(outcome=body.outcome, on=body.on, how=body.how)))
    if body.first:
        steps.append(("first-contact", bodies.FirstContact(on=body.on)))
    return steps


def has_one_safe_way(marks: Collection[str]) -> bool:
    """Under domestic abuse: no other way may be taken, and no message left, for somebody else may hear it."""
    return f"contact_hold_{Hold.C2.lower()}" in marks


def contact_choices(row: Any, today: date) -> dict[str, Any]:
    """`can_be_first` where a team has taken the family on and has not met it yet.

    Where there is one safe way none is chosen: whoever writes it down has to say which it was.
    """
    is_one_way, left = has_one_safe_way(row.marks), ContactOutcome.LEFT_MESSAGE
    return {
        "outcomes": [each for each in CONTACTS.items() if each[0] != left or not is_one_way],
        "channels": list(CHANNELS.items()),
        "can_be_first": is_possible("first-contact", route=row.route, state=row.state) and not row.first_contact_at,
        "suggested": {"on": TypedDay.on(today)} | ({} if is_one_way else {"how": "phone"}),
    }


class Rung(Body):
    """Who rang, who of the service that was rung took it, when, and under which reference of theirs."""

    by: Literal["me", "another"]
    who: Line
    on: DayInBoxes
    at: Annotated[str, BeforeValidator(lambda typed: f"{read_clock(str(typed)):%H:%M}")]
    reference: Line | None = None
    note: bodies.Text | None = None
    then: Literal["ends", "goes-on"]

    @model_validator(mode="after")
    def _was_made(self, info: ValidationInfo) -> Self:
        today: date = (info.context or {}).get("today", date.max)
        if self.on is None or self.on > today:
            raise PydanticCustomError("on", "A call was made today or before")
        return self


def rung_choices(now: datetime, *, is_plan: bool) -> dict[str, Any]:
    """`is_plan`: somebody joins a plan, so the work goes on after the call."""
    at, then = now.astimezone(LONDON), "goes-on" if is_plan else "ends"
    return {
        "callers": [("me", "I did"), ("another", "The referrer, or somebody else who has told me")],
        "thens": [("ends", "They have it, and this work ends"), ("goes-on", "I keep this work")],
        "suggested": {"by": "me", "on": TypedDay.on(at.date()), "at": f"{at:%H:%M}", "then": then},
    }


def rung_steps(body: Rung, row: Any) -> Steps:
    """Taken on first when nobody has it; then it ends, or the words are a note."""
    reference = f"Their reference: {body.reference}." if body.reference else "They gave no reference."
    rung = "Rung" if body.by == "me" else "Somebody else rang. It was taken by"
    told = f"{rung}: {body.who}, {long_day(body.on)}, {body.at}. {reference}"
    steps: Steps = [] if row.assignee else [("claim", bodies.Nothing())]
    if body.note:
        steps.append(("note", bodies.Note(text=body.note)))
    if body.then == "ends":
        return [*steps, ("close", bodies.Close(reason=ClosureReason.PASSED_ON, note=told))]
    return [*steps, ("note", bodies.Note(text=told))]


class Answered(Body):
    text: bodies.Text


def answered_steps(body: Answered, _: Any) -> Steps:
    """What the referrer said, and the clock runs again."""
    return [("note", _note("The referrer answered: ", body.text)), ("claim", bodies.Nothing())]


class AskForm(bodies.AskForInformation):
    """`answer`: they were on the telephone and said it at once."""

    answer: bodies.Text | None = None


def ask_steps(body: AskForm, _: Any) -> Steps:
    """With an answer nothing waits and nothing is sent."""
    if body.answer is None:
        return [("request-information", bodies.AskForInformation(asked=body.asked))]
    return [("note", _note("Asked the referrer: ", body.asked)), ("note", _note("They answered: ", body.answer))]


def _note(before: str, text: str) -> bodies.Note:
    """Without the words before it where they would make it too long."""
    return bodies.Note(text=(before if len(before) + len(text) <= LONGEST_TEXT else "") + text)
