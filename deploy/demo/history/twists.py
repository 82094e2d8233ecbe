"""What can be out of the ordinary about a referral: a danger, a date or an address in doubt, consent not asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

from deploy.demo.history.chance import Chance, Weighed
from shared.events import (
    CareStatus,
    Circumstance,
    Concern,
    Consent,
    Infant,
    MentalHealth,
    Place,
    PlaceQuality,
    Safety,
    Severity,
    Tier,
)

Twist = Callable[[Chance, date], dict[str, Any]]
"""Members of the facts that differ from an ordinary family's, referred on that day."""

GEDLING: Final = "E07000173"
RUSHCLIFFE: Final = "E07000176"
_ELSEWHERE: Final = (
    Place(authority=GEDLING, quality=PlaceQuality.KNOWN),
    Place(ward="E05009684", authority=GEDLING, quality=PlaceQuality.KNOWN),
    Place(authority=RUSHCLIFFE, quality=PlaceQuality.KNOWN),
)
"""Next door, with and without a ward."""


def _plain(**members: Any) -> Twist:
    return lambda _chance, _on: members


def _elsewhere(chance: Chance, _: date) -> dict[str, Any]:
    return {"place": chance.of(_ELSEWHERE)}


def _placeless(chance: Chance, _: date) -> dict[str, Any]:
    unknown = (PlaceQuality.UNKNOWN, PlaceQuality.MISSING, PlaceQuality.NO_FIXED_ABODE, PlaceQuality.WITHHELD)
    return {"place": Place(quality=chance.of(unknown))}


def _born(least: int, most: int) -> Twist:
    """Born so many days before."""
    return lambda chance, on: {"infant": Infant(born_on=on - timedelta(days=chance.between(least, most)))}


def _asked_for_more(_: Chance, __: date) -> dict[str, Any]:
    concern = Concern(severity=Severity.NONE)
    return {
        "concern": concern,
        "risk_factors": (),
        "complex_history": (),
        "mental_health": MentalHealth.NONE,
        "requested_tier": Tier.SPECIALIST_LONG,
    }


TWISTS: Final[Weighed[Twist]] = (
    (_plain(), 63),
    (_plain(concern=Concern(severity=Severity.UNKNOWN), complex_history=()), 7),
    (_plain(consent=Consent.NOT_SOUGHT), 4),
    (_plain(safety=(Safety.DOMESTIC_ABUSE,)), 4),
    (_plain(safety=(Safety.SIGNIFICANT_HARM,)), 3.5),
    (_elsewhere, 3),
    (_placeless, 3),
    (_plain(care_status=CareStatus.CP_PLAN), 2.5),
    (_born(765, 1400), 2.5),
    (_plain(safety_words=True), 1.5),
    (_asked_for_more, 1.5),
    (_plain(mental_health=MentalHealth.SELF_HARM_NEW), 1.2),
    (_plain(consent=Consent.REFUSED), 1),
    (_born(732, 750), 0.8),
    (_plain(safety=(Safety.IMMEDIATE_DANGER,)), 0.7),
    (_plain(infant=Infant()), 0.7),
    (_plain(circumstances=(Circumstance.PLANNED_MOVE_OUT,)), 0.6),
    (_plain(circumstances=(Circumstance.INFANT_DIED,)), 0.5),
    (_plain(carer_age=15), 0.4),
)
"""Each with its weight; the first is none."""
