"""An ordinary family, before anything out of the ordinary is known of it: baby, parents, home, consent, need."""

from __future__ import annotations

from typing import Any, Final

from deploy.demo.families.hand import Hand
from deploy.demo.families.names import COMMUNITIES, Community
from deploy.demo.families.needs import Family, add_need

_AGES: Final = ((None, 14), ((3, 30), 12), ((31, 180), 30), ((181, 364), 22), ((365, 665), 16), ((675, 725), 6))
"""Days since the birth, and weights; None is a baby not born yet. The last have little time left (M7)."""

REFERRERS: Final = {
    "health-visiting": (("Ada Okoro", "Health visitor"), ("Bryn Talbot", "Health visitor")),
    "midwifery": (("Dilys Amankwah", "Midwife"), ("Erin Foxhall", "Specialist midwife")),
    "social-care": (("Femi Lockwood", "Social worker"), ("Greta Sandiford", "Social worker")),
    "early-help": (("Hugh Parminter", "Family support worker"), ("Ines Calloway", "Family support worker")),
    "nursery": (("Joy Tattersall", "Nursery manager"), ("Kit Brackenbury", "Key person")),
}
"""Agency → who writes there: name and role."""
_OF_BORN: Final = (("health-visiting", 50), ("early-help", 18), ("social-care", 12), ("nursery", 10), ("midwifery", 10))
_OF_UNBORN: Final = (("midwifery", 8), ("health-visiting", 1), ("social-care", 1))


def ordinary_family(hand: Hand) -> tuple[str, Family]:
    """Slug of the agency that refers, and the referral, with both parents."""
    community = hand.weighed([(each, each.share) for each in COMMUNITIES])
    baby = _baby(hand, community)
    agency = hand.weighed(_OF_BORN if "date_of_birth" in baby else _OF_UNBORN)
    parents = [_mother(hand, community), _person(hand, "father", hand.of(community.men), community)]
    for parent in parents:
        parent["family_name"] = baby["family_name"]
    family: Family = {
        "referrer": referrer(hand, agency),
        "babies": [baby],
        "caregivers": parents,
        "home": hand.home(hand.open_wards or hand.closed_wards),
        "consent": {"status": "given", "recorded_at": hand.hours_ago(1, 90)},
    }
    add_need(family, hand)
    return agency, family


def referrer(hand: Hand, agency: str) -> dict[str, Any]:
    """One of the agency's practitioners."""
    name, role = hand.of(REFERRERS[agency])
    email = f"{name.lower().replace(' ', '.')}@example.org"
    return {"name": name, "role": role, "email": email, "phone": f"0115 496 0{hand.of(range(110, 190))}"}


def _baby(hand: Hand, community: Community) -> dict[str, Any]:
    family_name, age = hand.of(community.families), hand.weighed(_AGES)
    if age is None:
        return {"family_name": family_name, "due_on": hand.in_days(10, 150)}
    baby: dict[str, Any] = {
        "given_name": hand.of(community.babies),
        "family_name": family_name,
        "date_of_birth": hand.days_ago(*age),
        "sex": hand.of(("1", "2")),
        "ethnic_category": _ethnicity(hand, community),
    }
    return baby | ({"nhs_number": hand.nhs_number()} if hand.happens(0.85) else {})


def _mother(hand: Hand, community: Community) -> dict[str, Any]:
    mother = _person(hand, "mother", hand.of(community.women), community)
    if community.language and hand.happens(0.45):
        mother |= {"preferred_language": community.language, "interpreter_needed": hand.happens(0.6)}
    return mother


def _person(hand: Hand, relationship: str, given: str, community: Community) -> dict[str, Any]:
    person: dict[str, Any] = {
        "relationship": relationship,
        "given_name": given,
        "date_of_birth": hand.days_ago(19 * 366, 42 * 365),
        "ethnic_category": _ethnicity(hand, community),
    }
    return person | ({"phone": hand.mobile()} if hand.happens(0.8) else {})


def _ethnicity(hand: Hand, community: Community) -> str:
    """Z is not stated, 99 not known."""
    return hand.weighed(((hand.of(community.ethnicities), 20), ("Z", 1), ("99", 1)))
