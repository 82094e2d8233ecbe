"""What is looked at beside safety, whatever the area, age or consent: I3, I5, X2, A1 and the marks Q1-Q4.

I1 and I2 (the same referral sent again, or changed) belong to the intake: a rule never sees them.
"""

from __future__ import annotations

from typing import Final

from services.triage.rules.model import Case, Finding, Rule, rule
from services.triage.rules.safety import HANDBOOK, WORKING_TOGETHER, is_held
from shared.events import Kind, Link, NhsNumber, PlaceQuality, Route, Urgency

TRAINING_OFFER: Final = "Nottingham 2021: training and consultation for other practitioners is part of the offer"


@rule("I3", source=HANDBOOK)
def duplicate(case: Case) -> Finding | None:
    """Another agency has an open referral of this family, perhaps: a person says so, and only then both are told."""
    if Link.DUPLICATE not in case.facts.links:
        return None
    return Finding(
        text="Another team has asked for help for this family too. A person will bring both together.",
        used={"links": [str(Link.DUPLICATE)]},
        routes=(Route.REVIEW_DUPLICATE,),
    )


@rule("I5", source=TRAINING_OFFER)
def enquiry(case: Case) -> Finding | None:
    """From a practitioner who asks for a consultation or training: the route of that name."""
    if case.facts.kind is Kind.FAMILY:
        return None
    is_training = case.facts.kind is Kind.TRAINING
    return Finding(
        text="Thank you for asking us to train your team. We will be in touch to plan it."
        if is_training
        else "Thank you for asking us to think this through with you. We will be in touch soon.",
        used={"kind": str(case.facts.kind)},
        routes=(Route.TRAINING if is_training else Route.CONSULTATION,),
    )


@rule("X2", source=f"{WORKING_TOGETHER} (a parent under 16 is a child too); 16 years: {HANDBOOK}")
def very_young_parent(case: Case) -> Finding | None:
    """Parent under `young_carer_years`: the safeguarding lead looks as well."""
    age = case.facts.carer_age
    if age is None or age >= case.policy.priority.young_carer_years:
        return None
    return Finding(
        text="The parent is very young. Someone who knows how to help young parents will look at this too.",
        used={"carer_age": age},
        routes=(Route.SAFEGUARDING_LEAD,),
    )


@rule("A1", source=HANDBOOK)
def safety_words(case: Case) -> Finding | None:
    """Safety words in the notes, no hold: somebody reads them within a working day."""
    if not case.facts.safety_words or is_held(case.facts):
        return None
    return Finding(
        text="Some words in the notes need a careful eye. A person will read them by the next working day.",
        used={"safety_words": True},
        routes=(Route.REVIEW,),
        urgency=Urgency.WORKING_DAY,
    )


@rule("Q1", source="NHS Data Dictionary: NHS number check digit (modulus 11); all-same digits are placeholders")
def nhs_number_to_check(case: Case) -> Finding | None:
    """Wrong check digit, or ten times the same digit: a mark."""
    if case.facts.nhs_number is not NhsNumber.INVALID:
        return None
    return Finding(
        text="The NHS number does not look right. This changes nothing for the family; we will check it.",
        used={"nhs_number": str(NhsNumber.INVALID)},
    )


@rule("Q2", source="ONS postcode directory: date of termination")
def old_postcode(case: Case) -> Finding | None:
    """Terminated postcode: a mark; its last ward counts."""
    if case.facts.place.quality is not PlaceQuality.TERMINATED:
        return None
    return Finding(
        text="The postcode is an old one. We use the area it was in, and will ask for the new one.",
        used={"quality": str(PlaceQuality.TERMINATED)},
    )


@rule("Q3", source=HANDBOOK)
def came_back(case: Case) -> Finding | None:
    """Back after an earlier episode ended: a mark, and a new episode."""
    if Link.RE_REFERRAL not in case.facts.links:
        return None
    return Finding(
        text="The family has been with us before and is welcome back.", used={"links": [str(Link.RE_REFERRAL)]}
    )


@rule("Q4", source=HANDBOOK)
def sent_again(case: Case) -> Finding | None:
    """From the same agency there is an open referral of this family: a mark."""
    if Link.REPEAT not in case.facts.links:
        return None
    return Finding(
        text="The same team has asked us before, and that request is still open. We keep the two side by side.",
        used={"links": [str(Link.REPEAT)]},
    )


MARKS: Final[tuple[Rule, ...]] = (nhs_number_to_check, old_postcode, came_back, sent_again)
