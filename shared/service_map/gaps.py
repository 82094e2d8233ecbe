"""What the map lacks: a level, ward or age without a service; services in name only; nobody to name; old entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.events import Route
from shared.policy import Policy
from shared.service_map.model import (
    PREGNANCY_MONTHS,
    SIGNPOSTS,
    UNDER_TWO_MONTHS,
    ForWhom,
    Level,
    MappedService,
    ServiceMap,
)

Ages = tuple[int, int]
"""From a month to a month, the second out; below zero is before the birth."""


class GapKind(StrEnum):
    NO_SERVICE = "no_service"
    NO_UNDER_TWOS = "no_under_twos"
    NO_SIGNPOST = "no_signpost"
    EXPIRED = "expired"
    EXPIRES_SOON = "expires_soon"


@dataclass(frozen=True, slots=True)
class Gap:
    """`no_service` has a level, ages and wards; `no_signpost` a route and wards; the others a service.

    Wards are ONS codes in the policy's order; none is every ward.
    """

    kind: GapKind
    level: Level | None = None
    ages: Ages | None = None
    wards: tuple[str, ...] = ()
    route: Route | None = None
    service: MappedService | None = None


def gaps(service_map: ServiceMap, *, policy: Policy, on: date) -> list[Gap]:
    """Everything that is missing on a day, for the wards and ages of the policy: families first, then the file."""
    live = [service for service in service_map.services if service.is_live(on)]
    return [
        *(gap for level in Level for gap in _without_service(level, live, policy)),
        *(Gap(GapKind.NO_UNDER_TWOS, service=each) for each in live if each.is_unseen_under_two),
        *(gap for route in SIGNPOSTS if (gap := _without_signpost(route, service_map, policy, on))),
        *(Gap(GapKind.EXPIRED, service=each) for each in service_map.services if not each.is_live(on)),
        *(Gap(GapKind.EXPIRES_SOON, service=each) for each in service_map.services if each.expires_soon(on)),
    ]


def _without_service(level: Level, live: Iterable[MappedService], policy: Policy) -> Iterator[Gap]:
    """Ages at which nobody of this level sees families, with the wards where that is so."""
    candidates = [each for each in live if each.level is level and each.for_whom is ForWhom.FAMILIES]
    wards: dict[Ages, list[str]] = {}
    for ward in policy.ward_by_code:
        here = [service for service in candidates if service.is_in(ward)]
        for ages in _unseen_ages(here, until=policy.age.support_ends_months):
            wards.setdefault(ages, []).append(ward)
    for ages in sorted(wards):
        yield Gap(GapKind.NO_SERVICE, level=level, ages=ages, wards=_some(wards[ages], policy))


def _unseen_ages(services: Iterable[MappedService], *, until: int) -> list[Ages]:
    """Runs of months, from the start of pregnancy to the end of support, in which none of these sees a family."""
    missing = set(range(-PREGNANCY_MONTHS, until))
    missing.difference_update(month for service in services for month in _months_seen(service))
    starts = sorted(month for month in missing if month - 1 not in missing)
    ends = sorted(month + 1 for month in missing if month + 1 not in missing)
    return list(zip(starts, ends, strict=True))


def _months_seen(service: MappedService) -> Iterator[int]:
    for month in range(service.from_months, service.to_months):
        if service.sees_under_twos or not 0 <= month < UNDER_TWO_MONTHS:
            yield month


def _without_signpost(route: Route, service_map: ServiceMap, policy: Policy, on: date) -> Gap | None:
    """Families who wait are told of services in their ward; on the other routes the ward may not be known."""
    if route is not Route.PHASE_HOLD:
        return None if service_map.signposts(route, ward=None, on=on) else Gap(GapKind.NO_SIGNPOST, route=route)
    waiting = [ward for ward in policy.ward_by_code if not policy.is_open(ward, on)]
    missing = [ward for ward in waiting if not service_map.signposts(route, ward=ward, on=on)]
    return Gap(GapKind.NO_SIGNPOST, route=route, wards=_some(missing, policy)) if missing else None


def _some(wards: list[str], policy: Policy) -> tuple[str, ...]:
    return () if len(wards) == len(policy.wards) else tuple(wards)
