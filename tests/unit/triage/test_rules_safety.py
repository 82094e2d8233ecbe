"""Safety comes first, whatever the area, age or consent."""

from datetime import date, timedelta

import pytest

from shared.events import (
    RED_FLAGS,
    CareStatus,
    Circumstance,
    Consent,
    Eligibility,
    Hold,
    Kind,
    Link,
    MentalHealth,
    Mode,
    NhsNumber,
    Place,
    PlaceQuality,
    Route,
    Safety,
    Severity,
    Tier,
    Urgency,
)
from tests.builders import (
    GEDLING,
    TODAY,
    a_family,
    an_enquiry,
    at_home,
    decided,
    elsewhere,
    not_open_yet,
    withheld,
)


@pytest.mark.parametrize("fact", [Safety.IMMEDIATE_DANGER, Safety.INJURY_NONMOBILE])
def test_danger_is_now(fact: Safety) -> None:
    decision = decided(a_family(safety=[fact]))
    assert decision.routes == (Route.EMERGENCY_CALL, Route.MASH)
    assert (decision.urgency, decision.tier, decision.mode) == (Urgency.NOW, Tier.STATUTORY, Mode.HUMAN_REVIEW)


@pytest.mark.parametrize("flag", sorted(RED_FLAGS))
def test_a_red_flag_is_answered_within_four_hours(flag: MentalHealth) -> None:
    decision = decided(a_family(mental_health=flag))
    assert Route.PNMH_EMERGENCY in decision.routes
    assert (decision.urgency, decision.tier) == (Urgency.FOUR_HOURS, Tier.PNMH)
    assert (Route.MASH in decision.routes) is (flag is MentalHealth.HARM_BABY_PLAN)


def test_the_statutory_tier_stands_above_a_red_flag() -> None:
    decision = decided(a_family(mental_health=MentalHealth.HARM_BABY_PLAN, safety=[Safety.IMMEDIATE_DANGER]))
    assert (decision.tier, decision.urgency) == (Tier.STATUTORY, Urgency.NOW)
    assert decision.routes == (Route.EMERGENCY_CALL, Route.MASH, Route.PNMH_EMERGENCY)


@pytest.mark.parametrize(
    ("home", "care_status", "routes"),
    [
        (at_home(), CareStatus.NONE, {Route.MASH}),
        (withheld(), CareStatus.NONE, {Route.MASH}),
        (elsewhere(), CareStatus.NONE, {Route.MASH_HOME_LA}),
        (Place(authority=GEDLING, quality=PlaceQuality.WITHHELD), CareStatus.NONE, {Route.MASH_HOME_LA}),
        (at_home(), CareStatus.LAC_OWN_LA, {Route.MASH, Route.MASH_HOME_LA}),
        (elsewhere(), CareStatus.LAC_OTHER_LA, {Route.MASH, Route.MASH_HOME_LA}),
    ],
)
def test_the_front_door_is_where_the_child_belongs(home: Place, care_status: CareStatus, routes: set[Route]) -> None:
    decision = decided(a_family(safety=[Safety.SIGNIFICANT_HARM], home=home, care_status=care_status))
    assert {route for route in decision.routes if route.startswith("mash")} == routes


def test_under_a_hold_need_modifiers_and_safety_words_are_not_looked_at() -> None:
    decision = decided(
        a_family(
            born_on=date(2026, 5, 1),
            safety=[Safety.SIGNIFICANT_HARM],
            severity=Severity.SEVERE,
            safety_words=True,
            circumstances=[Circumstance.COURT_ASSESSMENT_REQUEST, Circumstance.PLANNED_MOVE_OUT],
            nhs_number=NhsNumber.INVALID,
        )
    )
    assert decision.rules == ("S2", "E4", "E8", "Q1")


def test_under_a_hold_the_signposts_and_waits_come_after_safety() -> None:
    decision = decided(
        a_family(
            born_on=date(2023, 1, 1),
            home=not_open_yet(),
            safety=[Safety.IMMEDIATE_DANGER],
            links=[Link.DUPLICATE],
            care_status=CareStatus.CP_PLAN,
            carer_age=15,
        )
    )
    assert decision.routes == (
        Route.EMERGENCY_CALL,
        Route.MASH,
        Route.SIGNPOST_AGE,
        Route.PHASE_HOLD,
        Route.CONSULTATION,
        Route.REVIEW_DUPLICATE,
        Route.SOCIAL_WORKER_LINK,
        Route.SAFEGUARDING_LEAD,
    )
    assert decision.eligibility is Eligibility.NOT_ELIGIBLE


