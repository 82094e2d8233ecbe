"""Where the family lives, and whether they said yes."""

from datetime import date

import pytest

from shared.events import (
    CareStatus,
    Circumstance,
    Consent,
    Eligibility,
    Facts,
    Link,
    MentalHealth,
    Mode,
    Place,
    PlaceQuality,
    Route,
    Safety,
    Severity,
    Tier,
)
from tests.builders import (
    BULWELL,
    GEDLING,
    NOTTINGHAM,
    OLD_ARBORETUM,
    SHERWOOD,
    a_family,
    at_home,
    decided,
    elsewhere,
    not_open_yet,
    placeless,
    withheld,
)

PLACELESS = (PlaceQuality.UNKNOWN, PlaceQuality.MISSING, PlaceQuality.NO_FIXED_ABODE, PlaceQuality.WITHHELD)


def place_rule(home: Place, *, on: date = date(2026, 6, 15), care_status: CareStatus = CareStatus.NONE) -> str:
    (fired,) = {"E8", "E9", "E10", "E11", "E12"} & set(
        decided(a_family(home=home, care_status=care_status), on=on).rules
    )
    return fired


@pytest.mark.parametrize("quality", PLACELESS)
def test_nobody_is_declined_for_lack_of_an_address(quality: PlaceQuality) -> None:
    decision = decided(a_family(home=placeless(quality)))
    assert (decision.mode, decision.eligibility) == (Mode.HUMAN_REVIEW, Eligibility.PROVISIONAL)
    assert decision.routes == (Route.REVIEW_LOCATION,)


@pytest.mark.parametrize("quality", PLACELESS)
def test_an_address_we_cannot_trust_tells_no_authority(quality: PlaceQuality) -> None:
    assert place_rule(Place(ward=BULWELL, authority=GEDLING, quality=quality)) == "E12"


def test_a_ward_opens_on_its_day() -> None:
    assert place_rule(at_home(), on=date(2022, 8, 31)) == "E9"
    assert place_rule(at_home(), on=date(2022, 9, 1)) == "E8"


def test_a_current_ward_tells_its_authority() -> None:
    assert place_rule(at_home(ward=BULWELL, authority=None)) == "E8"
    assert place_rule(at_home(ward=SHERWOOD, authority=None)) == "E9"


def test_an_abolished_ward_tells_no_place() -> None:
    assert place_rule(at_home(ward=OLD_ARBORETUM)) == "E12"
    assert place_rule(at_home(ward=OLD_ARBORETUM, authority=None)) == "E12"


def test_our_authority_alone_is_not_a_place() -> None:
    assert place_rule(at_home(ward=None)) == "E12"


def test_nothing_but_a_quality_is_not_a_place() -> None:
    assert place_rule(Place(quality=PlaceQuality.KNOWN)) == "E12"


def test_another_authority_is_another_area_with_or_without_a_ward() -> None:
    assert place_rule(elsewhere()) == "E10"
    assert place_rule(at_home(ward="E05006789", authority=GEDLING)) == "E10"


def test_a_terminated_postcode_counts_by_its_last_ward() -> None:
    decision = decided(a_family(home=Place(ward=BULWELL, authority=NOTTINGHAM, quality=PlaceQuality.TERMINATED)))
    assert {"E8", "Q2"} <= set(decision.rules)


@pytest.mark.parametrize("care_status", [CareStatus.LAC_OWN_LA, CareStatus.LAC_OTHER_LA])
@pytest.mark.parametrize("home", [at_home(), elsewhere(), withheld(), not_open_yet()])
def test_for_a_looked_after_child_a_person_finds_who_is_responsible(care_status: CareStatus, home: Place) -> None:
    assert place_rule(home, care_status=care_status) == "E11"


def test_a_ward_that_is_not_open_yet_keeps_its_tier_and_waits() -> None:
    decision = decided(a_family(home=not_open_yet()))
    assert (decision.eligibility, decision.mode, decision.tier) == (
        Eligibility.NOT_YET,
        Mode.HUMAN_REVIEW,
        Tier.TARGETED,
    )
    assert decision.routes == (Route.PHASE_HOLD, Route.CONSULTATION)


