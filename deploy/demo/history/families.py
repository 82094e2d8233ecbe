"""Who is referred: the coded facts of an invented family, its equality codes, and what its referrer left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from deploy.demo.history.agencies import AGENCIES, Agency
from deploy.demo.history.chance import Chance, Weighed
from deploy.demo.history.people import carer_of, monitoring_of
from deploy.demo.history.seasons import Season
from deploy.demo.history.twists import TWISTS
from shared.events import (
    ComplexHistory,
    Concern,
    Consent,
    Domain,
    Facts,
    Infant,
    MentalHealth,
    Monitoring,
    NhsNumber,
    Place,
    PlaceQuality,
    RiskFactor,
    Severity,
)
from shared.policy import Policy

Wards = Mapping[str, float]
"""Ward code → weight."""

GAPS: Final = (
    "/babies/0/nhs_number",
    "/babies/0/ethnic_category",
    "/caregivers/0/date_of_birth",
    "/caregivers/0/phone",
    "/concern/parent_was_asked",
    "/home/postcode",
)
_CLOSED_SHARE: Final = 0.14
"""Of all referrals from homes in the area, those from wards that are not open."""
_NEXT_SMALLER: Final = 0.62
"""Each ward sends so much of what the one before it sends: the last are tiny."""
_NEXT_AMONG_CLOSED: Final = 0.8

_NEED: Final[Weighed[tuple[Severity, int, int, int]]] = (
    ((Severity.NONE, 0, 0, 0), 9),
    ((Severity.MILD, 0, 1, 0), 26),
    ((Severity.NONE, 0, 3, 0), 4),
    ((Severity.MODERATE, 1, 2, 0), 34),
    ((Severity.MILD, 2, 2, 0), 6),
    ((Severity.SEVERE, 2, 3, 0), 8),
    ((Severity.SEVERE, 4, 4, 0), 7),
    ((Severity.SEVERE, 3, 3, 1), 6),
)
"""Severity with the number of domains, risk factors and kinds of complex history, and how often it is referred."""
_MENTAL_HEALTH: Final[Weighed[MentalHealth]] = (
    (MentalHealth.NONE, 74),
    (MentalHealth.MILD, 15),
    (MentalHealth.MODERATE, 7),
    (MentalHealth.SEVERE, 2),
    (MentalHealth.SEVERE_HISTORY_WELL, 2),
)


@dataclass(frozen=True, slots=True)
class Family:
    """As its referrer tells of it."""

    agency: Agency
    facts: Facts
    monitoring: Monitoring
    gaps: tuple[str, ...]


def default_wards(policy: Policy) -> Wards:
    """Those that are open send most, each less than the one before; the others little, the last next to nothing."""
    opened = [ward.code for ward in policy.wards if ward.opens_on]
    closed = [ward.code for ward in policy.wards if not ward.opens_on]
    weights = dict(zip(opened, _falling(len(opened), _NEXT_SMALLER), strict=True))
    rest = zip(closed, _falling(len(closed), _NEXT_AMONG_CLOSED), strict=True)
    return weights | {code: weight * _CLOSED_SHARE / (1 - _CLOSED_SHARE) for code, weight in rest}


def _falling(count: int, ratio: float) -> list[float]:
    raw = [ratio**place for place in range(count)]
    return [weight / sum(raw) for weight in raw]


def a_family(chance: Chance, on: date, *, season: Season, policy: Policy, wards: Wards) -> Family:
    """One referred on that day; at most one thing about it is out of the ordinary."""
    agency = chance.weighed([(each, each.share) for each in AGENCIES])
    severity, domains, risks, histories = chance.weighed(_NEED)
    carer, age = carer_of(chance)
    members: dict[str, Any] = {
        "source": agency.source,
        "infant": _infant(chance, on),
        "place": Place(
            ward=chance.weighed(list(wards.items())), authority=policy.authority, quality=PlaceQuality.KNOWN
        ),
        "consent": Consent.GIVEN,
        "concern": Concern(severity=severity, domains=chance.some(tuple(Domain), domains, domains)),
        "risk_factors": chance.some(tuple(RiskFactor), risks, risks + 1 if risks > 1 else risks),
        "complex_history": chance.some(tuple(ComplexHistory), histories, histories),
        "mental_health": chance.weighed(_MENTAL_HEALTH),
        "carer": carer,
        "carer_age": age,
        "accessible_information": chance.happens(0.06),
        "nhs_number": chance.weighed(((NhsNumber.VALID, 84), (NhsNumber.ABSENT, 14), (NhsNumber.INVALID, 2))),
    }
    members |= chance.weighed(TWISTS)(chance, on)
    return Family(agency, Facts(**members), monitoring_of(chance, season), gaps_of(chance, agency, season))


def gaps_of(chance: Chance, agency: Agency, season: Season) -> tuple[str, ...]:
    """What was left out, as JSON pointers; nothing where all was told."""
    if not chance.happens((1 - season.whole) * agency.gaps):
        return ()
    return chance.some(GAPS, 1, 3)


def _infant(chance: Chance, on: date) -> Infant:
    """One in seven not born yet; most of the others in their first year."""
    count = 2 if chance.happens(0.02) else 1
    if chance.happens(0.14):
        return Infant(due_on=on + timedelta(days=chance.between(-10, 170)), count=count)
    ages: Weighed[tuple[int, int]] = (
        ((2, 60), 24),
        ((61, 183), 28),
        ((184, 364), 26),
        ((365, 660), 17),
        ((661, 728), 5),
    )
    return Infant(born_on=on - timedelta(days=chance.between(*chance.weighed(ages))), count=count)