def test_under_a_hold_an_overdue_birth_is_asked_about_too() -> None:
    decision = decided(a_family(due_on=TODAY - timedelta(days=60), safety=[Safety.SIGNIFICANT_HARM], home=withheld()))
    assert decision.routes == (Route.MASH, Route.REVIEW_BIRTH_OUTCOME)
    assert decision.holds == (Hold.C1,)


def test_domestic_abuse_never_excludes_and_holds_every_automatic_contact() -> None:
    decision = decided(a_family(safety=[Safety.DOMESTIC_ABUSE]))
    assert (decision.eligibility, decision.mode) == (Eligibility.ELIGIBLE, Mode.HUMAN_REVIEW)
    assert (decision.tier, decision.routes, decision.holds) == (Tier.TARGETED, (Route.TARGETED,), (Hold.C2,))


@pytest.mark.parametrize("loss", [Circumstance.INFANT_DIED, Circumstance.PREGNANCY_ENDED])
def test_after_a_loss_everything_stops_but_safety(loss: Circumstance) -> None:
    decision = decided(
        a_family(
            circumstances=[loss],
            consent=Consent.REFUSED,
            home=elsewhere(),
            links=[Link.DUPLICATE, Link.RE_REFERRAL],
            care_status=CareStatus.CP_PLAN,
            mental_health=MentalHealth.SELF_HARM_NEW,
            safety_words=True,
            carer_age=15,
        )
    )
    assert decision.rules == ("S3", "S5", "S8", "C1", "I3")
    assert set(decision.routes) == {Route.SOCIAL_WORKER_LINK, Route.PNMH_EMERGENCY, Route.BEREAVEMENT_REVIEW}
    assert (decision.eligibility, decision.tier) == (Eligibility.ELIGIBLE, Tier.PNMH)
    assert decision.urgency is Urgency.FOUR_HOURS


def test_a_prebirth_plan_is_urgent_from_28_weeks() -> None:
    late = decided(a_family(care_status=CareStatus.PREBIRTH, due_on=TODAY + timedelta(days=84)))
    early = decided(a_family(care_status=CareStatus.PREBIRTH, due_on=TODAY + timedelta(days=85)))
    assert "S4" in late.rules
    assert late.urgency is Urgency.URGENT
    assert "S4" not in early.rules
    assert early.urgency is Urgency.ROUTINE


def test_a_prebirth_plan_of_a_born_baby_is_only_joined() -> None:
    assert {"S3", "S4"} & set(decided(a_family(care_status=CareStatus.PREBIRTH)).rules) == {"S3"}


def test_a_proposed_decline_goes_to_a_person_when_a_plan_an_abuse_or_a_young_parent_is_known() -> None:
    for facts in (
        a_family(home=elsewhere(), care_status=CareStatus.CP_PLAN),
        a_family(home=elsewhere(), safety=[Safety.DOMESTIC_ABUSE]),
        a_family(home=elsewhere(), carer_age=15),
        a_family(home=elsewhere(), links=[Link.DUPLICATE]),
        a_family(home=elsewhere(), safety_words=True),
    ):
        decision = decided(facts)
        assert decision.mode is Mode.HUMAN_REVIEW
        assert Route.SIGNPOST_AREA in decision.routes


def test_a_parent_of_sixteen_is_not_a_child() -> None:
    assert "X2" in decided(a_family(carer_age=15)).rules
    assert "X2" not in decided(a_family(carer_age=16)).rules


def test_safety_words_are_read_within_a_working_day() -> None:
    decision = decided(a_family(safety_words=True))
    assert (decision.routes, decision.urgency) == ((Route.REVIEW,), Urgency.WORKING_DAY)
    assert (decision.tier, decision.mode) == (Tier.TARGETED, Mode.HUMAN_REVIEW)


@pytest.mark.parametrize("kind", [Kind.CONSULTATION, Kind.TRAINING])
def test_an_enquiry_takes_the_route_of_its_name(kind: Kind) -> None:
    decision = decided(an_enquiry(kind))
    assert (decision.routes, decision.mode, decision.rules) == ((Route(kind.value),), Mode.AUTO_ROUTE, ("I5",))


def test_an_enquiry_about_danger_is_answered_as_danger() -> None:
    decision = decided(an_enquiry(safety=[Safety.IMMEDIATE_DANGER, Safety.DOMESTIC_ABUSE], safety_words=True))
    assert decision.rules == ("S1", "I5")
    assert set(decision.routes) == {Route.EMERGENCY_CALL, Route.MASH, Route.CONSULTATION}
    assert (decision.urgency, decision.tier, decision.holds) == (Urgency.NOW, Tier.STATUTORY, ())
