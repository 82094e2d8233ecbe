"""What a rule is: a function that looks at one case and finds something, or nothing; and the days it counts.

Days are whole days from the day of receipt in Europe/London.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import wraps
from typing import Concatenate, Final, NamedTuple, ParamSpec

from pydantic import JsonValue

from shared.events import Eligibility, Facts, Reason, Route, Tier, Urgency
from shared.policy import Age, Policy
from shared.working_time import LONDON, months_later

P = ParamSpec("P")

Used = Mapping[str, JsonValue]
"""The facts that a rule used: codes, ISO dates and counts, never free text."""


class Case(NamedTuple):
    """One referral on its day of receipt (in London) under one policy: all that a rule may look at."""

    facts: Facts
    on: date
    policy: Policy


class Finding(NamedTuple):
    """What one rule gives: plain words and the facts it used, and whatever of the decision it speaks to."""

    text: str
    used: Used
    routes: tuple[Route, ...] = ()
    urgency: Urgency = Urgency.ROUTINE
    eligibility: Eligibility = Eligibility.ELIGIBLE
    tier: Tier | None = None
    rule: str = ""

    @property
    def reason(self) -> Reason:
        """As the decision carries it."""
        return Reason(rule=self.rule, text=self.text, facts=self.used)


class Entry(NamedTuple):
    """A rule as the documentation lists it."""

    id: str
    source: str
    meaning: str


Rule = Callable[[Case], Finding | None]

CATALOGUE: Final[dict[str, Entry]] = {}
"""Every rule by its id, with the source of its numbers."""


def rule(
    id_: str, *, source: str
) -> Callable[[Callable[Concatenate[Case, P], Finding | None]], Callable[Concatenate[Case, P], Finding | None]]:
    """Enter a rule in the catalogue and put its id on what it finds. An id used twice raises ValueError."""

    def register(
        look: Callable[Concatenate[Case, P], Finding | None],
    ) -> Callable[Concatenate[Case, P], Finding | None]:
        if id_ in CATALOGUE:
            raise ValueError(f"rule {id_} is written twice")
        CATALOGUE[id_] = Entry(id_, source, (look.__doc__ or "").strip())

        @wraps(look)
        def stamped(case: Case, /, *args: P.args, **kwargs: P.kwargs) -> Finding | None:
            found = look(case, *args, **kwargs)
            return found and found._replace(rule=id_)

        return stamped

    return register


def every(rules: Iterable[Rule], case: Case) -> list[Finding]:
    """Look with all of them, in their order."""
    return [found for look in rules if (found := look(case))]


def first(rules: Iterable[Rule], case: Case) -> Finding | None:
    """Look until one fits."""
    for look in rules:
        if found := look(case):
            return found
    return None


def exactly_one(rules: Iterable[Rule], case: Case) -> Finding:
    """Look until one fits, where the last of the rules fits whatever is left; LookupError if it does not."""
    found = first(rules, case)
    if found is None:
        raise LookupError("the last rule of this group has to fit whatever is left")
    return found


def codes(values: Sequence[str]) -> list[JsonValue]:
    """Codes as plain JSON, repeats dropped."""
    return [str(value) for value in dict.fromkeys(values)]


def day_of_receipt(received_at: datetime) -> date:
    """Day in London on which the referral came; 23:30 UTC in June is already the next day.

    At the two ends of the calendar, where London has no such day, the date as it was written.
    Raises ValueError for a time without an offset.
    """
    if received_at.tzinfo is None:
        raise ValueError("received_at needs an offset")
    try:
        return received_at.astimezone(LONDON).date()
    except OverflowError:
        return received_at.date()


def months_old(born_on: date, on: date) -> int:
    """Whole months on that day; the day on which a month is full counts as full. Negative before birth."""
    months = (on.year - born_on.year) * 12 + on.month - born_on.month
    return months - 1 if on.day < born_on.day else months


def support_ends_on(day: date, age: Age) -> date:
    """First day without support: the second birthday (or the due date two years on), for 24 months."""
    return months_later(day, age.support_ends_months)


def days_pregnant(due_on: date, on: date, age: Age) -> int:
    """280 - (due date - day): 196 is 28 weeks. Above 280 when the due date has passed."""
    return age.pregnancy_days - (due_on - on).days
