"""The age rules: exactly one of them fires, the first of `AGE` that fits."""

from __future__ import annotations

from datetime import date
from typing import Final

from services.triage.rules.dates import support_ends_on
from services.triage.rules.model import Case, Finding, Rule, Used, rule
from services.triage.rules.safety import HANDBOOK, is_long_overdue
from shared.events import Eligibility, Infant, Route, Urgency
from shared.policy import Age

UNTIL_TWO: Final = "Nottingham 2021 (equality impact assessment): antenatal to two years after birth"

AGE_IN_DOUBT: Final = frozenset({"E2", "E3", "E5", "E6p", "E7"})


def _used(case: Case, **more: date) -> Used:
    days = {"born_on": case.facts.infant.born_on, "due_on": case.facts.infant.due_on, "received_on": case.on, **more}
    return {name: day.isoformat() for name, day in days.items() if day}


def _years(months: int) -> str:
    """Say the age at which support ends as people do: 24 → `two`."""
    return {12: "one", 24: "two", 36: "three"}.get(months, f"{months} months old")


@rule("E7", source=HANDBOOK)
def no_date(case: Case) -> Finding | None:
    """Neither a birth date nor a due date."""
    if case.facts.infant.born_on or case.facts.infant.due_on:
        return None
    return Finding(
        text="We do not have a birth date or a due date yet. A person will ask for it.",
        used={"born_on": None, "due_on": None},
        routes=(Route.REVIEW,),
        eligibility=Eligibility.PROVISIONAL,
    )


def _dates_disagree(infant: Infant, on: date, age: Age) -> bool:
    if infant.born_on is None:
        return infant.due_on is not None and (infant.due_on - on).days > age.due_ahead_days
    if infant.born_on > on:
        return True
    if infant.due_on is None:
        return False
    early = (infant.due_on - infant.born_on).days
    return not -age.late_birth_days <= early <= age.early_birth_days


@rule("E3", source=f"{HANDBOOK}; 280 days = 40 weeks; 21 days late = 43 weeks; 126 days early = 22 weeks")
def dates_disagree(case: Case) -> Finding | None:
    """Born in the future; or born more than 21 days after or 126 before the due date; or due in more than 280 days."""
    if not _dates_disagree(case.facts.infant, case.on, case.policy.age):
        return None
    return Finding(
        text="The dates we were given do not fit together yet. A person will check them.",
        used=_used(case),
        routes=(Route.REVIEW,),
        eligibility=Eligibility.PROVISIONAL,
    )


@rule("E4", source=UNTIL_TWO)
def born_and_young_enough(case: Case) -> Finding | None:
    """Born, and before the second birthday: that day itself is out; 29 February counts as 1 March."""
    born_on = case.facts.infant.born_on
    if born_on is None or case.on >= (ends_on := support_ends_on(born_on, case.policy.age)):
        return None
    return Finding(text="The baby is at an age when this service can help.", used=_used(case, support_ends_on=ends_on))


@rule("E5", source=f"{UNTIL_TWO}; 28 days: {HANDBOOK}")
def just_past_the_end(case: Case) -> Finding | None:
    """From the second birthday to `grace_days` after: a person decides, nobody is declined on the boundary."""
    born_on, age = case.facts.infant.born_on, case.policy.age
    if born_on is None:
        return None
    ends_on = support_ends_on(born_on, age)
    if (case.on - ends_on).days > age.grace_days:
        return None
    return Finding(
        text=f"The baby has just turned {_years(age.support_ends_months)}, so a person will look at this.",
        used=_used(case, support_ends_on=ends_on),
        routes=(Route.REVIEW,),
        eligibility=Eligibility.PROVISIONAL,
    )


@rule("E6p", source=f"{UNTIL_TWO}; {HANDBOOK}: a baby born early is looked at by a person")
def older_but_born_early(case: Case) -> Finding | None:
    """Too old by the birth date, not yet by the due date: not eligible, and a person looks."""
    infant = case.facts.infant
    if infant.born_on is None or infant.due_on is None:
        return None
    if case.on >= (ends_on := support_ends_on(infant.due_on, case.policy.age)):
        return None
    return Finding(
        text="The baby was born early and is a little past the age for this service. A person will look at this.",
        used=_used(case, support_ends_on=ends_on),
        routes=(Route.REVIEW,),
        eligibility=Eligibility.NOT_ELIGIBLE,
    )


@rule("E6", source=UNTIL_TWO)
def too_old(case: Case) -> Finding | None:
    """Older than that: a decline is proposed, with a signpost; a person confirms it."""
    born_on, age = case.facts.infant.born_on, case.policy.age
    if born_on is None:
        return None
    return Finding(
        text=f"This service helps until a child turns {_years(age.support_ends_months)}. "
        "There is good help for older children, and we will say where.",
        used=_used(case, support_ends_on=support_ends_on(born_on, age)),
        routes=(Route.SIGNPOST_AGE,),
        eligibility=Eligibility.NOT_ELIGIBLE,
    )


@rule("E2", source=f"{HANDBOOK}; 14 days over the due date = 42 weeks")
def due_date_long_past(case: Case) -> Finding | None:
    """Unborn and due over 14 days ago: the baby may have died, so a person asks gently first."""
    if not is_long_overdue(case):
        return None
    return Finding(
        text="We do not have a birth date yet. A person will gently ask the team that knows the family first.",
        used=_used(case),
        routes=(Route.REVIEW_BIRTH_OUTCOME,),
        urgency=Urgency.URGENT,
        eligibility=Eligibility.PROVISIONAL,
    )


@rule("E1", source=UNTIL_TWO)
def pregnant(case: Case) -> Finding | None:
    """Unborn otherwise: due in at most 280 days, or due at most 14 days ago."""
    return Finding(text="The baby is on the way, and help can start before the birth.", used=_used(case))


AGE: Final[tuple[Rule, ...]] = (
    no_date,
    dates_disagree,
    born_and_young_enough,
    just_past_the_end,
    older_but_born_early,
    too_old,
    due_date_long_past,
    pregnant,
)
"""In the order in which they are tried; each relies on the ones before it not fitting."""
