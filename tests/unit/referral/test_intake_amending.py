from typing import Any

import pytest

from services.referral.document.errors import Invalid
from services.referral.document.read import merge_patch, read_enquiry, read_information, read_referral, read_withdrawal
from shared.events import Kind, Safety, WithdrawalReason
from tests.unit.referral.test_intake_inputs import NOW, a_document


def test_a_patch_replaces_lists_whole_and_null_removes() -> None:
    original = a_document()
    patched = merge_patch(original, {"babies": [{"due_on": "2026-08-01"}], "home": {"postcode": None}, "notes": None})
    assert patched["babies"] == [{"due_on": "2026-08-01"}]
    assert patched["home"] == {}
    assert "notes" not in patched
    assert original == a_document()
    assert read_referral(patched, now=NOW)


@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_patches_follow_rfc_7396(original: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]) -> None:
    assert merge_patch(original, patch) == result


def test_the_external_reference_is_fixed() -> None:
    assert merge_patch(a_document(), {"external_reference": "HV-2026-00417"}) == a_document()
    for patch in ({"external_reference": "other"}, {"external_reference": None}, []):
        with pytest.raises(Invalid):
            merge_patch(a_document(), patch)


def test_a_withdrawal_has_a_reason() -> None:
    assert read_withdrawal({"reason": "moved_away"}, now=NOW) is WithdrawalReason.MOVED_AWAY
    for value in ({}, {"reason": None}, {"reason": "bored"}, {"reason": "other", "notes": "x"}):
        with pytest.raises(Invalid):
            read_withdrawal(value, now=NOW)


def test_an_answer_is_words_or_changed_members() -> None:
    answer = read_information({"notes": "She said yes.", "consent": {"status": "given"}}, now=NOW)
    assert (answer.notes, answer.changes) == ("She said yes.", {"consent": {"status": "given"}})
    assert read_information({"home": {"postcode": "NG6 8GB"}}, now=NOW).notes is None
    for value in ({}, {"notes": None}, {"notes": ""}, {"notes": "  "}, {"notes": 1}, {"notes": "x", "tier": "pnmh"}):
        with pytest.raises(Invalid):
            read_information(value, now=NOW)


def an_enquiry(**changes: Any) -> dict[str, Any]:
    referrer = {"name": "Ada Okoro", "role": "Health visitor", "email": "ada@example.org"}
    return {"kind": "training", "referrer": referrer, "topic": "Bonding", "people": 12, "safety": []} | changes


def test_an_enquiry_is_read() -> None:
    enquiry = read_enquiry(an_enquiry(safety=["significant_harm"]), now=NOW)
    assert (enquiry.kind, enquiry.people, enquiry.safety) == (Kind.TRAINING, 12, (Safety.SIGNIFICANT_HARM,))
    assert read_enquiry(an_enquiry(people=None), now=NOW).people == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "family"},
        {"kind": None},
        {"people": 0},
        {"people": 501},
        {"people": "2"},
        {"people": True},
        {"people": 1.0},
        {"topic": ""},
        {"topic": "x" * 201},
        {"topic": None},
        {"referrer": {"name": "Ada"}},
        {"babies": []},
        {"notes": "\x00"},
    ],
)
def test_an_enquiry_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        read_enquiry(an_enquiry(**changes), now=NOW)
