"""The words of the service map: levels, ages, and each gap as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from shared.events import Route
from shared.pages.times import long_day
from shared.policy import Policy
from shared.service_map import PREGNANCY_MONTHS, ForWhom, Gap, GapKind, Level, Service

LEVELS: Final = {
    Level.UNIVERSAL: "Universal: for every family",
    Level.TARGETED: "Targeted: for families who need more",
    Level.STATUTORY: "Statutory: children's social care",
    Level.SPECIALIST: "Specialist: for the greatest need",
}
FOR_WHOM: Final = {
    ForWhom.FAMILIES: "Families",
    ForWhom.PARENTS: "Parents, for themselves",
    ForWhom.PRACTITIONERS: "People who work with families",
    ForWhom.ELSEWHERE: "Families who live outside the area",
}


class AgeChoice(NamedTuple):
    """Ages that a person can ask for; the second month is out."""

    words: str
    months: tuple[int, int]


AGES: Final = {
    "pregnancy": AgeChoice("Pregnancy", (-PREGNANCY_MONTHS, 0)),
    "first-year": AgeChoice("Under 1 year", (0, 12)),
    "second-year": AgeChoice("1 year, not yet 2", (12, 24)),
    "older": AgeChoice("2 years and older", (24, 240)),
}

NOBODY_TO_NAME: Final = {
    Route.SIGNPOST_AGE: "families whose child is too old for our support",
    Route.SIGNPOST_AREA: "families who live outside the area",
    Route.ADVICE_TO_REFERRER: "referrers when a family said no",
    Route.PHASE_HOLD: "families who wait for our support to open",
}
YEAR: Final = 12


def joined(words: Sequence[str]) -> str:
    """`Aspley, Bulwell and Dales`."""
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


def age_span(from_months: int, to_months: int) -> str:
    """`from pregnancy to 2 years`."""
    return f"from {_age(from_months)} to {_age(to_months)}"


def _age(months: int) -> str:
    if months == -PREGNANCY_MONTHS:
        return "pregnancy"
    if months == 0:
        return "birth"
    count, unit = (months // YEAR, "year") if months % YEAR == 0 else (abs(months), "month")
    return f"{count} {unit}{'s' if count > 1 else ''}{' before birth' if months < 0 else ''}"


def entry_state(service: Service, on: date) -> str:
    """How long the entry is good for, as seen on a day."""
    until = long_day(service.expires_on)
    if not service.is_live(on):
        return f"Ran out on {until}. Nobody is told of it."
    if service.expires_soon(on):
        return f"Runs out soon: confirm it by {until}."
    return f"Good until {until}."


def gap_words(gap: Gap, policy: Policy) -> str:
    """One gap as a sentence."""
    where = joined([policy.ward_by_code[ward].name for ward in gap.wards])
    match gap:
        case Gap(kind=GapKind.NO_SERVICE, level=Level() as level, ages=(first, last)):
            place = f"in {where}" if where else f"anywhere in {policy.authority_name}"
            return f"No {level} service sees families {age_span(first, last)} {place}."
        case Gap(kind=GapKind.NO_SIGNPOST, route=Route() as route):
            return f"We can name nobody to {NOBODY_TO_NAME[route]}{f' in {where}' if where else ''}."
        case Gap(kind=GapKind.NO_UNDER_TWOS, service=Service() as service):
            return f"{service.name}: children under 2 may come on paper, but none are on its caseload."
        case Gap(kind=GapKind.EXPIRED, service=Service() as service):
            return f"{service.name}: the entry ran out on {long_day(service.expires_on)}, so nobody is told of it."
        case Gap(service=Service() as service):
            return f"{service.name}: the entry has to be confirmed by {long_day(service.expires_on)}."
    raise ValueError(gap.kind)
