"""Safety rules S1-S8 and the contact holds: looked at for every family, whatever its area, age or consent."""

from __future__ import annotations

from typing import Any, Final

from pydantic import JsonValue

from services.triage.rules.model import Case, Finding, Rule, codes, days_pregnant, rule
from shared import contact_holds
from shared.events import LOSSES, RED_FLAGS, CareStatus, Facts, MentalHealth, Route, Safety, Tier, Urgency

WORKING_TOGETHER: Final = "Working Together to Safeguard Children 2023"
RED_FLAG_LIST: Final = "Maternal red flags of published perinatal service criteria"
HANDBOOK: Final = "Rules version 1, to be signed off by a clinical lead"

DANGER: Final = frozenset({Safety.IMMEDIATE_DANGER, Safety.INJURY_NONMOBILE})
LOOKED_AFTER: Final = frozenset({CareStatus.LAC_OWN_LA, CareStatus.LAC_OTHER_LA})
KNOWN_TO_SOCIAL_CARE: Final = frozenset({CareStatus.CP_PLAN, CareStatus.PREBIRTH})


def is_bereaved(facts: Facts) -> bool:
    """Tell whether the baby died or the pregnancy ended (S8)."""
    return not LOSSES.isdisjoint(facts.circumstances)


def is_long_overdue(case: Case) -> bool:
    """Tell whether the birth is so long overdue that the baby may have died (E2)."""
    return contact_holds.is_long_overdue(case.facts.infant, case.on, case.policy.age)


def mash(case: Case) -> tuple[Route, ...]:
    """Front door of safeguarding: ours, or the home authority's if another is named; both for a looked-after child."""
    if case.facts.care_status in LOOKED_AFTER:
        return (Route.MASH, Route.MASH_HOME_LA)
    authority = case.facts.place.authority
    return (Route.MASH if authority in (None, case.policy.authority) else Route.MASH_HOME_LA,)


def _told(case: Case, code: Safety, text: str, **decides: Any) -> Finding | None:
    return Finding(text=text, used={"safety": [str(code)]}, **decides) if code in case.facts.safety else None


@rule("S1", source=WORKING_TOGETHER)
def immediate_danger(case: Case) -> Finding | None:
    """Danger now, or an injury in a baby who can't move about yet: ring 999 and children's social care, now."""
    if DANGER.isdisjoint(case.facts.safety):
        return None
    return Finding(
        text=f"A baby may be hurt or in danger. Please ring {case.policy.ring[0].phone} now. We act at once too.",
        used={"safety": codes([code for code in case.facts.safety if code in DANGER])},
        routes=(Route.EMERGENCY_CALL, *mash(case)),
        urgency=Urgency.NOW,
        tier=Tier.STATUTORY,
    )


@rule("S2", source=WORKING_TOGETHER)
def significant_harm(case: Case) -> Finding | None:
    """Significant harm to a child: children's social care within one working day."""
    text = "There is a worry about a child's safety. Social care will be asked to help keep everyone safe."
    decides: dict[str, Any] = {"routes": mash(case), "urgency": Urgency.WORKING_DAY, "tier": Tier.STATUTORY}
    return _told(case, Safety.SIGNIFICANT_HARM, text, **decides)


@rule("S3", source=WORKING_TOGETHER)
def known_to_social_care(case: Case) -> Finding | None:
    """Child protection plan or pre-birth assessment: a person joins the plan, no second report is made."""
    if case.facts.care_status not in KNOWN_TO_SOCIAL_CARE:
        return None
    return Finding(
        text="A social worker already helps this family. We will join their plan, so no one has to start again.",
        used={"care_status": str(case.facts.care_status)},
        routes=(Route.SOCIAL_WORKER_LINK,),
    )


@rule("S4", source=f"{WORKING_TOGETHER} (pre-birth assessment); 196 days = 28 weeks: {HANDBOOK}")
def prebirth_plan_late_in_pregnancy(case: Case) -> Finding | None:
    """Pre-birth assessment and no birth date, from `late_pregnancy_days` pregnant: urgent."""
    due_on = case.facts.infant.unborn_due_on
    if case.facts.care_status is not CareStatus.PREBIRTH or due_on is None:
        return None
    pregnant = days_pregnant(due_on, case.on, case.policy.age)
    if pregnant < case.policy.priority.late_pregnancy_days:
        return None
    return Finding(
        text="The birth is near and a plan is being made. We look at this soon, so help is ready in time.",
        used={"care_status": str(CareStatus.PREBIRTH), "due_on": due_on.isoformat(), "days_pregnant": pregnant},
        urgency=Urgency.URGENT,
    )


