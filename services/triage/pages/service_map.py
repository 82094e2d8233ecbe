"""Services by level of need, for a ward, a level and an age; and what the map lacks, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from services.triage.pages.room import Room
from services.triage.pages.service_words import AGES, FOR_WHOM, LEVELS, age_span, entry_state, gap_words, joined
from shared.access import Permission
from shared.policy import Policy
from shared.service_map import ForWhom, Gap, Level, Service, ServiceMap, gaps
from shared.sign_in import Visitor, visitor
from shared.working_time import day_in_london

Reader = Annotated[Visitor, Depends(visitor(Permission.READ_QUEUES, Permission.READ_REPORTS))]
"""Those who work with the map, and those who commission what it lacks."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address asks for; whatever it does not know there is as if nothing was asked."""

    ward: str | None
    level: Level | None
    age: str | None

    @classmethod
    def of(cls, query: Mapping[str, str], policy: Policy) -> Wanted:
        ward, level, age = (query.get(name) for name in ("ward", "level", "age"))
        return cls(
            ward=ward if ward in policy.ward_by_code else None,
            level=Level(level) if level in set(Level) else None,
            age=age if age in AGES else None,
        )

    def takes(self, service: Service) -> bool:
        return (
            (self.ward is None or (service.is_in(self.ward) and service.for_whom is not ForWhom.ELSEWHERE))
            and (self.level is None or service.level is self.level)
            and (self.age is None or service.is_for_ages(*AGES[self.age].months))
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
            and (self.age is None or gap.ages is None or _overlap(gap.ages, AGES[self.age].months))
        )


def add(routes: APIRouter, room: Room) -> None:
    @routes.get("/services")
    async def services(request: Request, _: Reader) -> HTMLResponse:
        policy = room.steps.policy
        wanted = Wanted.of(request.query_params, policy)
        shown = what_is_shown(room.service_map, policy, wanted, on=day_in_london(room.now()))
        return room.pages.render(request, "service_map.html", **shown)


def what_is_shown(service_map: ServiceMap, policy: Policy, wanted: Wanted, *, on: date) -> dict[str, Any]:
    """Everything in the template: choices, a table for each level that has services, gaps as sentences."""
    found = [service for service in service_map.services if wanted.takes(service)]
    rows = {level: [_row(each, policy, on) for each in found if each.level is level] for level in LEVELS}
    return {
        "area": policy.authority_name,
        "service_map": service_map,
        "count": len(found),
        "wanted": wanted,
        "wards": _choices(f"All of {policy.authority_name}", {ward.code: ward.name for ward in policy.wards}),
        "levels": _choices("Every level", LEVELS),
        "ages": _choices("Every age", {age: choice.words for age, choice in AGES.items()}),
        "tables": [(LEVELS[level], each) for level, each in rows.items() if each],
        "gaps": [gap_words(gap, policy) for gap in wanted.only(gaps(service_map, policy=policy, on=on))],
    }


def _choices(all_of_them: str, words: Mapping[Any, str]) -> list[dict[str, str]]:
    return [{"value": value, "text": text} for value, text in {"": all_of_them, **words}.items()]


def _row(service: Service, policy: Policy, on: date) -> dict[str, Any]:
    return {
        "service": service,
        "for_whom": FOR_WHOM[service.for_whom],
        "ages": age_span(service.from_months, service.to_months),
        "where": _where(service, policy),
        "languages": joined(service.languages),
        "entry": entry_state(service, on),
    }


def _where(service: Service, policy: Policy) -> str:
    if service.for_whom is ForWhom.ELSEWHERE:
        return f"Outside {policy.authority_name}"
    names = [policy.ward_by_code[ward].name for ward in service.wards if ward in policy.ward_by_code]
    return joined(names) if service.wards else f"All of {policy.authority_name}"


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
