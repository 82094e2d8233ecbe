"""How much help, from whom, and how soon."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from shared.events import (
    Carer,
    Circumstance,
    ComplexHistory,
    Consent,
    Domain,
    Facts,
    Link,
    MentalHealth,
    Mode,
    RiskFactor,
    Route,
    Safety,
    Severity,
    Tier,
    Urgency,
)
from tests.builders import TODAY, a_family, decided, elsewhere, not_open_yet, withheld

ONE, TWO, THREE = list(Domain)[:1], list(Domain)[:2], list(Domain)[:3]
ONE_RISK, TWO_RISKS = list(RiskFactor)[:1], list(RiskFactor)[:2]
HISTORY = [ComplexHistory.PREVIOUS_REMOVAL]


@pytest.mark.parametrize(
    ("severity", "domains", "risks", "history", "rule", "tier"),
    [
        (Severity.SEVERE, THREE, (), (), "N2", Tier.SPECIALIST_LONG),
        (Severity.SEVERE, (), (), HISTORY, "N2", Tier.SPECIALIST_LONG),
        (Severity.SEVERE, TWO, (), (), "N3", Tier.SPECIALIST_SHORT),
        (Severity.MODERATE, THREE, (), (), "N3", Tier.SPECIALIST_SHORT),
        (Severity.MODERATE, (), (), (), "N3", Tier.SPECIALIST_SHORT),
        (Severity.MILD, TWO, (), (), "N3", Tier.SPECIALIST_SHORT),
        (Severity.MILD, ONE, (), (), "N4", Tier.TARGETED),
        (Severity.NONE, (), TWO_RISKS, (), "N4", Tier.TARGETED),
        (Severity.NONE, (), ONE_RISK, (), "N5", Tier.UNIVERSAL),
    ],
)
def test_the_tier_follows_severity_domains_risks_and_history(
    *,
    severity: Severity,
    domains: Iterable[Domain],
    risks: Iterable[RiskFactor],
    history: Iterable[ComplexHistory],
    rule: str,
    tier: Tier,
) -> None:
    decision = decided(a_family(severity=severity, domains=domains, risk_factors=risks, complex_history=history))
    assert (decision.rules, decision.tier, decision.mode) == (("E4", "E8", rule), tier, Mode.AUTO_ROUTE)


def test_a_code_given_twice_counts_once() -> None:
    facts = a_family(severity=Severity.NONE, domains=(), risk_factors=ONE_RISK * 2)
    assert decided(facts).tier is Tier.UNIVERSAL


def test_nothing_guesses_a_tier_when_nobody_saw_the_relationship() -> None:
    decision = decided(
        a_family(severity=Severity.UNKNOWN, domains=THREE, complex_history=HISTORY, requested_tier=Tier.UNIVERSAL)
    )
    assert (decision.rules, decision.tier, decision.routes) == (("E4", "E8", "N7"), None, (Route.REVIEW,))


@pytest.mark.parametrize("source", ["B1", "B2"])
def test_who_came_by_themselves_is_called_back(source: str) -> None:
    assert decided(a_family(severity=Severity.UNKNOWN, source=source)).routes == (Route.REVIEW_CALL_BACK,)


@pytest.mark.parametrize(
    ("carer", "rule", "route"),
    [(Carer.MOTHER, "N6", Route.PNMH)]
    + [(carer, "N6f", Route.ADULT_MH) for carer in Carer if carer is not Carer.MOTHER],
)
def test_the_carers_own_health_goes_to_the_team_for_that_carer(carer: Carer, rule: str, route: Route) -> None:
    decision = decided(a_family(carer=carer, mental_health=MentalHealth.SEVERE))
    assert rule in decision.rules
    assert set(decision.routes) == {Route.TARGETED, route}
    assert (decision.tier, decision.urgency) == (Tier.TARGETED, Urgency.URGENT)


def test_care_for_the_adult_alone_is_the_pnmh_tier() -> None:
    decision = decided(a_family(severity=Severity.NONE, domains=(), mental_health=MentalHealth.SEVERE_HISTORY_WELL))
    assert (decision.rules, decision.tier, decision.routes) == (("E4", "E8", "N6"), Tier.PNMH, (Route.PNMH,))
    assert decision.mode is Mode.AUTO_ROUTE


@pytest.mark.parametrize(
    ("facts", "routes"),
    [
        (a_family(born_on=date(2024, 6, 1), mental_health=MentalHealth.MODERATE), {Route.REVIEW, Route.PNMH}),
        (a_family(home=withheld(), mental_health=MentalHealth.MODERATE), {Route.REVIEW_LOCATION, Route.PNMH}),
        (
            a_family(circumstances=[Circumstance.COURT_ASSESSMENT_REQUEST], mental_health=MentalHealth.MODERATE),
            {Route.REVIEW, Route.PNMH},
        ),
        (a_family(links=[Link.DUPLICATE], mental_health=MentalHealth.MODERATE), {Route.REVIEW_DUPLICATE, Route.PNMH}),
    ],
)
def test_the_carers_route_is_kept_at_every_step(facts: Facts, routes: set[Route]) -> None:
    assert set(decided(facts).routes) == routes


@pytest.mark.parametrize(
    "facts",
    [
        a_family(home=elsewhere(), mental_health=MentalHealth.SEVERE),
        a_family(consent=Consent.NOT_SOUGHT, mental_health=MentalHealth.SEVERE),
        a_family(born_on=date(2023, 1, 1), mental_health=MentalHealth.SEVERE),
        a_family(mental_health=MentalHealth.MILD),
    ],
)
def test_the_carers_route_needs_consent_a_family_that_may_come_and_more_than_a_mild_need(facts: Facts) -> None:
    assert not {"N6", "N6f"} & set(decided(facts).rules)


@pytest.mark.parametrize(
    ("asked", "is_far"),
    [
        (Tier.UNIVERSAL, False),
        (Tier.TARGETED, False),
        (Tier.SPECIALIST_SHORT, False),
        (Tier.SPECIALIST_LONG, True),
        (Tier.PNMH, False),
        (Tier.STATUTORY, False),
    ],
)
def test_two_steps_from_what_was_asked_a_person_looks(asked: Tier, is_far: bool) -> None:
    decision = decided(a_family(requested_tier=asked))
    assert ("A2" in decision.rules) is is_far
    assert decision.routes == ((Route.REVIEW,) if is_far else (Route.TARGETED,))
    assert decision.tier is Tier.TARGETED


def test_the_pnmh_tier_is_no_step_on_the_ladder() -> None:
    facts = a_family(
        severity=Severity.NONE, domains=(), mental_health=MentalHealth.MODERATE, requested_tier=Tier.SPECIALIST_LONG
    )
    assert "A2" not in decided(facts).rules


def test_a_move_is_planned_with_a_person_and_the_tier_stays() -> None:
    decision = decided(a_family(circumstances=[Circumstance.PLANNED_MOVE_OUT]))
    assert (decision.tier, decision.routes, decision.mode) == (Tier.TARGETED, (Route.REVIEW,), Mode.HUMAN_REVIEW)


@pytest.mark.parametrize(
    ("severity", "domains", "history", "disagree"),
    [
        (Severity.NONE, ONE, (), True),
        (Severity.NONE, (), (), False),
        (Severity.NONE, (), HISTORY, True),
        (Severity.MODERATE, ONE, HISTORY, True),
        (Severity.SEVERE, ONE, HISTORY, False),
        (Severity.MILD, ONE, (), False),
    ],
)
def test_facts_that_disagree_go_to_a_person(
    severity: Severity, domains: Iterable[Domain], history: Iterable[ComplexHistory], disagree: bool
) -> None:
    decision = decided(a_family(severity=severity, domains=domains, complex_history=history))
    assert ("A4" in decision.rules) is disagree
    assert (decision.mode is Mode.HUMAN_REVIEW) is disagree


def test_care_for_the_adult_alone_with_facts_that_disagree_goes_to_a_person_too() -> None:
    decision = decided(a_family(severity=Severity.NONE, domains=ONE, mental_health=MentalHealth.MODERATE))
    assert (decision.rules, decision.tier) == (("E4", "E8", "N6", "A4"), Tier.PNMH)
    assert set(decision.routes) == {Route.REVIEW, Route.PNMH}


def test_a_duplicate_takes_the_place_of_the_need_route() -> None:
    for facts in (
        a_family(links=[Link.DUPLICATE]),
        a_family(links=[Link.DUPLICATE], severity=Severity.UNKNOWN),
        a_family(links=[Link.DUPLICATE], requested_tier=Tier.SPECIALIST_LONG),
    ):
        assert decided(facts).routes == (Route.REVIEW_DUPLICATE,)


def test_a_duplicate_is_added_where_something_else_decided() -> None:
    assert decided(a_family(links=[Link.DUPLICATE], home=withheld())).routes == (
        Route.REVIEW_LOCATION,
        Route.REVIEW_DUPLICATE,
    )


def test_a_duplicate_with_safety_words_has_both_routes() -> None:
    decision = decided(a_family(links=[Link.DUPLICATE], safety_words=True))
    assert decision.routes == (Route.REVIEW_DUPLICATE, Route.REVIEW)


def marks(facts: Facts) -> set[str]:
    return {rule for rule in decided(facts).rules if rule.startswith("M")}


def days(count: int) -> timedelta:
    return timedelta(days=count)


def test_early_days_are_from_28_weeks_and_under_six_months() -> None:
    assert marks(a_family(due_on=TODAY + days(85))) == set()
    assert marks(a_family(due_on=TODAY + days(84))) == {"M1"}
    assert marks(a_family(born_on=date(2025, 12, 16))) == {"M1"}
    assert marks(a_family(born_on=date(2025, 12, 15))) == set()


def test_a_birth_within_six_weeks_is_urgent() -> None:
    assert marks(a_family(due_on=TODAY + days(43))) == {"M1"}
    assert marks(a_family(due_on=TODAY + days(42))) == {"M1", "M2"}
    assert decided(a_family(due_on=TODAY + days(42))).urgency is Urgency.URGENT


def test_a_born_baby_is_never_due_soon() -> None:
    assert marks(a_family(born_on=date(2026, 5, 20), due_on=date(2026, 7, 1))) == {"M1"}


def test_from_22_months_time_is_short() -> None:
    assert marks(a_family(born_on=date(2024, 8, 16))) == set()
    assert marks(a_family(born_on=date(2024, 8, 15))) == {"M7"}
    assert decided(a_family(born_on=date(2024, 8, 15))).urgency is Urgency.URGENT


def test_twins_a_sibling_a_father_and_another_format_are_marks() -> None:
    facts = a_family(babies=2, links=[Link.SIBLING_OPEN], carer=Carer.FATHER, accessible_information=True)
    assert marks(facts) == {"M3", "M4", "M5", "M6"}


def test_a_full_team_never_lowers_the_tier() -> None:
    decision = decided(a_family(severity=Severity.MODERATE, full_routes=[Route.PIR_SHORT]))
    assert (decision.tier, decision.routes) == (Tier.SPECIALIST_SHORT, (Route.PIR_SHORT,))
    assert "M8" in decision.rules


def test_a_full_team_matters_only_to_those_who_go_there() -> None:
    assert marks(a_family(full_routes=[Route.PIR_SHORT])) == set()
    assert marks(a_family(mental_health=MentalHealth.MODERATE, full_routes=[Route.PNMH])) == {"M8"}


def test_marks_are_worked_out_when_place_court_or_need_decided() -> None:
    young = date(2026, 5, 1)
    assert marks(a_family(born_on=young, home=withheld())) == {"M1"}
    assert marks(a_family(born_on=young, circumstances=[Circumstance.COURT_ASSESSMENT_REQUEST])) == {"M1"}
    assert marks(a_family(born_on=young, home=elsewhere())) == set()
    assert marks(a_family(born_on=young, consent=Consent.NOT_SOUGHT)) == set()
    assert marks(a_family(has_dates=False, babies=2)) == set()


def test_a_court_that_asks_is_answered_by_a_person_without_a_tier() -> None:
    decision = decided(a_family(circumstances=[Circumstance.COURT_ASSESSMENT_REQUEST]))
    assert (decision.rules, decision.tier, decision.routes) == (("E4", "E8", "X1"), None, (Route.REVIEW,))


@pytest.mark.parametrize("source", ["B1", "B2"])
@pytest.mark.parametrize(
    "facts",
    [
        {"severity": Severity.MILD},
        {"severity": Severity.UNKNOWN},
        {"born_on": date(2021, 1, 1)},  # a proposed decline (E6)
        {"home": elsewhere()},
        {"home": not_open_yet()},
        {"home": withheld()},
        {"has_dates": False},
        {"consent": Consent.REFUSED},
        {"consent": Consent.NOT_SOUGHT},
        {"circumstances": [Circumstance.COURT_ASSESSMENT_REQUEST]},
        {"links": [Link.DUPLICATE]},
        {"safety_words": True},
        {"severity": Severity.NONE, "domains": [], "mental_health": MentalHealth.MODERATE},
    ],
)
def test_a_parent_or_relative_who_asks_is_rung_whatever_else_is_decided(source: str, facts: dict[str, Any]) -> None:
    theirs, others = decided(a_family(source=source, **facts)), decided(a_family(source="A2", **facts))
    assert "N8" in theirs.rules
    assert theirs.routes.count(Route.REVIEW_CALL_BACK) == 1
    assert (theirs.mode, theirs.tier, theirs.urgency) == (others.mode, others.tier, others.urgency)
    assert set(theirs.routes) - {Route.REVIEW_CALL_BACK, Route.REVIEW} == set(others.routes) - {Route.REVIEW}


@pytest.mark.parametrize(
    "facts",
    [
        {"source": "A2"},
        {"source": "B1", "safety": [Safety.IMMEDIATE_DANGER]},
        {"source": "B1", "mental_health": MentalHealth.SELF_HARM_NEW},
        {"source": "B2", "circumstances": [Circumstance.INFANT_DIED]},
    ],
)
def test_nobody_is_rung_by_this_rule_under_a_hold_after_a_loss_or_for_others(facts: dict[str, Any]) -> None:
    decision = decided(a_family(**facts))
    assert "N8" not in decision.rules
    assert Route.REVIEW_CALL_BACK not in decision.routes
