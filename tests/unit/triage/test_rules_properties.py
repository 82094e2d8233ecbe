"""What holds for any facts whatever."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.status import DECLINE_RULES
from services.triage.rules.assemble import LISTED, STRICTNESS
from shared.events import (
    DECLINE_ROUTES,
    Carer,
    CareStatus,
    Circumstance,
    ComplexHistory,
    Concern,
    Consent,
    Decision,
    Domain,
    Eligibility,
    Facts,
    Hold,
    Infant,
    Kind,
    Link,
    MentalHealth,
    Mode,
    NhsNumber,
    Place,
    PlaceQuality,
    RiskFactor,
    Route,
    Safety,
    Severity,
    Tier,
    Urgency,
)
from tests.builders import BULWELL, GEDLING, NOTTINGHAM, OLD_ARBORETUM, SHERWOOD, a_family, a_policy, decide, decided

C = TypeVar("C", bound=StrEnum)
NEAR = st.dates(date(2023, 1, 1), date(2028, 1, 1))
DANGER_RULES = {"S1", "S2", "S5", "S6"}
AGE = {"E1", "E2", "E3", "E4", "E5", "E6", "E6p", "E7"}
PLACE = {"E8", "E9", "E10", "E11", "E12"}


def some(codes: type[C]) -> st.SearchStrategy[tuple[C, ...]]:
    """Mostly none, as in life, so that the rarer steps are reached too."""
    return st.one_of(st.just(()), st.lists(st.sampled_from(codes), max_size=4).map(tuple))


def mostly(usual: C) -> st.SearchStrategy[C]:
    return st.one_of(st.just(usual), st.sampled_from(type(usual)))


def any_facts(days: st.SearchStrategy[date] = NEAR) -> st.SearchStrategy[Facts]:
    return st.builds(
        Facts,
        kind=mostly(Kind.FAMILY),
        source=st.sampled_from(["A1", "A2", "B1", "B2", "C1", None]),
        infant=st.builds(Infant, born_on=st.none() | days, due_on=st.none() | days, count=st.integers(1, 5)),
        place=st.builds(
            Place,
            ward=st.sampled_from([BULWELL, SHERWOOD, OLD_ARBORETUM, None]),
            authority=st.sampled_from([NOTTINGHAM, GEDLING, None]),
            quality=mostly(PlaceQuality.KNOWN),
        ),
        consent=mostly(Consent.GIVEN),
        concern=st.builds(Concern, severity=st.sampled_from(Severity), domains=some(Domain)),
        risk_factors=some(RiskFactor),
        complex_history=some(ComplexHistory),
        safety=some(Safety),
        mental_health=mostly(MentalHealth.NONE),
        care_status=mostly(CareStatus.NONE),
        carer=st.sampled_from(Carer),
        carer_age=st.none() | st.integers(0, 130),
        accessible_information=st.booleans(),
        circumstances=some(Circumstance),
        links=some(Link),
        safety_words=st.booleans(),
        requested_tier=st.none() | st.sampled_from(Tier),
        nhs_number=st.sampled_from(NhsNumber),
        full_routes=some(Route),
    )  # fmt: skip


def for_any(check: Callable[[Facts, Decision], None]) -> None:
    """Run `check` on a few hundred decisions."""

    @settings(max_examples=300, deadline=None)
    @given(any_facts(), NEAR, st.sampled_from(["nottingham", "nottingham-citywide"]))
    def checked(facts: Facts, on: date, policy: str) -> None:
        check(facts, decided(facts, on=on, policy=policy))

    checked()


def hurry(decision: Decision) -> int:
    return list(Urgency).index(decision.urgency)


@settings(max_examples=300, deadline=None)
@given(any_facts(st.dates()), st.datetimes(timezones=st.just(UTC)))
def test_no_facts_and_no_day_make_it_raise(facts: Facts, received_at: datetime) -> None:
    assert decide(facts, received_at=received_at, policy=a_policy()).routes


@settings(max_examples=200, deadline=None)
@given(NEAR, st.none() | st.integers(-30, 140), st.lists(st.integers(0, 1500), min_size=2, max_size=6))
def test_growing_older_never_makes_a_baby_eligible_again(born_on: date, early: int | None, ages: list[int]) -> None:
    due_on = None if early is None else born_on + timedelta(days=early)
    facts = a_family(born_on=born_on, due_on=due_on)
    found = [decided(facts, on=born_on + timedelta(days=age)).eligibility for age in sorted(ages)]
    assert all(STRICTNESS[sooner] <= STRICTNESS[later] for sooner, later in pairwise(found))


def test_each_decline_has_a_rule_and_a_route_that_no_agency_sees_before_it_is_confirmed() -> None:
    """The referral service hides what DECLINE_RULES and DECLINE_ROUTES name: a rule that is not there would tell."""

    def check(facts: Facts, decision: Decision) -> None:
        if decision.eligibility is Eligibility.NOT_ELIGIBLE or DECLINE_ROUTES.intersection(decision.routes):
            assert DECLINE_RULES.intersection(decision.rules)

    for_any(check)


@settings(max_examples=300, deadline=None)
@given(any_facts(), NEAR, st.sampled_from(Safety))
def test_adding_a_safety_fact_never_lowers_urgency(facts: Facts, on: date, fact: Safety) -> None:
    more = facts.model_copy(update={"safety": (*facts.safety, fact)})
    assert hurry(decided(more, on=on)) >= hurry(decided(facts, on=on))


@settings(max_examples=200, deadline=None)
@given(any_facts(), NEAR)
def test_safety_words_never_lower_urgency_or_spare_the_person(facts: Facts, on: date) -> None:
    quiet, loud = (decided(facts.model_copy(update={"safety_words": words}), on=on) for words in (False, True))
    assert hurry(loud) >= hurry(quiet)
    assert "S8" in loud.rules or loud.mode is Mode.HUMAN_REVIEW


def test_every_rule_that_fired_has_words_and_stands_in_the_documented_order() -> None:
    def check(_: Facts, decision: Decision) -> None:
        assert decision.rules == tuple(rule for rule in LISTED if rule in decision.rules)
        assert tuple(reason.rule for reason in decision.reasons) == decision.rules
        assert all(len(reason.text.split()) >= 3 for reason in decision.reasons)

    for_any(check)


def test_a_decision_survives_its_json() -> None:
    def check(_: Facts, decision: Decision) -> None:
        assert Decision.model_validate_json(decision.model_dump_json()) == decision

    for_any(check)


@settings(max_examples=100, deadline=None)
@given(any_facts(), NEAR)
def test_facts_that_travelled_as_json_give_the_same_decision(facts: Facts, on: date) -> None:
    assert decided(Facts.model_validate_json(facts.model_dump_json()), on=on) == decided(facts, on=on)


def test_a_decline_is_only_proposed_and_never_under_a_hold() -> None:
    def check(_: Facts, decision: Decision) -> None:
        rules = set(decision.rules)
        if decision.mode is Mode.PROPOSE_DECLINE:
            assert rules & {"E6", "E10", "E13"}
            assert not rules & {*DANGER_RULES, "S3", "S7", "S8", "X2", "I3", "A1"}
            assert not decision.holds
        if decision.mode is Mode.AUTO_ROUTE:
            assert decision.eligibility == "eligible"

    for_any(check)


def test_lack_of_an_address_alone_never_proposes_a_decline() -> None:
    def check(_: Facts, decision: Decision) -> None:
        if "E12" in decision.rules and not {"E6", "E13"} & set(decision.rules):
            assert decision.mode is Mode.HUMAN_REVIEW

    for_any(check)


def test_a_family_has_exactly_one_age_rule_and_one_place_rule() -> None:
    def check(facts: Facts, decision: Decision) -> None:
        expected = 0 if facts.kind is not Kind.FAMILY or "S8" in decision.rules else 1
        assert len(AGE & set(decision.rules)) == expected
        assert len(PLACE & set(decision.rules)) == expected

    for_any(check)


def test_a_hold_always_reaches_a_person_with_a_safety_route() -> None:
    def check(_: Facts, decision: Decision) -> None:
        if DANGER_RULES & set(decision.rules):
            assert decision.mode is Mode.HUMAN_REVIEW
            assert {"mash", "mash_home_la", "pnmh_emergency"} & set(decision.routes)
            assert decision.tier in {Tier.STATUTORY, Tier.PNMH}

    for_any(check)


def test_contact_holds_are_listed_among_the_rules() -> None:
    def check(facts: Facts, decision: Decision) -> None:
        assert set(decision.holds) == set(Hold) & set(map(str, decision.rules))
        is_family = facts.kind is Kind.FAMILY
        assert (Hold.C2 in decision.holds) is (is_family and Safety.DOMESTIC_ABUSE in facts.safety)
        assert (Hold.C1 in decision.holds) is bool({"S8", "E2"} & set(decision.rules))

    for_any(check)


def test_no_route_stands_twice_and_there_is_always_one() -> None:
    def check(_: Facts, decision: Decision) -> None:
        assert decision.routes
        assert len(set(decision.routes)) == len(decision.routes)

    for_any(check)


@settings(max_examples=200, deadline=None)
@given(any_facts(), NEAR)
def test_a_full_team_changes_nothing_but_its_mark(facts: Facts, on: date) -> None:
    free, full = (decided(facts.model_copy(update={"full_routes": routes}), on=on) for routes in ((), tuple(Route)))
    assert [rule for rule in full.rules if rule != "M8"] == list(free.rules)
    assert (full.mode, full.tier, full.routes, full.urgency) == (free.mode, free.tier, free.routes, free.urgency)
