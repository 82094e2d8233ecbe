"""The place rules: exactly one of them fires, the first of `PLACE` that fits. *Own* is the policy's authority."""

from __future__ import annotations

from typing import Final

from services.triage.rules.model import Case, Finding, Rule, Used, rule
from services.triage.rules.safety import HANDBOOK, LOOKED_AFTER
from shared.events import Eligibility, PlaceQuality, Route
from shared.policy import Ward

PHASES: Final = "Nottingham 2021: year one in four wards, then the whole city"

PLACELESS: Final = frozenset(
    {PlaceQuality.UNKNOWN, PlaceQuality.MISSING, PlaceQuality.NO_FIXED_ABODE, PlaceQuality.WITHHELD}
)
PLACE_IN_DOUBT: Final = frozenset({"E11", "E12"})


def _own_ward(case: Case) -> Ward | None:
    """Own ward, when it is one of the policy's (those that are current today)."""
    ward = case.facts.place.ward
    return case.policy.ward_by_code.get(ward) if ward else None


def _used(case: Case) -> Used:
    place = case.facts.place
    return {"ward": place.ward, "authority": place.authority, "quality": str(place.quality)}


@rule("E11", source="Working Together to Safeguard Children 2023: responsible authority of a looked-after child")
def looked_after(case: Case) -> Finding | None:
    """Looked-after child, of this authority or another: a person finds out who is responsible."""
    if case.facts.care_status not in LOOKED_AFTER:
        return None
    return Finding(
        text="A council looks after this baby. A person will find out which council can help best.",
        used={"care_status": str(case.facts.care_status), **_used(case)},
        routes=(Route.REVIEW_RESPONSIBLE,),
        eligibility=Eligibility.PROVISIONAL,
    )


def _is_unclear(case: Case) -> bool:
    place = case.facts.place
    if place.quality in PLACELESS:
        return True
    return place.authority in (None, case.policy.authority) and _own_ward(case) is None


@rule("E12", source=f"{HANDBOOK}: nobody is declined for lack of an address")
def place_unclear(case: Case) -> Finding | None:
    """No usable address, no authority (a current own ward tells it), or ours without a current ward."""
    if not _is_unclear(case):
        return None
    return Finding(
        text="We do not know where home is right now. A person will work it out, and no one loses out.",
        used=_used(case),
        routes=(Route.REVIEW_LOCATION,),
        eligibility=Eligibility.PROVISIONAL,
    )


@rule("E10", source="Both councils' papers: the service is for the council's own area")
def another_area(case: Case) -> Finding | None:
    """Another authority, with a usable address."""
    authority = case.facts.place.authority
    if authority in (None, case.policy.authority):
        return None
    return Finding(
        text=f"Home is outside {case.policy.authority_name}. We will say who can help where the family lives.",
        used=_used(case),
        routes=(Route.SIGNPOST_AREA,),
        eligibility=Eligibility.NOT_ELIGIBLE,
    )


@rule("E8", source=PHASES)
def ward_open(case: Case) -> Finding | None:
    """Own, and the ward is open on the day of receipt: its first day is in."""
    ward = _own_ward(case)
    if ward is None or ward.opens_on is None or ward.opens_on > case.on:
        return None
    return Finding(
        text=f"Home is in {ward.name}, where this service is open.",
        used={"ward": ward.code, "opens_on": ward.opens_on.isoformat(), "received_on": case.on.isoformat()},
    )


@rule("E9", source=PHASES)
def ward_not_open_yet(case: Case) -> Finding | None:
    """Own, and the ward isn't open yet: no decline; the referral waits and is released when the ward opens."""
    ward = _own_ward(case)
    if ward is None:
        return None
    opens = ward.opens_on
    when = f"It opens there on {opens.day} {opens:%B %Y}." if opens else "We do not have a date yet."
    return Finding(
        text=f"Home is in {ward.name}. {when} We keep the request safe, and talk now with those who help the family.",
        used={"ward": ward.code, "opens_on": opens.isoformat() if opens else None, "received_on": case.on.isoformat()},
        routes=(Route.PHASE_HOLD, Route.CONSULTATION),
        eligibility=Eligibility.NOT_YET,
    )


PLACE: Final[tuple[Rule, ...]] = (looked_after, place_unclear, another_area, ward_open, ward_not_open_yet)
"""In the order in which they are tried; each relies on the ones before it not fitting."""
