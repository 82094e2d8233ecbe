"""The form to find a family, the form of places, and the wait to expect: what each takes and what it says otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from services.triage.identity_access import LookReason
from services.triage.pages.find.search import FindForm, read_form
from services.triage.pages.places.capacity import read_places
from services.triage.work_items.places import expected_weeks
from shared.problems import FieldError
from tests.builders import TODAY

NAMED = {"given_name": "Zoë", "family_name": "O'Brien", "day": "27", "month": "3", "year": "2026"}


def read(**fields: Any) -> FindForm:
    return read_form({"reason": "rang", **fields}, today=TODAY)


def test_a_reason_is_always_needed() -> None:
    assert read(reason="", nhs_number="9990000018").errors == {"reason": "Choose why you are looking"}
    assert read(reason="assigned", nhs_number="9990000018").errors.keys() == {"reason"}
    assert read(nhs_number="9990000018").reason is LookReason.RANG


@pytest.mark.parametrize("typed", ["9990000018", "999 000 0018", "999-000-0018", " 999\u2013000 0018 "])
def test_an_nhs_number_is_read_as_people_write_it(typed: str) -> None:
    form = read(nhs_number=typed)
    assert (form.who, form.errors) == ({"nhs_number": "9990000018"}, {})


@pytest.mark.parametrize("typed", ["999000001", "99900000180", "999000001X", "1111111111", "٩٩٩٠٠٠٠٠١٨"])
def test_what_is_no_nhs_number_is_told_at_its_field(typed: str) -> None:
    assert read(nhs_number=typed).errors.keys() == {"nhs_number"}


def test_a_name_needs_both_parts_and_the_date() -> None:
    assert read(**NAMED).who == {"given_name": "Zoë", "family_name": "O'Brien", "date_of_birth": "2026-03-27"}
    assert read(given_name="Zoë").errors.keys() == {"family_name", "date_of_birth"}
    assert read(**NAMED | {"given_name": " "}).errors == {"given_name": "Enter the first name"}


def test_a_postcode_only_narrows_a_name() -> None:
    assert read(**NAMED, postcode="ng6 8gb").who["postcode"] == "ng6 8gb"
    assert read(postcode="NG6 8GB").errors.keys() == {"nhs_number"}


def test_with_an_nhs_number_nothing_else_counts() -> None:
    assert read(nhs_number="9990000018", given_name="Zoë", day="99").who == {"nhs_number": "9990000018"}


@pytest.mark.parametrize(
    ("day", "month", "year"),
    [("30", "2", "2026"), ("1", "13", "2026"), ("1", "1", "26"), ("", "3", "2026"), ("x", "3", "2026")],
)
def test_a_day_that_does_not_exist_is_told(day: str, month: str, year: str) -> None:
    errors = read(**NAMED | {"day": day, "month": month, "year": year}).errors
    assert errors == {"date_of_birth": "Enter a real date, like 27 3 2026"}


def test_nobody_is_born_in_the_future() -> None:
    today = {"day": str(TODAY.day), "month": str(TODAY.month), "year": str(TODAY.year)}
    assert not read(**NAMED | today).errors
    assert read(**NAMED | today | {"year": str(TODAY.year + 1)}).errors.keys() == {"date_of_birth"}


def test_what_was_typed_is_kept_for_another_try() -> None:
    form = read(reason="", **NAMED | {"day": "31", "month": "2"})
    assert form.typed["given_name"] == "Zoë"
    assert form.typed["day"] == "31"


def test_the_summary_follows_the_form_and_leads_to_its_fields() -> None:
    assert [each["href"] for each in read(reason="", family_name="O'Brien").summary] == [
        "#reason",
        "#given-name",
        "#date-of-birth-day",
    ]


def test_what_the_referral_service_refuses_is_told_at_its_field() -> None:
    refused = read(**NAMED).refused([FieldError("/postcode", "invalid-postcode", "This is not a postcode.")])
    assert refused.errors == {"postcode": "Postcode: This is not a postcode."}
    assert refused.typed["given_name"] == "Zoë"
    assert read(**NAMED).refused([]).errors


def test_places_are_whole_numbers() -> None:
    places, errors = read_places({"individual": "12", "group": "0"})
    assert places is not None
    assert (places.individual, places.group, errors) == (12, 0, [])


@pytest.mark.parametrize("typed", ["", "-1", "1.5", "10001", "many", "١٢", "9" * 20])
def test_what_is_no_number_of_places_is_told_at_its_field(typed: str) -> None:
    places, errors = read_places({"individual": typed, "group": "4"})
    assert places is None
    assert [each["href"] for each in errors] == ["#individual"]


def test_the_wait_grows_with_the_place_in_line_and_is_rounded_up() -> None:
    assert [expected_weeks(position, free=0, starts=12) for position in (1, 2, 10)] == [1, 2, 10]
    assert [expected_weeks(position, free=0, starts=24) for position in (1, 2, 3)] == [1, 1, 2]


def test_fewer_than_three_starts_are_not_enough_to_say() -> None:
    assert expected_weeks(1, free=0, starts=2) is None
    assert expected_weeks(1, free=0, starts=3) == 4


def test_there_is_no_wait_while_a_place_is_free() -> None:
    assert [expected_weeks(position, free=2, starts=3) for position in (1, 2, 3)] == [0, 0, 4]
