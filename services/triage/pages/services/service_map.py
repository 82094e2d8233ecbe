"""Services by level of need, for a ward, a level and an age; and what the map lacks, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response

from services.triage.age_words import age_span
from services.triage.pages.context import Visit, who_may
from services.triage.pages.forms import code_in
from shared.access import Permission
from shared.events import Route
from shared.pages.times import long_day
from shared.policy import Policy
from shared.service_map import PREGNANCY_MONTHS, ForWhom, Gap, GapKind, Level, MappedService, gaps

Reader = Annotated[Visit, who_may(Permission.READ_QUEUES, Permission.READ_REPORTS)]
"""Those who work with the map, and those who commission what it lacks."""

routes = APIRouter(prefix="/staff", include_in_schema=False)

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
AGES: Final = {
    "pregnancy": ("Pregnancy", (-PREGNANCY_MONTHS, 0)),
    "first-year": ("Under 1 year", (0, 12)),
    "second-year": ("1 year, not yet 2", (12, 24)),
    "older": ("2 years and older", (24, 240)),
}
"""Ages that a person can ask for, in months; the second month is out."""

NOBODY_TO_NAME: Final = {
    Route.SIGNPOST_AGE: "families whose child is too old for our support",
    Route.SIGNPOST_AREA: "families who live outside the area",
    Route.ADVICE_TO_REFERRER: "referrers when a family said no",
    Route.PHASE_HOLD: "families who wait for our support to open",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for; whatever it does not know there is as if nothing was asked."""

    ward: str | None
    level: Level | None
    age: str | None

    @classmethod
    def of(cls, query: Mapping[str, str], policy: Policy) -> Wanted:
        ward, age = query.get("ward"), query.get("age")
        known = ward if ward in policy.ward_by_code else None
        return cls(known, code_in(query, "level", Level), age if age in AGES else None)

    def takes(self, service: MappedService) -> bool:
        return (
            (self.ward is None or (service.is_in(self.ward) and service.for_whom is not ForWhom.ELSEWHERE))
            and (self.level is None or service.level is self.level)
            and (self.age is None or service.is_for_ages(*AGES[self.age][1]))
        )

    def only(self, found: Iterable[Gap]) -> list[Gap]:
        """The gaps that are asked for, told for the ward alone when there is one."""
        return [
            replace(gap, wards=(self.ward,)) if self.ward and gap.wards else gap for gap in found if self._fits(gap)
        ]

    def _fits(self, gap: Gap) -> bool:
        """A gap without a level or age of its own is about them all."""
        if gap.service:
            return self.takes(gap.service)
        return (
            (self.ward is None or not gap.wards or self.ward in gap.wards)
            and (self.level is None or gap.level in (None, self.level))
            and (self.age is None or gap.ages is None or _overlap(gap.ages, AGES[self.age][1]))
        )


@routes.get("/services")
async def services(visit: Reader) -> Response:
    """Everything in the template: choices, a table for each level that has services, gaps as sentences."""
    policy, service_map, on = visit.policy, visit.context.service_map, visit.today
    wanted = Wanted.of(visit.request.query_params, policy)
    found = [service for service in service_map.services if wanted.takes(service)]
    rows = {level: [_row(each, policy, on) for each in found if each.level is level] for level in LEVELS}
    return visit.render(
        "services/service_map.html",
        area=policy.authority_name,
        service_map=service_map,
        count=len(found),
        wanted=wanted,
        wards=_choices(f"All of {policy.authority_name}", {ward.code: ward.name for ward in policy.wards}),
        levels=_choices("Every level", LEVELS),
        ages=_choices("Every age", {age: text for age, (text, _) in AGES.items()}),
        tables=[(LEVELS[level], each) for level, each in rows.items() if each],
        gaps=[gap_words(gap, policy) for gap in wanted.only(gaps(service_map, policy=policy, on=on))],
    )


def _choices(all_of_them: str, words: Mapping[Any, str]) -> list[dict[str, str]]:
    return [{"value": value, "text": text} for value, text in {"": all_of_them, **words}.items()]


def _row(service: MappedService, policy: Policy, on: date) -> dict[str, Any]:
    return {
        "service": service,
        "for_whom": FOR_WHOM[service.for_whom],
        "ages": age_span(service.from_months, service.to_months),
        "where": _where(service, policy),
        "languages": joined(service.languages),
        "entry": entry_state(service, on),
    }


def _where(service: MappedService, policy: Policy) -> str:
    if service.for_whom is ForWhom.ELSEWHERE:
        return f"Outside {policy.authority_name}"
    names = [policy.ward_by_code[ward].name for ward in service.wards if ward in policy.ward_by_code]
    return joined(names) if service.wards else f"All of {policy.authority_name}"


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def joined(words: Sequence[str]) -> str:
    """`Aspley, Bulwell and Dales`."""
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])


def entry_state(service: MappedService, on: date) -> str:
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
        case Gap(kind=GapKind.NO_UNDER_TWOS, service=MappedService() as service):
            return f"{service.name}: children under 2 may come on paper, but none are on its caseload."
        case Gap(kind=GapKind.EXPIRED, service=MappedService() as service):
            return f"{service.name}: the entry ran out on {long_day(service.expires_on)}, so nobody is told of it."
        case Gap(service=MappedService() as service):
            return f"{service.name}: the entry has to be confirmed by {long_day(service.expires_on)}."
    raise ValueError(gap.kind)
