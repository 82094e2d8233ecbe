"""What the decision says: a reason for each rule, in words that a parent can read without blame."""

import re
from collections.abc import Iterable
from datetime import date

import pytest

from services.triage.rules import CATALOGUE
from services.triage.rules.assemble import LISTED
from shared.events import (
    Carer,
    CareStatus,
    Circumstance,
    Consent,
    Decision,
    Domain,
    Facts,
    Kind,
    Link,
    MentalHealth,
    NhsNumber,
    Place,
    PlaceQuality,
    Reason,
    Route,
    Safety,
    Severity,
    Tier,
)
from tests.builders import BULWELL, a_family, an_enquiry, decided, elsewhere, not_open_yet, withheld
from tests.reading import grade

EVERY_KIND_OF_FAMILY: tuple[Facts, ...] = (
    a_family(severity=Severity.SEVERE, domains=Domain),
    a_family(severity=Severity.MODERATE, full_routes=[Route.PIR_SHORT], accessible_information=True),
    a_family(born_on=date(2026, 3, 1), babies=2, nhs_number=NhsNumber.INVALID, links=Link),
    a_family(severity=Severity.NONE, domains=[], carer=Carer.FATHER, mental_health=MentalHealth.SEVERE),
    a_family(severity=Severity.NONE, domains=[]),
    a_family(
        severity=Severity.NONE, requested_tier=Tier.SPECIALIST_LONG, circumstances=[Circumstance.PLANNED_MOVE_OUT]
    ),
    a_family(severity=Severity.UNKNOWN, source="B1", mental_health=MentalHealth.MODERATE),
    a_family(severity=Severity.UNKNOWN),
    a_family(home=not_open_yet()),
    a_family(home=elsewhere(), born_on=date(2023, 1, 1), carer_age=15),
    a_family(home=withheld(), born_on=date(2024, 8, 1)),
    a_family(home=Place(ward=BULWELL, quality=PlaceQuality.TERMINATED), safety_words=True),
    a_family(consent=Consent.REFUSED, safety=[Safety.DOMESTIC_ABUSE]),
    a_family(consent=Consent.NOT_SOUGHT),
    a_family(consent=Consent.DISPUTED, safety=Safety, mental_health=MentalHealth.HARM_BABY_PLAN),
    a_family(consent=Consent.DISPUTED),
    a_family(care_status=CareStatus.LAC_OTHER_LA),
    a_family(care_status=CareStatus.PREBIRTH, due_on=date(2026, 7, 1)),
    a_family(circumstances=Circumstance),
    a_family(circumstances=[Circumstance.COURT_ASSESSMENT_REQUEST]),
    a_family(has_dates=False),
    a_family(born_on=date(2026, 8, 1)),
    a_family(born_on=date(2024, 6, 1)),
    a_family(born_on=date(2024, 4, 1), due_on=date(2024, 7, 1)),
    a_family(due_on=date(2026, 1, 1)),
    an_enquiry(Kind.TRAINING),
    an_enquiry(Kind.CONSULTATION),
)

DECISIONS: tuple[Decision, ...] = tuple(decided(facts) for facts in EVERY_KIND_OF_FAMILY)
REASONS: dict[str, Reason] = {reason.text: reason for decision in DECISIONS for reason in decision.reasons}


def test_the_list_of_rules_is_the_catalogue() -> None:
    assert sorted(LISTED) == sorted(CATALOGUE)


def test_every_rule_names_its_source_and_says_what_it_means() -> None:
    for entry in CATALOGUE.values():
        assert len(entry.source) > 10, entry.id
        assert entry.meaning, entry.id


def test_these_families_meet_every_rule() -> None:
    assert {reason.rule for reason in REASONS.values()} == set(CATALOGUE)


@pytest.mark.parametrize("reason", REASONS.values(), ids=[f"{it.rule}: {it.text[:50]}" for it in REASONS.values()])
def test_a_child_of_twelve_can_read_each_reason(reason: Reason) -> None:
    assert grade(reason.text) <= 8


def test_the_reasons_are_easy_on_average() -> None:
    assert sum(map(grade, REASONS)) / len(REASONS) <= 6


def test_no_sentence_is_long() -> None:
    for text in REASONS:
        assert max(len(sentence.split()) for sentence in re.split(r"[.:!?]", text)) <= 20, text


BLAME = "fail refus neglect unfit poor inadequate abus danger to blame fault ineligible reject declin non- disengag"
CODES = "mash pnmh c1 c2 e10 triage tier eligib provisional threshold"


def words_found(stems: Iterable[str]) -> list[str]:
    return [
        f"{stem} in: {text}"
        for stem in stems
        for text in REASONS
        if re.search(rf"\b{re.escape(stem)}", text, re.IGNORECASE)
    ]


def test_no_reason_blames_anybody() -> None:
    assert not words_found(stem for stem in BLAME.split() if stem not in {"danger", "to"})


def test_no_reason_speaks_in_codes() -> None:
    assert not words_found(CODES.split())


def test_nobody_at_home_can_read_from_the_words_that_abuse_was_told() -> None:
    decision = decided(a_family(safety=[Safety.DOMESTIC_ABUSE]))
    words = " ".join(reason.text.lower() for reason in decision.reasons)
    assert not any(word in words for word in ("abuse", "violen", "partner", "hurt", "afraid", "police"))


def test_after_a_loss_the_words_are_neutral() -> None:
    decision = decided(a_family(circumstances=[Circumstance.INFANT_DIED]))
    words = " ".join(reason.text.lower() for reason in decision.reasons)
    assert not any(word in words for word in ("baby", "birth", "died", "loss", "congrat"))


def test_a_missing_birth_is_asked_about_gently() -> None:
    decision = decided(a_family(due_on=date(2026, 1, 1)))
    words = " ".join(reason.text.lower() for reason in decision.reasons)
    assert not any(word in words for word in ("died", "death", "loss", "stillb"))


def test_each_reason_says_which_facts_it_used() -> None:
    assert all(reason.facts for reason in REASONS.values())


def test_dates_are_written_as_iso_days() -> None:
    reason = next(it for it in decided(a_family()).reasons if it.rule == "E4")
    assert reason.facts == {"born_on": "2025-09-01", "received_on": "2026-06-15", "support_ends_on": "2027-09-01"}


def test_a_ward_that_is_not_open_yet_is_named() -> None:
    text = next(it.text for it in decided(a_family(home=not_open_yet())).reasons if it.rule == "E9")
    assert "Sherwood" in text
    assert "We do not have a date yet" in text


def test_the_emergency_number_comes_from_the_policy() -> None:
    text = next(it.text for it in decided(a_family(safety=[Safety.IMMEDIATE_DANGER])).reasons if it.rule == "S1")
    assert "999" in text
