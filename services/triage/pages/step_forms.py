"""The forms of a work item's steps: what each asks, how it is read, and the words for every mistake. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from pydantic import ValidationError
from starlette.datastructures import FormData, ImmutableMultiDict

from services.triage.pages.birth_outcome import BirthOutcome, DayInBoxes, steps_of
from services.triage.pages.offered import BIRTH_OUTCOME, permission_of
from services.triage.work_items import bodies
from services.triage.work_items.bodies import Body
from shared.access import Permission
from shared.problems import FieldError

Typed = dict[str, Any]
"""What somebody typed, by field: text, or a list of what they ticked; empty fields are left out."""

TOO_LONG: Final = "Use 10,000 characters or fewer"


@dataclass(frozen=True, slots=True)
class StepForm:
    """`fields` are the body's, each with the words that say what is missing; `lists` those where several are ticked."""

    step: str
    body: type[Body]
    done: str
    fields: Mapping[str, str] = field(default_factory=dict)
    lists: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()
    steps: Callable[[Any, Any], Sequence[tuple[str, Body]]] | None = None

    @property
    def template(self) -> str:
        return f"step_{self.step.replace('-', '_')}.html"

    @property
    def permission(self) -> Permission:
        return permission_of(self.step)

    def taken(self, body: Body, item: Any) -> Sequence[tuple[str, Body]]:
        """The steps of work_items.steps that this form takes for `item`: one, for most."""
        return self.steps(body, item) if self.steps else [(self.step, body)]

    def read(self, form: FormData | ImmutableMultiDict[str, Any]) -> Typed:
        """What was typed, without what was left empty; line ends as everywhere else."""
        typed: Typed = {}
        for name in self.fields:
            if name in self.days:
                typed |= {part: _text(form.get(part)) for part in day_fields(name)}
            elif name in self.lists:
                typed[name] = list(dict.fromkeys(_text(value) for value in form.getlist(name)))
            else:
                typed[name] = _text(form.get(name))
        return {name: value for name, value in typed.items() if value}

    def check(self, typed: Typed, *, today: date) -> tuple[Body | None, dict[str, str]]:
        """The body of the step, or every mistake by its field; `today` is the day in London."""
        members = {name: value for name, value in typed.items() if name in self.fields}
        for name in self.days:
            members[name] = tuple(typed.get(part, "") for part in day_fields(name))
        try:
            return self.body.model_validate(members, context={"today": today}), {}
        except ValidationError as error:
            return None, dict(reversed([self._mistake(found["loc"], found["type"]) for found in error.errors()]))

    def mistakes_of(self, errors: Sequence[FieldError]) -> dict[str, str]:
        """What a step itself found wrong, by field."""
        return dict(self._mistake(tuple(error.pointer.split("/")[1:]), error.code) for error in errors)

    def _mistake(self, place: Sequence[int | str], kind: str) -> tuple[str, str]:
        name = str(place[0]) if place else kind
        if name not in self.fields:
            name = next(iter(self.fields))
        return name, TOO_LONG if kind == "string_too_long" else self.fields[name]


def day_fields(name: str) -> tuple[str, str, str]:
    """The three fields of a day, in the order in which people write it."""
    return f"{name}-day", f"{name}-month", f"{name}-year"


def _text(value: object) -> str:
    """As typed, without spaces around; browsers send two characters for the end of a line."""
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""


class FirstContactForm(bodies.FirstContact):
    """With the day in three boxes; left empty it is today."""

    on: DayInBoxes = None


class ContactAttemptForm(bodies.ContactAttempt):
    on: DayInBoxes = None


_OFFER: Final = "Choose what was offered"
_DAY: Final = "Enter the day it happened: today or before, and not before the referral came"

FORMS: Final[dict[str, StepForm]] = {
    form.step: form
    for form in (
        StepForm("claim", bodies.Nothing, "claimed"),
        StepForm("release", bodies.Nothing, "released"),
        StepForm("take-over", bodies.Nothing, "taken-over"),
        StepForm("hand-back", bodies.Nothing, "handed-back"),
        StepForm("take-proposal", bodies.Nothing, "proposal-taken"),
        StepForm("leave-proposal", bodies.Nothing, "proposal-left"),
        StepForm("first-contact", FirstContactForm, "contacted", {"on": _DAY}, days=frozenset({"on"})),
        StepForm("assign", bodies.Assign, "assigned", {"to": "Choose a colleague"}),
        StepForm("accept", bodies.Accept, "accepted", {"place": "Choose which kind of place"}),
        StepForm("decline", bodies.Decline, "declined", {"reason": "Choose why", "note": "Write a note, or leave it"}),
        StepForm(
            "override",
            bodies.Override,
            "overridden",
            {
                "routes": "Choose at least one and at most ten places where the family should go",
                "tier": "Choose a level of support, or none",
                "urgency": "Choose how soon",
                "reason": "Write why you decide differently",
            },
            lists=frozenset({"routes"}),
        ),
        StepForm("request-information", bodies.AskForInformation, "asked", {"asked": "Write what you need to know"}),
        StepForm(
            "contact-attempt",
            ContactAttemptForm,
            "attempted",
            {"outcome": "Choose what came of it", "on": _DAY},
            days=frozenset({"on"}),
        ),
        StepForm("confirm-duplicate", bodies.Judge, "same-family", {"note": "Write a note, or leave it"}),
        StepForm("not-duplicate", bodies.Judge, "not-the-same", {"note": "Write a note, or leave it"}),
        StepForm("note", bodies.Note, "noted", {"text": "Write your note"}),
        StepForm("wait", bodies.Wait, "waiting", {"offer": _OFFER}),
        StepForm("offer-interim", bodies.OfferInterim, "offered", {"offer": _OFFER}),
        StepForm(
            "close",
            bodies.Close,
            "closed",
            {"reason": "Choose why the work ends", "note": "Write who was told and when, or why it ends"},
        ),
        StepForm("reopen", bodies.Reopen, "reopened", {"note": "Write why it is opened again"}),
        StepForm(
            BIRTH_OUTCOME,
            BirthOutcome,
            "birth-noted",
            {
                "answer": "Choose what you were told",
                "born_on": "Enter the day of the birth, today or before, for example 3 5 2026",
                "note": "Write a note, or leave it",
            },
            days=frozenset({"born_on"}),
            steps=steps_of,
        ),
    )
}
"""By the name of the step, which is also in the address."""
