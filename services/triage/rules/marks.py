"""What is looked at beside safety, whatever the area, age or consent (I3, I5, X2, A1), and the marks Q1-Q4 and M1-M8.

Marks change how soon, never whether or how much. I1 and I2 (the same referral sent again, or changed) belong to the
intake: a rule never sees them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.triage.rules.model import Case, Finding, Rule, codes, days_pregnant, months_old, rule
from services.triage.rules.safety import HANDBOOK, WORKING_TOGETHER
from shared.events import Carer, Kind, Link, NhsNumber, PlaceQuality, Route, Urgency

TRAINING_OFFER: Final = "Nottingham 2021: training and consultation for other practitioners is part of the offer"


def _linked(case: Case, link: Link, text: str, *routes: Route) -> Finding | None:
    return Finding(text=text, used={"links": [str(link)]}, routes=routes) if link in case.facts.links else None


@rule("I3", source=HANDBOOK)
def duplicate(case: Case) -> Finding | None:
    """Another agency may have an open referral of this family. A person says so, and only then both are told."""
    return _linked(
        case,
        Link.DUPLICATE,
        "Another team has asked for help for this family too. A person will bring both together.",
        Route.REVIEW_DUPLICATE,
    )


@rule("I5", source=TRAINING_OFFER)
def enquiry(case: Case) -> Finding | None:
    """A practitioner asks for a consultation or training."""
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
    """Safety words in the notes, and no other work for safety. Somebody reads them within a working day."""
    if not case.facts.safety_words or case.facts.tells_of_danger:
        return None
    return Finding(
        text="Some words in the notes need a careful eye. A person will read them by the next working day.",
        used={"safety_words": True},
        routes=(Route.REVIEW,),
        urgency=Urgency.WORKING_DAY,
    )


@rule("Q1", source="NHS Data Dictionary: NHS number check digit (modulus 11); all-same digits are placeholders")
def nhs_number_to_check(case: Case) -> Finding | None:
    """An NHS number with a wrong check digit, or ten times the same digit: a mark."""
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
    return _linked(case, Link.RE_REFERRAL, "The family has been with us before and is welcome back.")


@rule("Q4", source=HANDBOOK)
def sent_again(case: Case) -> Finding | None:
    """From the same agency there is an open referral of this family: a mark."""
    return _linked(
        case,
        Link.REPEAT,
        "The same team has asked us before, and that request is still open. We keep the two side by side.",
    )


MARKS: Final[tuple[Rule, ...]] = (nhs_number_to_check, old_postcode, came_back, sent_again)


@rule("M1", source=f"{HANDBOOK}; 196 days = 28 weeks; six months")
def early_days(case: Case) -> Finding | None:
    """From `late_pregnancy_days` pregnant, or born and under `young_baby_months`: first contact sooner."""
    born_on, due_on = case.facts.infant.born_on, case.facts.infant.unborn_due_on
    text = "These first weeks matter most, so we aim to be in touch sooner."
    if due_on is not None:
        pregnant = days_pregnant(due_on, case.on, case.policy.age)
        if pregnant >= case.policy.priority.late_pregnancy_days:
            return Finding(text=text, used={"due_on": due_on.isoformat(), "days_pregnant": pregnant})
    if born_on is not None and (months := months_old(born_on, case.on)) < case.policy.priority.young_baby_months:
        return Finding(text=text, used={"born_on": born_on.isoformat(), "months_old": months})
    return None


@rule("M2", source=f"{HANDBOOK}; 42 days = six weeks")
def due_soon(case: Case) -> Finding | None:
    """Unborn and due within `due_soon_days`, the due date passed included."""
    due_on = case.facts.infant.unborn_due_on
    if due_on is None or (days := (due_on - case.on).days) > case.policy.priority.due_soon_days:
        return None
    return Finding(
        text="The baby is due soon, so we will look at this first.",
        used={"due_on": due_on.isoformat(), "days_to_due_date": days},
        urgency=Urgency.URGENT,
    )


@rule("M3", source=HANDBOOK)
def more_than_one_baby(case: Case) -> Finding | None:
    """Twins or more: one family, several babies."""
    count = case.facts.infant.count
    if count <= 1:
        return None
    return Finding(text="There is more than one baby. We plan the help for all of them.", used={"count": count})


@rule("M4", source=HANDBOOK)
def sibling_with_us(case: Case) -> Finding | None:
    """A brother or sister has an open episode. The same practitioner is suggested."""
    return _linked(
        case, Link.SIBLING_OPEN, "We know a brother or sister of this baby. The same worker may be able to help."
    )


@rule("M5", source="Nottingham 2021: fathers matter as much as mothers")
def father(case: Case) -> Finding | None:
    """Carer is the father."""
    if case.facts.carer is not Carer.FATHER:
        return None
    return Finding(
        text="Dads matter as much as mums. The help is planned with him in mind.", used={"carer": str(Carer.FATHER)}
    )


@rule("M6", source="NHS Accessible Information Standard (DCB1605)")
def accessible_information(case: Case) -> Finding | None:
    """Language, British Sign Language, easy read or another format is needed."""
    if not case.facts.accessible_information:
        return None
    return Finding(
        text="We will write and talk in the way that works best for the family.", used={"accessible_information": True}
    )


@rule("M7", source=f"{HANDBOOK}; 22 months")
def time_is_short(case: Case) -> Finding | None:
    """From `time_short_months` old: urgent, before support ends."""
    born_on = case.facts.infant.born_on
    if born_on is None or (months := months_old(born_on, case.on)) < case.policy.priority.time_short_months:
        return None
    return Finding(
        text="There are only a few weeks left for this help, so we will look at it first.",
        used={"born_on": born_on.isoformat(), "months_old": months},
        urgency=Urgency.URGENT,
    )


@rule("M8", source="Nottingham 2021: delivery in line with team capacity, group work adjusted to demand")
def waiting_list(case: Case, routes: Sequence[Route]) -> Finding | None:
    """A team of the decision is full: a waiting list and an interim group offer; the level of support never drops."""
    full = [route for route in routes if route in case.facts.full_routes]
    if not full:
        return None
    return Finding(
        text="A team is full right now. The family keeps its place in line and can join a group while they wait.",
        used={"full_routes": codes(full)},
    )


MODIFIERS: Final[tuple[Rule, ...]] = (
    early_days,
    due_soon,
    more_than_one_baby,
    sibling_with_us,
    father,
    accessible_information,
    time_is_short,
)
"""M1-M7; M8 needs the routes and comes last."""