@pytest.mark.parametrize(
    ("facts", "routes", "tier"),
    [
        (a_family(home=not_open_yet(), severity=Severity.UNKNOWN), {"phase_hold", "consultation"}, None),
        (a_family(home=not_open_yet(), safety_words=True), {"phase_hold", "consultation", "review"}, "targeted"),
        (a_family(home=not_open_yet(), links=[Link.DUPLICATE]), {"phase_hold", "consultation", "review_duplicate"}, "targeted"),
        (
            a_family(home=not_open_yet(), links=[Link.DUPLICATE], requested_tier=Tier.SPECIALIST_LONG),
            {"phase_hold", "consultation", "review", "review_duplicate"},
            "targeted",
        ),
        (
            a_family(home=not_open_yet(), severity=Severity.NONE, domains=[], mental_health=MentalHealth.MODERATE),
            {"phase_hold", "consultation", "pnmh"},
            "pnmh",
        ),
        (a_family(home=not_open_yet(), circumstances=[Circumstance.COURT_ASSESSMENT_REQUEST]), {"review"}, None),
    ],
)  # fmt: skip
def test_what_waits_for_its_ward_keeps_what_was_added(facts: Facts, routes: set[str], tier: str | None) -> None:
    decision = decided(facts)
    assert (set(decision.routes), decision.tier) == (routes, tier)
    assert decision.mode is Mode.HUMAN_REVIEW


def test_both_signposts_are_given_when_age_and_area_are_out() -> None:
    decision = decided(a_family(born_on=date(2023, 6, 1), home=elsewhere()))
    assert decision.routes == (Route.SIGNPOST_AGE, Route.SIGNPOST_AREA)


def test_too_old_without_an_address_is_signposted_by_age_alone() -> None:
    decision = decided(a_family(born_on=date(2023, 6, 1), home=withheld()))
    assert decision.rules == ("E6", "E12")
    assert decision.routes == (Route.SIGNPOST_AGE,)


@pytest.mark.parametrize(
    ("consent", "rule", "route", "mode", "eligibility"),
    [
        (Consent.REFUSED, "E13", Route.ADVICE_TO_REFERRER, Mode.PROPOSE_DECLINE, Eligibility.NOT_ELIGIBLE),
        (Consent.NOT_SOUGHT, "E14", Route.INFO_REQUEST, Mode.HUMAN_REVIEW, Eligibility.PROVISIONAL),
        (Consent.DISPUTED, "E14b", Route.REVIEW, Mode.HUMAN_REVIEW, Eligibility.PROVISIONAL),
    ],
)
@pytest.mark.parametrize("home", [at_home(), withheld(), not_open_yet()])
def test_consent_decides_before_place_and_need(
    *, consent: Consent, rule: str, route: Route, mode: Mode, eligibility: Eligibility, home: Place
) -> None:
    decision = decided(a_family(consent=consent, home=home, mental_health=MentalHealth.SEVERE))
    assert rule in decision.rules
    assert (decision.routes, decision.mode, decision.eligibility, decision.tier) == ((route,), mode, eligibility, None)


@pytest.mark.parametrize("consent", [Consent.REFUSED, Consent.NOT_SOUGHT, Consent.DISPUTED])
def test_safety_goes_on_without_consent_and_says_so(consent: Consent) -> None:
    decision = decided(a_family(consent=consent, safety=[Safety.SIGNIFICANT_HARM]))
    assert decision.rules == ("S2", "E4", "E8", "E13s")
    assert decision.eligibility is Eligibility.ELIGIBLE
    assert Route.MASH in decision.routes


def test_consent_given_under_a_hold_is_no_mark() -> None:
    assert "E13s" not in decided(a_family(safety=[Safety.SIGNIFICANT_HARM])).rules


def test_a_refusal_is_named_beside_the_age_that_decided() -> None:
    decision = decided(a_family(born_on=date(2023, 6, 1), consent=Consent.REFUSED))
    assert decision.rules == ("E6", "E8", "E13")
    assert decision.routes == (Route.SIGNPOST_AGE,)