@rule("S5", source=RED_FLAG_LIST)
def maternal_red_flag(case: Case) -> Finding | None:
    """A red flag of mental health around birth: the crisis team comes in within four hours.

    Feeling far away from the baby is one, though it looks like a common worry about bonding.
    """
    if case.facts.mental_health not in RED_FLAGS:
        return None
    return Finding(
        text="The parent needs quick and kind help with how they feel. A mental health team will be asked today.",
        used={"mental_health": str(case.facts.mental_health)},
        routes=(Route.PNMH_EMERGENCY,),
        urgency=Urgency.FOUR_HOURS,
        tier=Tier.PNMH,
    )


@rule("S6", source=f"{RED_FLAG_LIST}; {WORKING_TOGETHER}")
def plan_to_harm_the_baby(case: Case) -> Finding | None:
    """Thoughts of harming the baby with a plan: children's social care as well as the crisis team."""
    if case.facts.mental_health is not MentalHealth.HARM_BABY_PLAN:
        return None
    return Finding(
        text="Hard thoughts can come with illness, and help works. Social care joins in, so parent and baby are safe.",
        used={"mental_health": str(MentalHealth.HARM_BABY_PLAN)},
        routes=mash(case),
    )


@rule("S7", source=f"{WORKING_TOGETHER}; Domestic Abuse Act 2021 (children are victims in their own right)")
def domestic_abuse(case: Case) -> Finding | None:
    """Domestic abuse is never a reason to decline. The words don't name it: somebody else at home may read them."""
    text = "A person will plan this support with care, in a way that is safe for the family."
    return _told(case, Safety.DOMESTIC_ABUSE, text)


@rule("S8", source=HANDBOOK)
def bereavement(case: Case) -> Finding | None:
    """After a death or a lost pregnancy a person decides all. Neutral words: the referrer's team reads them."""
    if not is_bereaved(case.facts):
        return None
    return Finding(
        text="A person will look after this referral with care and will speak with the team that sent it.",
        used={"circumstances": codes([code for code in case.facts.circumstances if code in LOSSES])},
        routes=(Route.BEREAVEMENT_REVIEW,),
        urgency=Urgency.WORKING_DAY,
    )


@rule("C1", source=f"{HANDBOOK}; 14 days over the due date = 42 weeks")
def hold_contact_after_a_loss(case: Case) -> Finding | None:
    """After a loss, or when the baby may have died: nothing automatic reaches the home."""
    used: dict[str, JsonValue] = {"received_on": case.on.isoformat()}
    if is_bereaved(case.facts):
        used["circumstances"] = codes([code for code in case.facts.circumstances if code in LOSSES])
    elif is_long_overdue(case):
        used["due_on"] = str(case.facts.infant.due_on)
    else:
        return None
    return Finding(text="Nothing is sent to the family by itself. A person will choose each word.", used=used)


@rule("C2", source=f"{WORKING_TOGETHER}; {HANDBOOK}")
def hold_contact_under_domestic_abuse(case: Case) -> Finding | None:
    """Under domestic abuse nothing reaches the home by itself."""
    text = "Nothing is sent to the home by itself. A person will agree the best way to be in touch."
    return _told(case, Safety.DOMESTIC_ABUSE, text)


SAFETY: Final[tuple[Rule, ...]] = (
    immediate_danger,
    significant_harm,
    known_to_social_care,
    prebirth_plan_late_in_pregnancy,
    maternal_red_flag,
    plan_to_harm_the_baby,
    domestic_abuse,
)
"""S1-S7."""

DANGER_RULES: Final[tuple[Rule, ...]] = (immediate_danger, significant_harm, maternal_red_flag, plan_to_harm_the_baby)
"""S1, S2, S5 and S6: they come before all else, and are all that is looked at for an enquiry."""

CONTACT_HOLDS: Final[tuple[Rule, ...]] = (hold_contact_after_a_loss, hold_contact_under_domestic_abuse)
