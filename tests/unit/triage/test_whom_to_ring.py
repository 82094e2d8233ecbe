"""Whom the first screen of a piece of work names, and with which number: the policy's, the family's, the referrer's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from services.triage.pages.referral.whom_to_ring import Call, FirstScreen, first_screen, whom_to_ring
from shared.events import Facts, Safety
from shared.service_map import of_authority
from tests.builders import TODAY, a_family, a_policy, a_work_item, decided, elsewhere, noon

SERVICES = of_authority(a_policy().authority, folder=Path(__file__).parents[3] / "deploy" / "service_maps")


def own(**changes: Any) -> Any:
    return a_work_item(**{"state": "claimed", "assignee": "maya"} | changes)


def rings_of(item: Any, facts: Facts | None = None, found: dict[str, Any] | None = None) -> list[Call]:
    """Whom the page of an item names; `found` is who the family is."""
    holds = decided(facts).holds if facts else ()
    known: dict[str, Any] = {"facts": facts, "policy": a_policy(), "service_map": SERVICES, "on": TODAY}
    return whom_to_ring(item, found=found, holds=holds, **known)


def numbers(calls: Sequence[Call]) -> list[tuple[str, str]]:
    return [(call.who, call.phone) for call in calls]


def test_the_numbers_to_ring_are_those_of_policy_and_service_map() -> None:
    assert ("Emergency services", "999") in numbers(rings_of(own(route="emergency_call")))
    assert ("Nottingham children's social care", "0115 496 0101") in numbers(rings_of(own(route="mash")))
    crisis = numbers(rings_of(own(route="pnmh_emergency")))
    assert crisis[0] == ("Nottingham mental health crisis team", "0115 496 0102")
    assert "0115 496 0101" not in dict(crisis).values()
    away = rings_of(own(route="mash_home_la"), a_family(home=elsewhere(), safety=[Safety.SIGNIFICANT_HARM]))
    assert away[0] == Call("Children's social care for Gedling", "", "ask the person on call for the number")


SANA = {"relationship": "mother", "given_name": "Sana", "family_name": "Shah", "phone": "07700 900123"}
ADA = {"name": "Ada Okoro", "role": "Health visitor", "phone": "0115 496 0123"}


def who_it_is(carer: dict[str, Any] | None = None, referrer: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"document": {"caregivers": [SANA | (carer or {})], "referrer": ADA | (referrer or {})}}


def test_a_team_rings_the_family_and_then_whoever_referred() -> None:
    assert numbers(rings_of(own(), found=who_it_is())) == [
        ("Sana Shah (mother)", "07700 900123"),
        ("Referrer Ada Okoro (Health visitor)", "0115 496 0123"),
    ]


@pytest.mark.parametrize("route", ["bereavement_review", "review_birth_outcome", "review_location", "signpost_age"])
def test_where_the_family_is_not_rung_first_only_the_referrers_number_is_told(route: str) -> None:
    assert [call.phone for call in rings_of(own(route=route), found=who_it_is())] == ["0115 496 0123"]


@pytest.mark.parametrize("changes", [{"state": "waiting_for_referrer"}, {"marks": ["undeliverable"]}])
def test_where_the_referrer_is_waited_for_the_family_is_not_rung(changes: dict[str, Any]) -> None:
    assert [call.phone for call in rings_of(own(**changes), found=who_it_is())] == ["0115 496 0123"]


def test_whoever_needs_an_interpreter_is_not_rung_without_one() -> None:
    found = who_it_is({"preferred_language": "uk", "interpreter_needed": True, "communication_needs": ["bsl"]})
    assert rings_of(own(), found=found)[0].who == (
        "Sana Shah (mother, speaks Ukrainian, book an interpreter first, British Sign Language)"
    )


@pytest.mark.parametrize(
    ("way", "words"),
    [
        (None, "None was given: ask the referrer first"),
        ("Only at the clinic.", "Only at the clinic."),
        ("Only at the clinic. " * 20, "Only at the clinic. " * 11 + "Only at the … All of it stands below"),
    ],
)
def test_under_domestic_abuse_the_safe_way_stands_where_the_number_would(way: str | None, words: str) -> None:
    calls = rings_of(own(), a_family(safety=[Safety.DOMESTIC_ABUSE]), who_it_is({"safe_contact": way}))
    assert calls[0] == Call("Sana Shah (mother), only in the safe way", "", words)


def test_without_a_number_the_page_says_what_to_do_instead() -> None:
    calls = rings_of(own(), found=who_it_is({"phone": None}, {"phone": None, "email": "ada@example.org"}))
    assert [(call.phone, call.instead, call.mail) for call in calls] == [
        ("", "no number is known, ask the referrer", ""),
        ("", "write to", "ada@example.org"),
    ]


def test_the_first_screen_begins_with_where_and_in_which_words() -> None:
    home = {"address_lines": ["1 High Street", "Sneinton"], "postcode": "NG2 4AA"}
    sent = first_screen(
        {"document": {"home": home, "notes": "Shouting heard.\nNobody opens. " + "word " * 60}}, is_rung=True
    )
    assert sent.address == "1 High Street, Sneinton, NG2 4AA"
    assert sent.words.startswith("Shouting heard. Nobody opens. word")
    assert sent.words.endswith(" word …")
    assert len(sent.words) < 250
    assert first_screen({"document": {"home": {"withheld": True}}}, is_rung=True) == FirstScreen(
        address="Kept safe: the notes may say more"
    )
    assert first_screen({"document": {"home": {"no_fixed_abode": True}}}, is_rung=True) == FirstScreen(
        address="No fixed address"
    )
    assert first_screen(None, is_rung=False) == FirstScreen()


@pytest.mark.parametrize(
    ("carer", "who"),
    [
        (
            {"given_name": "Sana", "preferred_language": "ur", "interpreter_needed": True},
            "Sana (mother, speaks Urdu, needs an interpreter)",
        ),
        ({"preferred_language": "en", "interpreter_needed": False}, "The carer (mother)"),
    ],
)
def test_who_the_family_is_stands_on_the_first_screen_where_somebody_else_is_rung_first(
    carer: dict[str, Any], who: str
) -> None:
    found = {"document": {"caregivers": [{"relationship": "mother", **carer}]}}
    assert first_screen(found, is_rung=False).who == who
    assert first_screen(found, is_rung=True).who == ""


def test_when_the_work_has_ended_nobody_is_rung() -> None:
    assert rings_of(a_work_item(route="mash", state="closed", ended_at=noon(TODAY))) == []
