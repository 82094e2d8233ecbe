"""What may be mistyped is said before a referral is sent; nothing of it is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.referral.front.doubts import NOBODY_TO_REACH, doubts_of

TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"babies": [{"nhs_number": "943 476 5918"}]}, [("babies", "Baby 1: this is no NHS number")]),
        ({"babies": [{}, {"date_of_birth": "2027-09-01"}]}, [("babies", "Baby 2: the date of birth is still to come")]),
        ({"babies": [{"due_on": "2028-03-14"}]}, [("babies", "Baby 1: the due date is very far away")]),
        ({"caregivers": [{"nhs_number": "1"}]}, [("carers", "Carer 1: this is no NHS number")]),
        ({"babies": [{"nhs_number": "943-476-5919"}]}, []),
        ({"babies": [{"nhs_number": "943 476 5919", "date_of_birth": "2026-06-15", "due_on": "2027-03-01"}]}, []),
        ({"babies": [{"date_of_birth": "nonsense", "nhs_number": None}], "caregivers": [None, {}]}, []),
        ({"babies": [{"nhs_number": "abc"}]}, [("babies", "Baby 1: this is no NHS number")]),
        (
            {"caregivers": [{"messages": {"channel": "letter"}}]},
            [("contact", "Carer 1: we send no messages yet. Say if")],
        ),
        (
            {"caregivers": [{}, {"email": "a@b.example", "messages": {"channel": "email", "is_safe": True}}]},
            [("contact", "Carer 2: we send no messages yet. Say who told you")],
        ),
        (
            {"caregivers": [{"messages": {"channel": "sms", "is_safe": True, "told_by": "family"}}]},
            [("contact", "Carer 1: we send no messages yet. Their phone is missing")],
        ),
        (
            {
                "caregivers": [
                    {"phone": "07700 900123", "messages": {"channel": "sms", "is_safe": True, "told_by": "family"}}
                ]
            },
            [],
        ),
        (
            {"caregivers": [{"phone": "07700 9001"}, {"phone": "0115 496 01"}]},
            [("contact", "Carer 1: the phone number is short"), ("contact", "Carer 2: the phone number is short")],
        ),
        ({"caregivers": [{"phone": "+33 1 23 45 67 89"}, {"phone": "0115 496 0101"}]}, []),
        ({"caregivers": [{"messages": {"channel": "none"}}, {"messages": {"is_safe": False}}]}, []),
        ({}, []),
    ],
)
def test_what_can_hardly_be_right_is_said(document: dict[str, Any], said: list[tuple[str, str]]) -> None:
    found = [each for each in doubts_of(document, today=TODAY) if each[1] != NOBODY_TO_REACH]
    assert [slug for slug, _ in found] == [slug for slug, _ in said]
    assert all(words.startswith(begin) for (_, words), (_, begin) in zip(found, said, strict=True))


@pytest.mark.parametrize("way", ["phone", "email", "safe_contact"])
def test_a_family_that_nobody_can_reach_is_said(way: str) -> None:
    told = ("contact", NOBODY_TO_REACH)
    assert told in doubts_of({"caregivers": [{"given_name": "Sana"}, None]}, today=TODAY)
    assert told in doubts_of({}, today=TODAY)
    assert told not in doubts_of({"caregivers": [{}, {way: "0115 496 0101"}]}, today=TODAY)
