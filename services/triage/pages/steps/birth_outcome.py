"""The due date has passed and nobody has told of a birth: what the team that knows the family said, and what follows.

A birth date itself is the referrer's to send (an amendment): staff can write down what they heard and ask for it. After
a loss the work goes to care after a loss. Nothing here writes to the family.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from services.triage.pages.forms import TypedDay
from services.triage.work_items import bodies
from services.triage.work_items.bodies import Body
from services.triage.work_items.steps import is_possible
from shared.events import Route, Urgency
from shared.pages.times import long_day


class Outcome(StrEnum):
    BORN = "born"
    ENDED = "ended"
    DIED = "died"
    NOT_KNOWN = "not_known"


OUTCOMES: Final[dict[str, str]] = {
    Outcome.BORN: "The baby was born",
    Outcome.ENDED: "The pregnancy ended",
    Outcome.DIED: "The baby died",
    Outcome.NOT_KNOWN: "They cannot say yet",
}
HEARD: Final = {
    Outcome.BORN: "The team that knows the family says: the baby was born on {day}.",
    Outcome.ENDED: "The team that knows the family says: the pregnancy ended.",
    Outcome.DIED: "The team that knows the family says: the baby died.",
    Outcome.NOT_KNOWN: "The team that knows the family cannot say yet how the birth went.",
}
"""What is kept as a note, in the plainest words."""

DayInBoxes = Annotated[date | None, BeforeValidator(lambda day: day.read() if isinstance(day, TypedDay) else day)]
"""A day of a form's three boxes; none when they are empty."""


class BirthOutcome(Body):
    """What was heard; the day of a birth when there was one. `note` is for colleagues."""

    answer: Outcome
    born_on: DayInBoxes = None
    note: bodies.Text | None = None

    @model_validator(mode="after")
    def _a_birth_has_a_day(self, info: ValidationInfo) -> Self:
        today: date = (info.context or {}).get("today", date.max)
        if self.answer is Outcome.BORN and (self.born_on is None or self.born_on > today):
            raise PydanticCustomError("born_on", "A birth has a day, today or before")
        return self


def steps_of(body: BirthOutcome, item: Any) -> list[tuple[str, Body]]:
    """The steps that an answer takes, all of them or none: each leaves a note; what follows depends on the answer."""
    day = long_day(body.born_on)
    notes = (HEARD[body.answer].format(day=day), body.note)
    steps: list[tuple[str, Body]] = [("note", bodies.Note(text=text)) for text in notes if text]
    if body.answer is Outcome.BORN and is_possible("request-information", route=item.route, state=item.state):
        asked = "Please send us the date of birth of the baby."
        steps.append(("request-information", bodies.AskForInformation(asked=asked)))
    if body.answer in (Outcome.ENDED, Outcome.DIED):
        if item.assignee is None:
            steps.append(("claim", bodies.Nothing()))  # nobody decides about what nobody has taken on
        reason = "After a loss. The team that knows the family was asked first."
        decided = bodies.Override(routes=(Route.BEREAVEMENT_REVIEW,), urgency=Urgency.WORKING_DAY, reason=reason)
        steps.append(("override", decided))
    return steps
