from datetime import date
from typing import Any

import pytest

from services.referral.document.read import read_enquiry
from services.referral.facts import act_now, enquiry_facts, facts_of, monitoring_of
from shared.events import Carer, Consent, Facts, Kind, Link, NhsNumber, Place, PlaceQuality, Safety, Severity
from tests.builders import a_policy
from tests.unit.referral.test_intake_inputs import NOW, a_document, accepted, with_baby, with_carer, with_consent

TODAY = date(2026, 6, 15)
MISSING = Place(quality=PlaceQuality.MISSING)


def facts(document: dict[str, Any], **changes: Any) -> Facts:
    given: dict[str, Any] = {"source_of_agency": "A4", "place": MISSING, "today": TODAY, "policy": a_policy()}
    return facts_of(accepted(document), **(given | changes))


def test_the_sample_becomes_facts() -> None:
    found = facts(a_document(), links=[Link.REPEAT, Link.REPEAT])
    assert found.source == "A2"
    assert found.infant.born_on == date(2026, 1, 16)
    assert found.consent is Consent.GIVEN
    assert (found.carer, found.carer_age) == (Carer.MOTHER, 30)
    assert found.accessible_information
    assert found.links == (Link.REPEAT,)
    assert not found.safety_words
    assert found.nhs_number is NhsNumber.VALID


def test_facts_hold_no_name_number_or_text() -> None:
    words = facts(a_document()).model_dump_json() + monitoring_of(accepted(a_document())).model_dump_json()
    for personal in ("Sana", "Shah", "Robin", "9990000018", "NG6", "07700", "example.org", "Okoro"):
        assert personal not in words


def test_what_nobody_said_is_unknown() -> None:
    found = facts({"safety": ["immediate_danger"]})
    assert found.source == "A4"
    assert found.consent is Consent.NOT_SOUGHT
    assert found.concern.severity is Severity.UNKNOWN
    assert (found.carer, found.carer_age) == (Carer.OTHER, None)
    assert found.infant.count == 1
    assert found.nhs_number is NhsNumber.ABSENT
    assert found.place == MISSING


@pytest.mark.parametrize(
    ("babies", "born_on", "due_on"),
    [
        ([{"date_of_birth": "2025-01-01"}, {"date_of_birth": "2026-01-01"}], "2026-01-01", None),
        ([{"date_of_birth": "2025-01-01"}, {"due_on": "2026-08-01"}], None, "2026-08-01"),
        ([{"due_on": "2026-08-01"}, {}], None, "2026-08-01"),
        (
            [{"date_of_birth": "2026-01-01"}, {"date_of_birth": "2026-01-01", "due_on": "2026-02-01"}],
            "2026-01-01",
            "2026-02-01",
        ),
        ([{}, {}], None, None),
    ],
)
def test_the_youngest_baby_gives_the_dates(babies: list[Any], born_on: str | None, due_on: str | None) -> None:
    infant = facts(a_document(babies=babies)).infant
    assert (infant.born_on, infant.due_on) == tuple(day and date.fromisoformat(day) for day in (born_on, due_on))
    assert infant.count == 2


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("943 476 5919", NhsNumber.VALID),
        ("9434765918", NhsNumber.INVALID),
        ("0000000000", NhsNumber.INVALID),
        ("1111111111", NhsNumber.INVALID),
        ("4000000080", NhsNumber.INVALID),
        (None, NhsNumber.ABSENT),
    ],
)
def test_check_digits_are_a_fact_not_an_error(number: str | None, expected: NhsNumber) -> None:
    assert facts(with_baby(nhs_number=number)).nhs_number is expected


@pytest.mark.parametrize(
    ("born_on", "age"), [("2010-06-15", 16), ("2010-06-16", 15), ("2012-02-29", 14), ("1900-01-01", 126)]
)
def test_a_parents_age_is_in_whole_years(born_on: str, age: int) -> None:
    assert facts(with_carer(date_of_birth=born_on)).carer_age == age


def test_a_29_february_birthday_is_kept_on_1_march() -> None:
    document = with_carer(date_of_birth="2012-02-29")
    assert facts(document, today=date(2026, 2, 28)).carer_age == 13
    assert facts(document, today=date(2026, 3, 1)).carer_age == 14


