"""The need rules: how much help, from whom (N2-N8), and what sends the answer to a person (A2-A4, X1)."""

from __future__ import annotations

from typing import Final

from services.triage.rules.model import Case, Finding, Rule, Used, codes, rule
from services.triage.rules.safety import HANDBOOK
from shared.events import Carer, Circumstance, Consent, MentalHealth, Route, Severity, Tier, Urgency

LEVELS: Final = "Birmingham 2022: services mapped by level of need"
OXPIP: Final = "published criteria of parent-infant services (OXPIP)"
LANARKSHIRE: Final = "Lanarkshire's indicator counts"
PERINATAL: Final = "Published perinatal mental health service criteria"

LADDER: Final = (Tier.UNIVERSAL, Tier.TARGETED, Tier.SPECIALIST_SHORT, Tier.SPECIALIST_LONG)
"""The four tiers that have steps between them; `pnmh` and `statutory` stand beside."""

CARE_FOR_THE_ADULT: Final = frozenset({MentalHealth.MODERATE, MentalHealth.SEVERE, MentalHealth.SEVERE_HISTORY_WELL})
FAMILY_SOURCES: Final = frozenset({"B1", "B2"})
"""Who refers by NHS Data Dictionary code: a parent, a relative."""
HIGH: Final = frozenset({Severity.MODERATE, Severity.SEVERE})


def _domains(case: Case) -> int:
    return len(set(case.facts.concern.domains))


def _used(case: Case) -> Used:
    facts = case.facts
    return {
        "severity": str(facts.concern.severity),
        "domains": _domains(case),
        "risk_factors": len(set(facts.risk_factors)),
        "complex_history": codes(facts.complex_history),
    }


def _adult(case: Case) -> Finding | None:
    facts = case.facts
    if facts.mental_health not in CARE_FOR_THE_ADULT or facts.consent is not Consent.GIVEN or facts.tells_of_danger:
        return None
    is_mother = facts.carer is Carer.MOTHER
    return Finding(
        text="A team that helps mothers feel well around the birth will be asked to help too."
        if is_mother
        else "The parent or carer matters too. A team that helps adults feel well will be asked to help.",
        used={"mental_health": str(facts.mental_health), "carer": str(facts.carer)},
        routes=(Route.PNMH if is_mother else Route.ADULT_MH,),
        urgency=Urgency.URGENT if facts.mental_health is MentalHealth.SEVERE else Urgency.ROUTINE,
        tier=Tier.PNMH,
    )


@rule("N6", source=f"{PERINATAL}: a history of severe illness counts when well")
def mothers_mental_health(case: Case) -> Finding | None:
    """The mother's own mental health, with consent and no safety work. Not looked at when this service can't help."""
    return _adult(case) if case.facts.carer is Carer.MOTHER else None


@rule("N6f", source=f"{PERINATAL} take the birthing parent; Nottingham 2021: fathers matter as much as mothers")
def carers_mental_health(case: Case) -> Finding | None:
    """The same for anybody but the mother: adult mental health."""
    return _adult(case) if case.facts.carer is not Carer.MOTHER else None


@rule("N7", source="Birmingham 2022: two thirds of parents were never asked how the relationship feels")
def relationship_not_seen(case: Case) -> Finding | None:
    """Severity unknown: nothing guesses a level of support. Whoever came by themselves is called back."""
    if case.facts.concern.severity is not Severity.UNKNOWN:
        return None
    came_themselves = (case.facts.source or "").startswith("B")
    return Finding(
        text="Thank you for reaching out. A person will call to hear how things are."
        if came_themselves
        else "No one has asked yet how things feel for parent and baby. A person will find that out first.",
        used={"severity": str(Severity.UNKNOWN), "source": case.facts.source},
        routes=(Route.REVIEW_CALL_BACK if came_themselves else Route.REVIEW,),
    )


@rule("N8", source="Birmingham 2022: fear of judgement keeps parents away; who asks is rung by a person")
def asks_for_help(case: Case) -> Finding | None:
    """A parent or relative asks: a person calls back, whatever else is decided. Not where there is safety work."""
    if case.facts.source not in FAMILY_SOURCES or case.facts.tells_of_danger:
        return None
    return Finding(
        text="Thank you for asking for help. A person will call to hear how things are.",
        used={"source": case.facts.source},
        routes=(Route.REVIEW_CALL_BACK,),
    )


