from typing import Any

import pytest

from services.referral.document.errors import MOST_ERRORS, Invalid
from services.referral.document.read import read_enquiry, read_information, read_withdrawal
from shared.events import MentalHealth
from tests.unit.referral.test_intake_inputs import (
    NOW,
    a_document,
    accepted,
    read,
    refused,
    with_baby,
    with_carer,
    with_consent,
)

URGENT = ["immediate_danger", "injury_nonmobile", "significant_harm"]
RED_FLAGS = ["psychosis_suspected", "self_harm_new", "estrangement", "harm_baby_plan"]


@pytest.mark.parametrize("tick", URGENT)
def test_a_danger_is_accepted_with_everything_else_missing(tick: str) -> None:
    submission = read({"safety": [tick]})
    assert submission.gaps == ("/referrer", "/consent", "/concern", "/babies", "/caregivers")


@pytest.mark.parametrize("flag", RED_FLAGS)
def test_a_red_flag_is_accepted_with_its_gaps_listed(flag: str) -> None:
    document = a_document(mental_health=flag, consent=None, concern={})
    document["referrer"].pop("role")
    document["caregivers"][0].pop("relationship")
    document["caregivers"][1] = {"relationship": "father", "given_name": None}
    assert read(document).gaps == (
        "/referrer/role",
        "/consent",
        "/concern/severity",
        "/caregivers/0/relationship",
        "/caregivers/1/given_name",
    )


def test_domestic_abuse_alone_does_not_excuse_a_gap() -> None:
    assert refused(a_document(safety=["domestic_abuse"], consent=None)) == [("/consent", "required")]


def test_an_unreadable_value_is_an_error_in_a_danger_too() -> None:
    document = {"safety": ["immediate_danger"], "babies": [{"date_of_birth": "soon"}]}
    assert refused(document) == [("/babies/0/date_of_birth", "invalid-date")]


@pytest.mark.parametrize("member", ["referrer", "babies", "caregivers", "consent", "concern"])
@pytest.mark.parametrize("empty", ["left out", "null"])
def test_a_required_member_is_required(member: str, empty: str) -> None:
    document = a_document()
    document.pop(member)
    assert refused(document | ({member: None} if empty == "null" else {})) == [("/" + member, "required")]


def test_optional_members_may_be_null() -> None:
    optional = ["external_reference", "source", "home", "risk_factors", "strengths", "complex_history", "safety"]
    optional += ["mental_health", "care_status", "circumstances", "requested_tier", "notes"]
    document = accepted(a_document() | dict.fromkeys(optional))
    assert document.risk_factors == ()
    assert document.mental_health is MentalHealth.NONE
    assert document == accepted({name: value for name, value in a_document().items() if name not in optional})


def test_a_baby_needs_nothing() -> None:
    assert accepted(a_document(babies=[{}]))


def test_all_errors_come_at_once() -> None:
    document = a_document(consent=None, notes="", tier=1, home={"postcode": "?", "withheld": True})
    document["caregivers"][1]["nhs_number"] = document["babies"][0]["nhs_number"]
    assert sorted(refused(document)) == [
        ("/caregivers/1/nhs_number", "conflict"),
        ("/consent", "required"),
        ("/home", "conflict"),
        ("/home/postcode", "invalid-postcode"),
        ("/notes", "empty"),
        ("/tier", "unknown-member"),
    ]


def test_an_unknown_member_with_a_strange_name_is_not_repeated() -> None:
    names = (
        "Sana Shah",
        "9990000018",
        "p07700900123",
        "__proto__",
        "a/b~c",
        "",
        "x" * 50,
        "sana@example_org",
        "Zoë",
        "a\nb",
    )
    for name in names:
        assert refused(a_document() | {name: 1}) == [("", "unknown-member")]
        assert refused(with_baby(**{name: None})) == [("/babies/0", "unknown-member")]


