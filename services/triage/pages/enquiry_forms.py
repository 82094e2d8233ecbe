"""The forms of a consultation or training: what was typed, what it means, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from services.triage.pages.typed import LONGEST, MistypedError, TypedDay, in_london, read_clock, text_in
from services.triage.work_items import bodies
from shared.problems import Problem

ATTENDEES: Final = "Enter how many people came: a number from 1 to 1,000"
COMERS: Final = range(1, 1001)
_BOX: Final = {"arrange-on": "arrange-on-day", "deliver-on": "deliver-on-day"}
"""A mistake in a day leads to the first of its boxes."""


@dataclass(frozen=True)
class Filled:
    """What was typed into either form, and the mistakes by box; the page as it is first has neither."""

    arrange_on: TypedDay = field(default_factory=TypedDay)
    arrange_at: str = ""
    deliver_on: TypedDay = field(default_factory=TypedDay)
    attendees: str = ""
    mistakes: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> list[dict[str, str]]:
        """The mistakes as the top of the page lists them."""
        return [{"text": words, "href": f"#{_BOX.get(box, box)}"} for box, words in self.mistakes.items()]

    def refused(self, step: str, problem: Problem) -> Self:
        """The same, with what the step itself said: about its day, or that it is too late for the step."""
        if problem.errors:
            return replace(self, mistakes={f"{step}-on": problem.errors[0].detail.rstrip(".")})
        return replace(self, mistakes={"maincontent": f"{problem.detail}. Nothing was saved"})


def read_arrange(form: Mapping[str, Any]) -> tuple[Filled, bodies.Arrange | None]:
    """A day and a time of day in London."""
    typed = Filled(arrange_on=TypedDay.of(form, "arrange-on"), arrange_at=text_in(form, "arrange-at")[:LONGEST])
    mistakes: dict[str, str] = {}
    day = _noted(mistakes, "arrange-on", typed.arrange_on.read)
    clock = _noted(mistakes, "arrange-at", lambda: read_clock(typed.arrange_at))
    if day is None or clock is None:
        return replace(typed, mistakes=mistakes), None
    return typed, bodies.Arrange(on=in_london(day, clock))


def read_deliver(form: Mapping[str, Any]) -> tuple[Filled, bodies.Deliver | None]:
    """How many came, and the day it took place."""
    typed = Filled(deliver_on=TypedDay.of(form, "deliver-on"), attendees=text_in(form, "attendees")[:LONGEST])
    mistakes: dict[str, str] = {}
    day = _noted(mistakes, "deliver-on", typed.deliver_on.read)
    number = typed.attendees.replace(",", "")
    count = int(number) if number.isascii() and number.isdecimal() and len(number) <= LONGEST else 0
    if count not in COMERS:
        mistakes["attendees"] = ATTENDEES
    if mistakes or day is None:
        return replace(typed, mistakes=mistakes), None
    return typed, bodies.Deliver(attendees=count, on=day)


def _noted(mistakes: dict[str, str], box: str, read: Callable[[], Any]) -> Any:
    """What it reads, or None and the mistake noted."""
    try:
        return read()
    except MistypedError as error:
        mistakes[box] = error.words
        return None


FORMS: Final[dict[str, Callable[[Mapping[str, Any]], tuple[Filled, Any]]]] = {
    "arrange": read_arrange,
    "deliver": read_deliver,
}
"""step → how its form is read."""
