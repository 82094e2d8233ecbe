"""From a document into the boxes of the form and back: nothing is lost, nothing invented, nothing echoed."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.demo.families.morning import morning
from deploy.demo.families.sent import What
from services.referral.document.checks import gaps
from services.referral.document.errors import Invalid
from services.referral.document.read import read_referral
from services.referral.front.filling import (
    add_entry,
    errors_of,
    field_of,
    missing_of,
    page_of,
    read_page,
    remove_entry,
    summary_of,
    titles_of,
    values_of,
)
from services.referral.front.form_pages import PAGES, SLUGS, pages_for
from shared.strict_json import FieldError, Unreadable, parse_json
from tests.builders import a_policy
from tests.front_documents import ANY_DOCUMENT, NOW, meaning, page, scenario_documents
from tests.unit.referral.test_intake_inputs import JSON, PLACES, ROWS, a_document, body_of, replaced

SCENARIOS = scenario_documents()
CANARY = "Zq7canary"


def typed_anew(document: dict[str, Any]) -> dict[str, Any]:
    """What somebody gets who types the answers of every page into an empty draft."""
    draft: dict[str, Any] = {}
    for each in pages_for(document):
        draft = read_page(each, draft, values_of(each, document))
    return draft


def sent(slug: str, document: dict[str, Any], **changes: Sequence[str] | str) -> dict[str, Any]:
    """The page as shown, with some boxes changed (`__` for a dot), and Continue."""
    changed = {name.replace("__", "."): [value] if isinstance(value, str) else value for name, value in changes.items()}
    shown = page(slug, document)
    return read_page(shown, document, values_of(shown, document) | changed)


def errors(slug: str, document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.pointer, each.code) for each in errors_of(page(slug, document), document, now=NOW)]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_can_be_typed(name: str) -> None:
    document = SCENARIOS[name]
    assert meaning(typed_anew(document)) == meaning(document)
    assert read_referral(typed_anew(document), now=NOW) == read_referral(document, now=NOW)


def test_the_odd_families_of_the_demo_can_be_typed() -> None:
    families = [each.body for each in morning(now=NOW, policy=a_policy()) if each.what is What.REFERRAL]
    assert len(families) > 10
    for document in families:
        assert meaning(typed_anew(document)) == meaning(document)


@settings(max_examples=100, deadline=None)
@given(ANY_DOCUMENT)
def test_any_referral_can_be_typed(document: dict[str, Any]) -> None:
    assert meaning(typed_anew(document)) == meaning(document)


@settings(max_examples=60, deadline=None)
@given(ANY_DOCUMENT, st.randoms(use_true_random=False))
def test_saving_a_page_as_it_is_shown_changes_nothing(document: dict[str, Any], chance: Random) -> None:
    read = document
    for each in chance.sample(pages_for(document), len(SLUGS)):
        read = read_page(each, read, values_of(each, read))
    assert meaning(read) == meaning(document)


@settings(max_examples=60, deadline=None)
@given(ANY_DOCUMENT, st.sampled_from(SLUGS), ANY_DOCUMENT)
def test_a_page_changes_only_its_own_members(document: dict[str, Any], slug: str, other: dict[str, Any]) -> None:
    shown = page(slug, document)
    own = {field.name for field in shown.fields}
    before = json.dumps(document)
    read = read_page(shown, document, {**values_of(shown, other), "nobody.asked": ["x"], "notes.9": ["x"]})
    assert json.dumps(document) == before
    if not shown.can_add:  # there entries may go, and others move up
        assert told_by_others(read, own) == told_by_others(document, own)


def told_by_others(document: dict[str, Any], own: set[str]) -> dict[str, list[str]]:
    """What the boxes show of all members but these."""
    told: dict[str, list[str]] = {}
    for each in PAGES:
        values = values_of(each, document)
        boxes = [box for field_set in each.field_sets(values) for box in field_set.fields]
        told |= {name: values[name] for field, name in boxes if field.name not in own and values[name]}
    return told


def test_a_full_sample_comes_through_with_all_its_words() -> None:
    sample = a_document()
    assert meaning(typed_anew(sample)) == meaning(sample)
    assert {page_of(name) for each in PAGES for name in values_of(each, sample)} == set(SLUGS)


def test_an_empty_box_removes_its_member_and_a_part_that_says_no_more() -> None:
    document = sent("agreement", {}, consent__status="given", consent__given_by="Sana")
    assert document == {"consent": {"status": "given", "given_by": "Sana"}}
    document = sent("agreement", document, consent__given_by="  ")
    assert document == {"consent": {"status": "given"}}
    assert sent("agreement", document, consent__status="") == {}


def test_a_box_that_did_not_come_was_not_on_the_page() -> None:
    document = {"notes": "Long ago", "requested_tier": "pnmh"}
    assert read_page(page("words"), document, {"external_reference": ["7"]}) == document | {"external_reference": "7"}


def test_a_box_without_a_tick_says_no() -> None:
    document = {"home": {"withheld": True}, "risk_factors": ["isolation"], "safety": []}
    assert read_page(page("home"), document, {"home.postcode": [""]}) == {"risk_factors": ["isolation"], "safety": []}
    assert read_page(page("around-them"), document, {}) == {"home": {"withheld": True}, "safety": []}


def test_a_radio_is_taken_back_by_its_empty_choice() -> None:
    assert sent("words", {"requested_tier": "pnmh"}, requested_tier="") == {}
    document = {"caregivers": [{"interpreter_needed": True, "phone": "1"}]}
    assert sent("language", document, caregivers__0__interpreter_needed="") == {"caregivers": [{"phone": "1"}]}


def test_notes_are_kept_as_typed_with_line_ends_as_the_document_stores_them() -> None:
    assert sent("words", {}, notes=" One\r\n\r\ntwo  ")["notes"] == " One\n\ntwo  "


def test_blanks_around_numbers_and_addresses_are_not_kept() -> None:
    read = sent("you", {}, referrer__email=" ada@example.org ", referrer__name=" Ada ")
    assert read == {"referrer": {"name": " Ada ", "email": "ada@example.org"}}


def test_no_danger_is_an_answer_and_a_danger_wins_over_it() -> None:
    assert sent("safety", {}, safety=["none"]) == {"safety": []}
    assert values_of(page("safety"), {"safety": []})["safety"] == ["none"]
    assert sent("safety", {}, safety=["none", "domestic_abuse"]) == {"safety": ["domestic_abuse"]}
    assert sent("safety", {"safety": ["immediate_danger"]}, safety=[]) == {}


class TestMentalHealthIsOneValueOnTwoPages:
    @pytest.mark.parametrize("other", ["mild", "moderate", "severe", "severe_history_well"])
    def test_none_of_the_red_flags_leaves_what_the_other_page_said(self, other: str) -> None:
        document = sent("around-them", {}, mental_health=other)
        assert values_of(page("safety", document), document)["mental_health"] == ["none"]
        assert sent("safety", document, mental_health="none") == document
        assert sent("safety", document) == document

    def test_a_red_flag_takes_its_place_and_the_other_page_no_longer_asks(self) -> None:
        document = sent("safety", {"mental_health": "mild"}, mental_health="estrangement")
        assert document == {"mental_health": "estrangement"}
        assert "mental_health" not in values_of(page("around-them", document), document)
        assert read_page(page("around-them"), document, {"mental_health": ["none"]}) == document
        assert read_page(page("around-them"), document, {}) == document

    def test_a_red_flag_can_be_taken_back_on_its_own_page(self) -> None:
        assert sent("safety", {"mental_health": "self_harm_new"}, mental_health="none") == {"mental_health": "none"}

    def test_a_page_left_empty_keeps_that_there_is_no_red_flag(self) -> None:
        assert read_page(page("around-them"), {"mental_health": "none"}, {}) == {"mental_health": "none"}

    def test_what_is_no_code_can_be_corrected_on_either_page(self) -> None:
        document = sent("around-them", {}, mental_health="sad")
        assert errors("around-them", document) == errors("safety", document) == [("mental_health", "not-in-list")]
        assert sent("around-them", document, mental_health="mild") == {"mental_health": "mild"}
        assert sent("safety", document, mental_health="none") == {"mental_health": "none"}


class TestEntries:
    def test_other_pages_keep_their_members_of_each(self) -> None:
        document = {"caregivers": [{"relationship": "mother", "phone": "1"}, {"relationship": "father", "phone": "2"}]}
        read = sent("carers", document, caregivers__0__relationship="kinship", caregivers__1__given_name="Imran")
        assert read["caregivers"] == [
            {"relationship": "kinship", "phone": "1"},
            {"relationship": "father", "phone": "2", "given_name": "Imran"},
        ]

    def test_one_that_the_form_does_not_name_is_left_alone(self) -> None:
        document = {"caregivers": [{"phone": "1"}, {"phone": "2"}]}
        assert read_page(page("contact"), document, {"caregivers.0.phone": ["3"]}) == {
            "caregivers": [{"phone": "3"}, {"phone": "2"}]
        }

    def test_one_that_was_emptied_is_removed_and_the_rest_move_up(self) -> None:
        document = {"babies": [{"given_name": "Robin"}, {"given_name": "Kit"}, {"given_name": "Jo"}]}
        assert sent("babies", document, babies__1__given_name="") == {
            "babies": [document["babies"][0], document["babies"][2]]
        }

    def test_one_that_other_pages_know_of_is_not_removed(self) -> None:
        document = {"babies": [{"given_name": "Robin", "sex": "2"}, {"given_name": "Kit"}]}
        assert sent("babies", document, babies__0__given_name="") == {"babies": [{"sex": "2"}, {"given_name": "Kit"}]}

    def test_the_only_one_stays_so_that_a_baby_of_whom_nothing_is_known_can_be_sent(self) -> None:
        assert sent("babies", {}) == {"babies": [{}]}
        assert "babies" not in missing_of(sent("babies", {}))

    def test_an_empty_one_at_the_end_goes_and_one_before_another_keeps_its_place(self) -> None:
        document = add_entry(page("babies"), {"babies": [{"given_name": "Robin"}]})
        assert document == {"babies": [{"given_name": "Robin"}, {}]}
        assert sent("babies", document) == {"babies": [{"given_name": "Robin"}]}
        assert sent("babies", {}, babies__1__given_name="Kit") == {"babies": [{}, {"given_name": "Kit"}]}

    def test_the_first_is_there_before_it_is_typed(self) -> None:
        assert add_entry(page("carers"), {}) == {"caregivers": [{}, {}]}
        assert values_of(page("contact"), {}) == {
            f"caregivers.0.{member}": []
            for member in (
                *("phone", "email", "safe_contact"),
                *("messages.channel", "messages.is_safe", "messages.told_by"),
            )
        }

    @pytest.mark.parametrize(("slug", "people", "most"), [("babies", "babies", 5), ("carers", "caregivers", 10)])
    def test_no_more_are_added_than_the_document_takes(self, slug: str, people: str, most: int) -> None:
        document: dict[str, Any] = {}
        for _ in range(12):
            document = add_entry(page(slug), document)
        assert len(document[people]) == most
        assert errors(slug, document) == []

    def test_positions_still_count_when_one_is_removed(self) -> None:
        document = {"babies": [{"given_name": "Robin"}, {"given_name": "Kit"}, {"given_name": "Jo"}]}
        shown = page("babies")
        form = values_of(shown, document) | {"babies.1.given_name": [""], "remove": ["2"]}
        assert remove_entry(shown, read_page(shown, document, form), 2) == {"babies": [{"given_name": "Robin"}, {}]}

    @pytest.mark.parametrize("number", [-1, 2, 99])
    def test_nobody_is_removed_at_a_position_that_is_not_there(self, number: int) -> None:
        document = {"babies": [{"given_name": "Robin"}, {"given_name": "Kit"}]}
        assert remove_entry(page("babies"), document, number) == document
        assert remove_entry(page("contact"), {"caregivers": [{}, {}]}, 1) == {"caregivers": [{}, {}]}

    def test_removing_the_only_one_leaves_an_empty_one(self) -> None:
        assert remove_entry(page("babies"), {"babies": [{"given_name": "Robin", "sex": "2"}]}, 0) == {"babies": [{}]}

    def test_too_many_are_refused_and_not_dropped(self) -> None:
        document = sent("babies", {}, babies__7__given_name="Robin")
        [error] = errors_of(page("babies"), document, now=NOW)
        assert error == FieldError("babies.0.given_name", "too-many", "Enter 5 babies at most")

    def test_each_is_called_by_name_where_the_names_are_not_asked(self) -> None:
        document = {"caregivers": [{"given_name": "Sana", "family_name": "Shah"}, {"relationship": "father"}]}
        assert titles_of(page("contact"), document) == {"caregivers.0": "Carer 1: Sana Shah"}
        assert titles_of(page("carers"), document) == {}


class TestMistakes:
    @pytest.mark.parametrize("day", ["12 3 202", "30 2 2026", "soon", "2026-13-01", "3 12", "12 3 2026 14:30"])
    def test_a_day_that_cannot_be_read_is_refused_and_shown_as_typed(self, day: str) -> None:
        document = sent("babies", {}, babies__0__date_of_birth=day)
        assert values_of(page("babies"), document)["babies.0.date_of_birth"] == [day]
        assert errors("babies", document) == [("babies.0.date_of_birth", "invalid-date")]

    def test_each_names_its_box_once_in_the_order_of_the_page(self) -> None:
        document = sent("carers", a_document(), caregivers__1__nhs_number="12", caregivers__0__relationship="aunt")
        document = sent("contact", document, caregivers__0__phone="call me")
        assert errors("carers", document) == [
            ("caregivers.0.relationship", "not-in-list"),
            ("caregivers.1.nhs_number", "invalid-nhs-number"),
        ]
        assert errors("contact", document) == [("caregivers.0.phone", "invalid-phone")]
        assert errors("safety", sent("safety", {}, safety=["fire", "flood"])) == [("safety", "not-in-list")]

    def test_the_words_begin_with_what_they_are_about(self) -> None:
        document = sent("contact", {}, caregivers__0__phone="call me")
        [error] = errors_of(page("contact"), document, now=NOW)
        assert error.detail.startswith("Carer 1: Phone number. Enter a number that can be rung")

    def test_an_address_that_is_secret_too_is_a_mistake_of_the_address(self) -> None:
        document = sent("home", {}, home__postcode="NG6 8GB", home__withheld="true")
        assert errors("home", document) == [("home.postcode", "conflict")]

    def test_two_people_with_one_nhs_number_are_told_where_the_second_is(self) -> None:
        document = sent("carers", a_document(), caregivers__0__nhs_number="999 000 0018")
        assert errors("babies", document) == []
        assert errors("carers", document) == [("caregivers.0.nhs_number", "conflict")]

    @pytest.mark.parametrize("slug", SLUGS)
    def test_an_empty_page_has_none(self, slug: str) -> None:
        assert errors(slug, sent(slug, {})) == []

    def test_consent_in_the_future_is_one(self) -> None:
        document = sent("agreement", {}, consent__recorded_at="16 6 2026")
        assert errors("agreement", document) == [("consent.recorded_at", "implausible-time")]


class TestMissing:
    def test_an_empty_document_lacks_all_that_is_needed(self) -> None:
        missing = {slug: [error.pointer for error in errors] for slug, errors in missing_of({}).items()}
        assert missing == {
            "agreement": ["consent.status"],
            "babies": ["babies.0.given_name"],
            "carers": ["caregivers.0.relationship", "caregivers.0.given_name"],
            "relationship": ["concern.severity"],
            "you": ["referrer.name", "referrer.role", "referrer.email"],
        }

    def test_a_whole_one_lacks_nothing(self) -> None:
        assert missing_of(a_document()) == {}

    def test_after_a_loss_nobody_is_asked_whether_they_were_seen_together(self) -> None:
        missing = missing_of({"circumstances": ["infant_died"]})
        assert [error.detail for error in missing["relationship"]] == ["Choose an answer. The first one is enough"]
        assert "You can leave it all empty" in missing["babies"][0].detail

    def test_a_second_carer_is_named(self) -> None:
        document = a_document(caregivers=[{"relationship": "mother", "given_name": "Sana"}, {"phone": "1"}])
        assert [error.detail for error in missing_of(document)["carers"]] == [
            "Carer 2: Choose who this person is to the baby",
            "Carer 2: Enter a first name or a last name",
        ]

    @settings(max_examples=60, deadline=None)
    @given(ANY_DOCUMENT)
    def test_it_is_empty_just_when_a_referral_can_be_sent(self, document: dict[str, Any]) -> None:
        assert bool(missing_of(document)) == bool(gaps(document))


class TestPlaces:
    @pytest.mark.parametrize(
        ("pointer", "name", "slug"),
        [
            ("/caregivers/2/phone", "caregivers.2.phone", "contact"),
            ("/caregivers/0/communication_needs/1", "caregivers.0.communication_needs", "language"),
            ("/home", "home.postcode", "home"),
            ("/home/address_lines/3", "home.address_lines", "home"),
            ("/babies", "babies.0.given_name", "babies"),
            ("/babies/1", "babies.1.given_name", "babies"),
            ("/babies/1/sex", "babies.1.sex", "equality"),
            ("/consent", "consent.status", "agreement"),
            ("/safety/0", "safety", "safety"),
            ("/mental_health", "mental_health", "safety"),
            ("/source", "source", "you"),
            ("", "", ""),
            ("/hobbies", "", ""),
        ],
    )
    def test_a_pointer_leads_to_its_box_and_page(self, pointer: str, name: str, slug: str) -> None:
        assert (field_of(pointer), page_of(pointer)) == (name, slug)
        assert (field_of(name), page_of(name)) == (name, slug)

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(PLACES), JSON)
    def test_every_error_of_a_document_has_a_page(self, place: tuple[Any, ...], value: Any) -> None:
        document = replaced(a_document(), place, value)
        found: list[FieldError] = []
        try:
            read_referral(document, now=NOW)
        except Invalid as refused:
            found = [error for error in refused.errors if error.code not in {"unknown-member", "required"}]
        assert all(page_of(error.pointer) in SLUGS for error in found)
        on_pages = {error.pointer for each in PAGES for error in errors_of(each, document, now=NOW)}
        assert on_pages >= {field_of(error.pointer) for error in found}


class TestHostile:
    @pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
    def test_an_awkward_request_is_shown_and_judged_without_falling(self, row: dict[str, Any]) -> None:
        try:
            document = parse_json(body_of(row))
        except Unreadable:
            return
        if isinstance(document, dict):
            self.goes_through_every_page(document)

    @settings(max_examples=60, deadline=None)
    @given(st.sampled_from(PLACES), JSON)
    def test_any_value_anywhere_is_shown_and_judged(self, place: tuple[Any, ...], value: Any) -> None:
        self.goes_through_every_page(replaced(a_document(), place, value))

    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_any_text_in_any_box_is_kept_or_refused_and_never_echoed(self, data: st.DataObject) -> None:
        shown = data.draw(st.sampled_from(PAGES))
        names = data.draw(st.lists(st.sampled_from(list(values_of(shown, a_document()))), min_size=1, unique=True))
        texts = st.builds(lambda a, b: a + CANARY + b, st.text(max_size=9), st.text(max_size=9))
        form = {name: data.draw(st.lists(texts, min_size=1, max_size=3)) for name in names}
        document = read_page(shown, a_document(), form)
        assert CANARY in json.dumps(document)
        found = [error for each in PAGES for error in errors_of(each, document, now=NOW)]
        assert CANARY not in repr(found)
        try:
            read_referral(document, now=NOW)
        except Invalid:
            assert found
        else:
            assert not found

    def test_a_day_of_endless_digits_is_only_refused(self) -> None:
        document = sent("babies", {}, babies__0__date_of_birth="1 " * 50_000)
        assert errors("babies", document) == [("babies.0.date_of_birth", "invalid-date")]

    def goes_through_every_page(self, document: dict[str, Any]) -> None:
        missing_of(document)
        for each in pages_for(document):
            read = read_page(each, document, values_of(each, document))
            errors_of(each, read, now=NOW)
            summary_of(each, read)
            titles_of(each, read)


class TestSummary:
    def test_it_says_the_words_and_not_the_codes(self) -> None:
        sample = a_document()
        told = [line for each in pages_for(sample) for line in summary_of(each, sample)]
        assert ("Baby 1: Date of birth", "Friday 16 January 2026") in told
        assert ("Carer 1: Which language do they like best?", "Urdu") in told
        assert ("Carer 1: Do they need an interpreter?", "Yes") in told
        assert ("How worried are you?", "I am worried") in told
        assert ("What makes life hard just now?", "On their own, with little support; A traumatic birth") in told
        assert ("Is there a sign that a parent is in danger?", "None of these") in told
        assert ("What do you know or fear?", "None of these") in told

    def test_what_was_not_said_is_not_there(self) -> None:
        assert [line for each in PAGES for line in summary_of(each, {})] == []

    def test_a_time_at_midnight_is_a_day(self) -> None:
        document = sent("agreement", {}, consent__recorded_at="14 6 2026")
        assert document == {"consent": {"recorded_at": "2026-06-14T00:00:00+01:00"}}
        assert summary_of(page("agreement"), document) == [("When did they say so?", "Sunday 14 June 2026")]

    def test_what_cannot_be_read_stands_as_typed(self) -> None:
        document = sent("babies", {}, babies__0__due_on="after Easter")
        assert summary_of(page("babies"), document) == [("Baby 1: Due date", "after Easter")]
