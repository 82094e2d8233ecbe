"""Marks that change how soon, never whether or how much: M1-M8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.triage.rules.dates import days_pregnant, months_old, unborn_due_on
from services.triage.rules.model import Case, Finding, Rule, codes, rule
from services.triage.rules.safety import HANDBOOK
from shared.events import Carer, Link, Route, Urgency


@rule("M1", source=f"{HANDBOOK}; 196 days = 28 weeks; six months")
def early_days(case: Case) -> Finding | None:
    """From `late_pregnancy_days` pregnant, or born and under `young_baby_months`: first contact sooner."""
    born_on, due_on = case.facts.infant.born_on, unborn_due_on(case.facts.infant)
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
    due_on = unborn_due_on(case.facts.infant)
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
    """Brother or sister with an open episode: the same practitioner is suggested."""
    if Link.SIBLING_OPEN not in case.facts.links:
        return None
    return Finding(
        text="We know a brother or sister of this baby. The same worker may be able to help.",
        used={"links": [str(Link.SIBLING_OPEN)]},
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
    """Language, BSL, easy read or another format is needed."""
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
    """One of the decision's routes is full: a waiting list and an interim group offer; the tier never drops."""
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
