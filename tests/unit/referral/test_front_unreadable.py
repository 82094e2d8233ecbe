"""In a danger a form can be sent whatever was typed into it: what can't be read stands in the notes as it was typed."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.document.read import read_referral
from services.referral.front import filling
from services.referral.front.form import FieldKind
from services.referral.front.form_pages import PAGES
from services.referral.front.unreadable import NOT_READ, sendable
from tests.front_documents import NOW

DANGER: Final[dict[str, Any]] = {"safety": ["immediate_danger"]}
FREE: Final = {FieldKind.TEXT, FieldKind.DATE, FieldKind.TIME, FieldKind.LINES}
TYPED: Final = {
    field.at(0): page for page in PAGES for field in page.fields if field.kind in FREE and field.name != "notes"
}
"""Name in HTML → page, of each box in which anything can be typed."""


def filled(document: dict[str, Any], typed: dict[str, str]) -> dict[str, Any]:
    for page in dict.fromkeys(TYPED[name] for name in typed):
        document = filling.read_page(page, document, {name: [words] for name, words in typed.items()})
    return document


@given(st.dictionaries(st.sampled_from(sorted(TYPED)), st.sampled_from(["\N{BULLET} ?", "31 2 2026", "=1", "x" * 400])))
def test_anything_typed_can_be_sent_in_a_danger_and_nothing_is_lost(typed: dict[str, str]) -> None:
    typed = {name: f"{words} {name}" for name, words in typed.items()}
    document = filled(DANGER, typed)
    going = sendable(document, now=NOW)
    assert read_referral(going.document, now=NOW)
    notes = str(going.document.get("notes") or "")
    for name, words in typed.items():
        assert (name in going.moved) == (words in notes)
        field, _ = filling.place_of(name)
        assert field is not None
        assert (filling.value_of(going.document, field, name) is None) == (name in going.moved)
    assert sendable(going.document, now=NOW).document == going.document


def test_it_stands_in_words_after_their_own_notes() -> None:
    people = {"babies": [{"given_name": "Robin"}, {"date_of_birth": "about Easter"}], "notes": "She is hurt."}
    going = sendable(DANGER | people, now=NOW)
    assert going.document["notes"] == f"She is hurt.\n\n{NOT_READ}\nBaby 2: Date of birth: about Easter"
    assert going.document["babies"] == [{"given_name": "Robin"}, {}]
    assert going.moved == {"babies.1.date_of_birth"}


@pytest.mark.parametrize(
    ("home", "stays"),
    [
        ({"withheld": True, "postcode": "NG1 5DT", "address_lines": ["1 High St"]}, {"withheld": True}),
        ({"withheld": True, "no_fixed_abode": True}, {"withheld": True}),
        ({"no_fixed_abode": True, "postcode": "NG1 5DT"}, {"postcode": "NG1 5DT"}),
    ],
)
def test_of_two_homes_the_one_that_keeps_safe_stays_else_the_address(home: Any, stays: Any) -> None:
    going = sendable(DANGER | {"home": home}, now=NOW)
    assert going.document["home"] == stays
    for member in home.keys() - stays.keys():
        assert f"home.{member}" in going.moved
    assert ("NG1 5DT" in going.document["notes"]) == ("postcode" in home.keys() - stays.keys())


@pytest.mark.parametrize(
    "document",
    [
        {"babies": [{"date_of_birth": "about Easter"}]},
        {"safety": ["domestic_abuse"], "babies": [{"date_of_birth": "about Easter"}]},
        DANGER | {"notes": "x" * 20_000},
        DANGER | {"notes": "x" * 9_990, "babies": [{"date_of_birth": "about Easter"}]},
        DANGER | {"safety": ["immediate_danger", "no such"]},
        DANGER,
    ],
)
def test_else_it_stays_as_it_is(document: dict[str, Any]) -> None:
    """Without a danger a person mends it; what the notes have no room for is never cut off."""
    assert sendable(document, now=NOW).document == document
    assert not sendable(document, now=NOW).moved