def test_the_youngest_parent_counts_and_nobody_else() -> None:
    people = [("kinship", "1960-01-01"), ("mother", "1999-01-01"), ("father", "2011-01-01"), ("other", "2014-01-01")]
    caregivers = [{"relationship": who, "given_name": "Ada", "date_of_birth": born} for who, born in people]
    found = facts(a_document(caregivers=caregivers))
    assert (found.carer, found.carer_age) == (Carer.KINSHIP, 15)


def test_the_needs_of_any_caregiver_count() -> None:
    document = with_carer(interpreter_needed=False)
    assert not facts(document).accessible_information
    document["caregivers"][1]["communication_needs"] = ["easy_read"]
    assert facts(document).accessible_information


@pytest.mark.parametrize(
    "document",
    [
        a_document(notes="She said he might SMOTHER the baby"),
        with_carer(safe_contact="not safe at home"),
        with_consent(override_reason="Bruises seen"),
    ],
)
def test_safety_words_are_found_in_any_free_text(document: dict[str, Any]) -> None:
    assert facts(document).safety_words


def test_safety_words_are_found_in_later_answers() -> None:
    assert facts(a_document(), answers=["He has a knife"]).safety_words


def test_monitoring_keeps_each_ones_ethnicity_apart() -> None:
    document = a_document()
    document["caregivers"][1]["ethnic_category"] = "A"
    found = monitoring_of(accepted(document))
    assert (found.baby_ethnicity, found.mother_ethnicity, found.father_ethnicity) == ("J", "J", "A")
    assert (found.language, found.parent_was_asked) == ("ur", True)
    assert monitoring_of(accepted({"safety": ["immediate_danger"]})).language is None


@pytest.mark.parametrize(
    "changes",
    [{"safety": [tick]} for tick in ("immediate_danger", "injury_nonmobile", "significant_harm")]
    + [{"mental_health": flag} for flag in ("psychosis_suspected", "self_harm_new", "estrangement", "harm_baby_plan")],
)
def test_a_tick_that_cannot_wait_says_whom_to_ring(changes: dict[str, Any]) -> None:
    words = act_now(accepted(a_document(**changes)), a_policy())
    assert "not the emergency route" in words[0]
    assert all(ring.phone in line for ring, line in zip(a_policy().ring, words[1:], strict=True))
    assert act_now(facts(a_document(**changes)), a_policy()) == words


@pytest.mark.parametrize("changes", [{}, {"safety": ["domestic_abuse"]}, {"notes": "she will kill herself"}])
def test_otherwise_nobody_is_told_to_ring(changes: dict[str, Any]) -> None:
    assert act_now(accepted(a_document(**changes)), a_policy()) == []


def test_an_enquiry_has_few_facts() -> None:
    value = {"kind": "consultation", "topic": "A baby with bruises", "safety": ["immediate_danger"]}
    enquiry = read_enquiry(value | {"referrer": a_document()["referrer"]}, now=NOW)
    found = enquiry_facts(enquiry, source_of_agency="C2", policy=a_policy())
    assert (found.kind, found.source, found.safety) == (Kind.CONSULTATION, "C2", (Safety.IMMEDIATE_DANGER,))
    assert found.safety_words
    assert act_now(enquiry, a_policy())


@pytest.mark.parametrize(
    ("members", "is_read"),
    [
        ({"written_in": "pl", "notes": "Znowu mnie"}, True),
        ({"written_in": "ur-PK", "notes": "Sara"}, True),
        ({"written_in": "en-GB", "notes": "Sara"}, False),
        ({"notes": "Sara"}, False),
        ({"written_in": "pl", "notes": None}, False),
    ],
)
def test_free_text_of_another_language_is_read_by_a_person(members: dict[str, Any], is_read: bool) -> None:
    quiet = with_carer(safe_contact=None) | {"notes": None}
    assert facts(quiet | members).safety_words is is_read


def test_the_way_to_reach_somebody_is_free_text_too() -> None:
    document = with_carer(safe_contact="Wieczorem") | {"notes": None, "written_in": "pl"}
    assert facts(document).safety_words
