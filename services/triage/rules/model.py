"""What a rule is: a function that looks at one case and finds something, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import wraps
from typing import Concatenate, Final, NamedTuple, ParamSpec

from pydantic import JsonValue

from shared.events import Eligibility, Facts, Reason, Route, Tier, Urgency
from shared.policy import Policy

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