@rule("N2", source=f"{LEVELS}; 3 domains: {OXPIP}; {HANDBOOK}")
def longer_specialist_work(case: Case) -> Finding | None:
    """Severe, and `long_term_domains` or more, or any complex history."""
    if case.facts.concern.severity is not Severity.SEVERE:
        return None
    if _domains(case) < case.policy.need.long_term_domains and not case.facts.complex_history:
        return None
    text = "Things are hard in many ways. Our own team can give this family time and steady help."
    return Finding(text=text, used=_used(case), routes=(Route.PIR_LONG,), tier=Tier.SPECIALIST_LONG)


@rule("N3", source=f"{LEVELS}; 2 domains: {OXPIP}; {HANDBOOK}")
def shorter_specialist_work(case: Case) -> Finding | None:
    """Severe, moderate, or `short_term_domains` or more, however severe."""
    if case.facts.concern.severity not in HIGH and _domains(case) < case.policy.need.short_term_domains:
        return None
    text = "Some things feel hard right now. A short time with our own team can help parent and baby feel close."
    return Finding(text=text, used=_used(case), routes=(Route.PIR_SHORT,), tier=Tier.SPECIALIST_SHORT)


@rule("N4", source=f"{LEVELS}; 2 risk factors: {LANARKSHIRE}; {HANDBOOK}")
def targeted_help(case: Case) -> Finding | None:
    """Mild, or `targeted_risk_factors` or more."""
    facts = case.facts
    factors = len(set(facts.risk_factors))
    if facts.concern.severity is not Severity.MILD and factors < case.policy.need.targeted_risk_factors:
        return None
    text = "Some extra help early on can make life lighter. A local Early Help team is there for that."
    return Finding(text=text, used=_used(case), routes=(Route.TARGETED,), tier=Tier.TARGETED)


@rule("N5", source=f"{LEVELS}: half of all families need the universal offer only")
def universal_offer(case: Case) -> Finding | None:
    """Otherwise, unless the adult's own care is all that is needed."""
    if _adult(case):
        return None
    text = "Health visitors and Family Hubs are there for all. They can help this family too."
    return Finding(text=text, used=_used(case), routes=(Route.UNIVERSAL,), tier=Tier.UNIVERSAL)


@rule("A2", source=f"{HANDBOOK}; two steps on the ladder of four tiers")
def far_from_what_was_asked(case: Case, tier: Tier) -> Finding | None:
    """The level of support asked for is `tier_steps_for_review` or more steps away from what the rules give."""
    asked = case.facts.requested_tier
    if asked not in LADDER or tier not in LADDER:
        return None
    steps = abs(LADDER.index(asked) - LADDER.index(tier))
    if steps < case.policy.need.tier_steps_for_review:
        return None
    return Finding(
        text="The help asked for and the help we would offer are far apart. A person will look at both.",
        used={"requested_tier": str(asked), "tier": str(tier), "steps": steps},
        routes=(Route.REVIEW,),
    )


def _circumstance(case: Case, code: Circumstance, text: str) -> Finding | None:
    if code not in case.facts.circumstances:
        return None
    return Finding(text=text, used={"circumstances": [str(code)]}, routes=(Route.REVIEW,))


@rule("A3", source=HANDBOOK)
def about_to_move(case: Case) -> Finding | None:
    """Planned move out of the area."""
    text = "The family may move soon. A person will plan the help so that it can go on after the move."
    return _circumstance(case, Circumstance.PLANNED_MOVE_OUT, text)


@rule("A4", source=f"{HANDBOOK}: conflicting facts go to a person, never to a guess")
def facts_disagree(case: Case) -> Finding | None:
    """No concern but domains named, or a complex history and no severe concern."""
    facts = case.facts
    severity = facts.concern.severity
    named = severity is Severity.NONE and bool(facts.concern.domains)
    if not named and (severity is Severity.SEVERE or not facts.complex_history):
        return None
    return Finding(
        text="Some of what we were told does not fit together yet. A person will ask and listen.",
        used=_used(case),
        routes=(Route.REVIEW,),
    )


@rule("X1", source=f"{HANDBOOK}: many parent-infant services leave court assessments to others; local policy")
def court_asks(case: Case) -> Finding | None:
    """A court has asked for an assessment. A person decides, with no level of support."""
    text = "A court has asked for a report. A person will look at what we can offer."
    return _circumstance(case, Circumstance.COURT_ASSESSMENT_REQUEST, text)


OWN_CARE: Final[tuple[Rule, ...]] = (mothers_mental_health, carers_mental_health)
LEVEL: Final[tuple[Rule, ...]] = (longer_specialist_work, shorter_specialist_work, targeted_help, universal_offer)
"""N2-N5 in the order in which they are tried."""
