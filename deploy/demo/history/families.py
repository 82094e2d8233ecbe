"""Who is referred: an invented family as its agency tells of it, read as the intake reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from deploy.demo.chance import Chance, Weighed
from deploy.demo.families.case_mix import CASE_MIX
from deploy.demo.families.hand import Hand, postcodes
from deploy.demo.families.inventing import first_referral
from deploy.demo.families.special_cases import ELSEWHERE, IN_NO_FILE
from deploy.demo.history.agencies import AGENCIES, Agency
from deploy.demo.history.seasons import Season
from services.referral.document.read import read_referral
from services.referral.facts import facts_of, monitoring_of
from services.referral.postcodes.lookup import HomeLocation, location_of, place_of
from shared.events import Facts, Monitoring, PlaceQuality
from shared.policy import Policy

Wards = Mapping[str, float]
"""Ward code → weight."""

_CLOSED_SHARE: Final = 0.14
"""Of all referrals from homes in the area, those from wards that are not open."""
_NEXT_SMALLER: Final = 0.62
"""Each ward sends so much of what the one before it sends: the last are tiny."""
_NEXT_AMONG_CLOSED: Final = 0.8

_DECILES: Final[Weighed[int | None]] = (
    *((1, 31), (2, 20), (3, 13), (4, 8), (5, 6), (6, 5), (7, 4), (8, 3), (9, 1.5), (10, 0.5)),
    (None, 10),
)
"""Most live in the most deprived areas of the country; of one in ten it is not known."""
_NOT_SAID: Final = 0.12
"""How often nobody says whether the parent was asked."""
_LANGUAGES: Final[Weighed[str | None]] = (("en", 75), ("en-GB", 19), (None, 6))
"""Of whom the referral says no other."""


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


def a_family(chance: Chance, at: datetime, *, season: Season, policy: Policy, wards: Wards) -> Family:
    """One referred then, with at most one thing out of the ordinary. Who lives in the area lives in one of `wards`.

    The files of postcodes are not asked: they know one city alone by ward, and take a third of a second to read.
    """
    hand = Hand(chance.random, at, tuple(postcodes()))
    agency = chance.weighed([(each, each.share) for each in AGENCIES])
    value = first_referral("PRACTICE", hand, chance.weighed(CASE_MIX)).body
    if "concern" in value:
        asked = None if chance.happens(_NOT_SAID) else chance.happens(season.parent_was_asked)
        value["concern"] = value["concern"] | {"parent_was_asked": asked}
    value["caregivers"][0].setdefault("preferred_language", chance.weighed(_LANGUAGES))
    said = read_referral(value, now=at)
    ward = chance.weighed(list(wards.items()))
    home = location_of(said.document.home, partial(_look_up, ward=ward, authority=policy.authority))
    facts = facts_of(said.document, source_of_agency=agency.source, place=home.place, today=hand.on, policy=policy)
    monitoring = monitoring_of(said.document, deprivation_decile=chance.weighed(_DECILES))
    return Family(agency, facts, monitoring, said.gaps)


def _look_up(postcode: str, *, ward: str, authority: str) -> HomeLocation:
    """Any postcode of the area is in that ward."""
    if postcode == IN_NO_FILE:
        return HomeLocation(place_of(None, None, PlaceQuality.UNKNOWN))
    if postcode in ELSEWHERE:
        return HomeLocation(place_of(None, ELSEWHERE[postcode], PlaceQuality.KNOWN))
    return HomeLocation(place_of(ward, authority, PlaceQuality.KNOWN))