@pytest.mark.parametrize("name", ["firstName", "gestationWeeks", "ref2", "Consent", "gestation-weeks", "x" * 40, "DOB"])
def test_an_unknown_member_is_named_in_whatever_style_it_is_written(name: str) -> None:
    for document, place in ((a_document() | {name: 1}, ""), (with_baby(**{name: None}), "/babies/0")):
        with pytest.raises(Invalid) as caught:
            read(document)
        [error] = caught.value.errors
        assert (error.pointer, error.code) == (f"{place}/{name}", "unknown-member")
        assert name in error.detail


def test_errors_are_few_enough_to_answer_with() -> None:
    many = {f"{one}{two}": 1 for one in "abcdefghijklmnopqrst" for two in "abcdefghijklmnopqrst"}
    assert len(refused(a_document() | many)) == MOST_ERRORS
    assert refused(a_document(risk_factors=["x"] * 60_000))


def test_two_people_never_share_an_nhs_number() -> None:
    twins = a_document(babies=[{"nhs_number": "999 000 0018"}, {"nhs_number": "999-000-0018"}])
    assert refused(twins) == [("/babies/1/nhs_number", "conflict")]
    assert refused(with_carer(nhs_number="9990000018")) == [("/caregivers/0/nhs_number", "conflict")]


@pytest.mark.parametrize(
    "home",
    [
        {"postcode": "NG6 8GB", "withheld": True},
        {"no_fixed_abode": True, "withheld": True},
        {"address_lines": ["1 Low Road"], "no_fixed_abode": True},
    ],
)
def test_a_home_is_one_of_three(home: dict[str, Any]) -> None:
    assert refused(a_document(home=home)) == [("/home", "conflict")]


@pytest.mark.parametrize(
    "home",
    [
        {"postcode": "NG6 8GB", "address_lines": ["1 Low Road"], "withheld": False},
        {},
        {"no_fixed_abode": True},
        {"withheld": True, "postcode": None},
    ],
)
def test_a_home_may_be_said_in_these_ways(home: dict[str, Any]) -> None:
    assert accepted(a_document(home=home))


@pytest.mark.parametrize("value", [[], "text", 1, None, True, 1.5])
def test_a_body_that_is_not_an_object_is_refused(value: object) -> None:
    assert refused(value) == [("", "not-an-object")]
    for reader in (read_withdrawal, read_information, read_enquiry):
        with pytest.raises(Invalid):
            reader(value, now=NOW)


@pytest.mark.parametrize("value", ["1", 1, 0, "true", [], None])
def test_only_true_and_false_are_answers(value: object) -> None:
    if value is None:
        assert accepted(with_carer(interpreter_needed=value))
    else:
        assert refused(with_carer(interpreter_needed=value)) == [("/caregivers/0/interpreter_needed", "wrong-type")]


@pytest.mark.parametrize(
    "codes",
    [
        ["isolation", "isolation"],
        ["nonsense"],
        ["ISOLATION"],
        "isolation",
        {"isolation": True},
        [None],
        [1],
        [["isolation"]],
    ],
)
def test_code_lists_hold_known_codes_once(codes: object) -> None:
    assert refused(a_document(risk_factors=codes))[0][0].startswith("/risk_factors")


@pytest.mark.parametrize("source", ["A2", "C1", "G4", "B1"])
def test_the_source_is_an_nhs_code(source: str) -> None:
    assert accepted(a_document(source=source)).source == source


@pytest.mark.parametrize("source", ["", "a2", "Z9", "A2 ", 1])
def test_another_source_is_refused(source: object) -> None:
    assert refused(a_document(source=source))[0][0] == "/source"


@pytest.mark.parametrize(("member", "most"), [("babies", 5), ("caregivers", 10)])
def test_there_are_only_so_many_people(member: str, most: int) -> None:
    person = {"relationship": "other", "given_name": "Ada"} if member == "caregivers" else {}
    assert accepted(a_document(**{member: [person] * most}))
    assert refused(a_document(**{member: [person] * (most + 1)})) == [("/" + member, "too-many")]


def test_consent_may_be_refused_and_explained() -> None:
    assert accepted(with_consent(status="refused", override_reason="Risk to the baby <see notes>"))
