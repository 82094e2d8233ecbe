import pytest
from hypothesis import example, given

from services.referral.document.text import is_as_stored, stored
from shared.strict_json import canonical
from tests.unit.referral.test_intake_inputs import (
    JSON,
    a_document,
    accepted,
    refused,
    with_baby,
    with_carer,
    with_consent,
    with_referrer,
)


@pytest.mark.parametrize(
    "name",
    [
        "O'Brien-Smith",
        "Nguy\u1ec5n",
        "Nguye\u0302\u0303n",
        "\u5f20",
        "Null",
        "D\u2019Arcy",
        "van der Berg",
        "\u0645\u062d\u0645\u062f",
        "\u05d3\u05d5\u05d3\u200f",
        "\u0928\u093f\u0915\u094d\u0937\u093e",
        "Robert'); DROP TABLE referrals;--",
        "A" * 100,
        "-",
        "a" + "\u0301" * 5,
        "J\u00f8rgen #2",
        "\U00020bb7\u91ce",
    ],
)
def test_a_real_name_is_accepted(name: str) -> None:
    assert accepted(with_carer(family_name=name)).caregivers[0].family_name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u00a0\u2003",
        "\u200b\u200d",
        "\ufeff",
        "\u3164",
        "\u2800",
        "\u00ad",
        "A" * 101,
        "A\nB",
        "A\tB",
        "A\x00B",
        "A\x7fB",
        "A\x85B",
        "A\u2028B",
        "\ufdd0",
        "A\uffff",
        "A\U0001fffe",
        "A\U000e0041",
        "A\u202eB",
        "\u2066A\u2069",
        "a" + "\u0301" * 6,
        "a" + "\u0301\u200d" * 6,
        "a" + "\u20dd" * 6,
        "=1+1",
        "+44",
        "@SUM(A1)",
        " =1",
        "\u200b=1",
        "\uff1d1",
        "<b>",
        "a>b",
    ],
)
def test_a_misleading_name_is_refused(name: str) -> None:
    assert refused(with_carer(given_name=name))[0][0] == "/caregivers/0/given_name"
    assert refused(with_baby(given_name=name))
    assert refused(with_referrer(name=name))
    assert refused(with_consent(given_by=name))
    assert refused(a_document(home={"address_lines": [name]}))


def test_names_are_kept_in_nfc() -> None:
    assert accepted(with_carer(given_name="Zoe\u0308")).caregivers[0].given_name == "Zo\u00eb"


@pytest.mark.parametrize("notes", ["<script>", "a\u202eb", "\x1b[2J", "a\nb", "=1", "\U0001f600" * 10, "x" * 10_000])
def test_notes_are_taken_as_written(notes: str) -> None:
    assert accepted(a_document(notes=notes)).notes == notes


def test_a_length_counts_what_is_stored() -> None:
    """Letters in two parts are one, and so is a line end."""
    assert len(accepted(with_carer(given_name="e\u0301" * 100)).caregivers[0].given_name or "") == 100
    assert refused(with_carer(given_name="e\u0301" * 101)) == [("/caregivers/0/given_name", "too-long")]
    assert accepted(a_document(notes="a\r\n" * 5_000)).notes == "a\n" * 5_000
    assert refused(a_document(notes="a\r\n" * 5_001)) == [("/notes", "too-long")]


@pytest.mark.parametrize("notes", ["", "a\x00b", "x" * 10_001])
def test_notes_refuse_nul_and_too_much(notes: str) -> None:
    assert refused(a_document(notes=notes))[0][0] == "/notes"


@given(JSON)
@example({"notes": "one\rtwo"})
@example(["one\r\ntwo", {"e\u0301": None}])
@example("a backslash \\r")
def test_a_text_is_taken_for_stored_only_when_nothing_in_it_has_to_change(value: object) -> None:
    assert not is_as_stored(canonical(value)) or stored(value) == value


def test_a_plain_text_is_as_it_is_stored() -> None:
    assert is_as_stored(canonical(a_document()))
