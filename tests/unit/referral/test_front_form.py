"""The pages of the referral form: each member once, a label for each code, plain words, and fewer questions after a loss."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from services.referral.document import codes as own
from services.referral.document.codes import ETHNIC_CATEGORIES, SOURCES
from services.referral.document.model import (
    Baby,
    Caregiver,
    ConsentGiven,
    Home,
    MessagesWanted,
    ReferralDocument,
    Referrer,
    Worry,
)
from services.referral.front import choices
from services.referral.front.form import Field, FieldKind, FormPage
from services.referral.front.form_pages import MISSING, PAGES, SLUGS, pages_for
from shared import events
from tests.front_documents import page
from tests.unit.triage.test_rules_words import grade

PARTS: dict[str, type[BaseModel]] = {
    "referrer": Referrer,
    "babies.*": Baby,
    "caregivers.*": Caregiver,
    "home": Home,
    "consent": ConsentGiven,
    "concern": Worry,
}
AFTER_LOSS = pages_for({"circumstances": ["infant_died"]})
BEFORE_BIRTH = pages_for({"babies": [{"due_on": "2026-12-24"}, {"due_on": "2026-12-24"}]})
SHOWN: dict[str, FormPage] = {
    **{each.slug: each for each in PAGES},
    **{f"{each.slug} before birth": each for each, usual in zip(BEFORE_BIRTH, PAGES, strict=True) if each != usual},
    **{f"{each.slug} after a loss": each for each, usual in zip(AFTER_LOSS, PAGES, strict=True) if each != usual},
}
every_page = pytest.mark.parametrize("shown", SHOWN.values(), ids=list(SHOWN))
NOT_ASKED = {"written_in"}
"""These pages are in English; those of other languages (family/) say so by themselves."""
FIELDS: list[Field] = [field for each in PAGES for field in each.fields]


def members() -> Iterator[str]:
    for name in ReferralDocument.model_fields:
        place = f"{name}.*" if name in {"babies", "caregivers"} else name
        if place in PARTS:
            for member in PARTS[place].model_fields:
                inner = MessagesWanted.model_fields if member == "messages" else [""]
                yield from (f"{place}.{member}.{each}".rstrip(".") for each in inner)
        else:
            yield name


def words_of(shown: FormPage) -> Iterator[str]:
    """Every text of a page, but for the names that the NHS and the languages have."""
    yield from (shown.title, *shown.lead)
    for field in shown.fields:
        yield from (field.label, field.hint)
        if field.kind is not FieldKind.SELECT:
            yield from (text for choice in field.choices for text in (choice.label, choice.hint))


def test_every_member_of_the_document_is_on_one_page_and_mental_health_on_two() -> None:
    asked = Counter(name for name in members() if name not in NOT_ASKED)
    assert Counter(field.name for field in FIELDS) == asked + Counter({"mental_health": 1})


def test_the_pages_come_in_five_groups_in_order() -> None:
    assert SLUGS == (
        "safety", "agreement", "loss", "babies", "carers", "contact", "language", "home", "relationship",
        "around-them", "words", "equality", "you",
    )  # fmt: skip
    groups = [each.group for each in PAGES]
    assert len(set(groups)) == 5
    assert groups == sorted(groups, key=groups.index)


CODES: dict[str, Any] = {
    "safety": events.Safety,
    "consent.status": events.Consent,
    "circumstances": events.Circumstance,
    "caregivers.*.relationship": events.Carer,
    "caregivers.*.communication_needs": own.CommunicationNeed,
    "caregivers.*.ethnic_category": ETHNIC_CATEGORIES,
    "babies.*.ethnic_category": ETHNIC_CATEGORIES,
    "babies.*.sex": own.Gender,
    "caregivers.*.messages.channel": own.MessageChannel,
    "caregivers.*.messages.told_by": own.ToldBy,
    "concern.severity": events.Severity,
    "concern.domains": events.Domain,
    "strengths": own.Strength,
    "risk_factors": events.RiskFactor,
    "complex_history": events.ComplexHistory,
    "care_status": events.CareStatus,
    "mental_health": events.MentalHealth,
    "requested_tier": events.Tier,
    "source": SOURCES,
}


@pytest.mark.parametrize("name", CODES)
def test_every_code_has_one_label(name: str) -> None:
    offered = [choice for field in FIELDS if field.name == name for choice in field.choices]
    assert {choice.value for choice in offered} - {"none", ""} == {str(code) for code in CODES[name]} - {"none"}
    assert all(choice.label and choice.label != choice.value for choice in offered)
    for field in FIELDS:
        labels = [choice.label for choice in field.choices]
        assert len(set(labels)) == len(labels), field.name


def test_each_language_of_the_list_is_registered_as_the_document_writes_it() -> None:
    for choice in choices.LANGUAGES:
        assert own.standard_language(choice.value) == choice.value
        assert not choice.label.startswith("Another language")


def test_a_field_has_choices_just_where_something_is_chosen() -> None:
    chosen = {FieldKind.RADIOS, FieldKind.CHECKS, FieldKind.YES_NO, FieldKind.SELECT}
    assert all(bool(field.choices) == (field.kind in chosen) for field in FIELDS)


def test_what_a_referral_needs_is_not_called_optional() -> None:
    needed = {field.name for field in FIELDS if not field.is_optional}
    either_name_or_nothing_known = {"babies.*.given_name", "caregivers.*.given_name"}
    assert needed - {"safety", "mental_health"} == set(MISSING) - either_name_or_nothing_known


def test_before_the_birth_the_same_is_asked_in_words_that_fit() -> None:
    for shown, usual in zip(BEFORE_BIRTH, pages_for({}), strict=True):
        asked = [(field.name, field.codes) for field in shown.fields]
        assert asked == [(field.name, field.codes) for field in usual.fields]
    hints = [choice.hint for shown in BEFORE_BIRTH[8:9] for field in shown.fields for choice in field.choices]
    assert not [hint for hint in hints if re.search("enjoy|scared|sooth|plays|shows|warm moments", hint)]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"babies": [{"due_on": "2026-12-24", "date_of_birth": "2026-11-01"}]},
        {"babies": [{"due_on": "2026-12-24"}, {"date_of_birth": "2025-11-01"}]},
        {"babies": [{"given_name": "Robin"}]},
    ],
)
def test_with_a_baby_who_is_there_or_may_be_all_is_asked(document: dict[str, Any]) -> None:
    assert {each.slug: each for each in pages_for(document)}["relationship"] == page("relationship")


def test_danger_wants_an_answer_and_none_of_these_is_one() -> None:
    for field in PAGES[0].fields:
        assert not field.is_optional
        assert field.choices[-1].value == "none"


def test_every_radio_that_may_be_left_out_can_be_taken_back() -> None:
    for field in FIELDS:
        if field.kind in {FieldKind.RADIOS, FieldKind.YES_NO} and field.is_optional:
            assert field.choices[-1].value == "" or field.codes & {"none", "X"}, field.name


def test_the_browser_fills_in_the_referrer_only_on_their_own_page() -> None:
    for each in PAGES:
        filled = {field.autocomplete for field in each.fields} - {"", "off"}
        assert bool(filled) == (each.slug == "you")


@every_page
def test_a_page_is_easy_to_read(shown: FormPage) -> None:
    text = " ".join(words if words.endswith(("?", ".")) else f"{words}." for words in words_of(shown) if words)
    assert grade(text) <= 6


@every_page
def test_every_text_on_it_is_easy_to_read(shown: FormPage) -> None:
    for words in words_of(shown):
        assert len(words.split()) < 8 or grade(words) <= 9, words
        assert max(len(sentence.split()) for sentence in re.split(r"[.?:]", words)) <= 20, words


@every_page
def test_its_words_put_no_blame_on_anybody_and_use_no_jargon(shown: FormPage) -> None:
    text = " ".join(words_of(shown)).lower()
    for word in (
        "failure", "attachment", "non-compliant", "refuses", "difficult", "abnormal", "disorder of", "service user",
        "assess ", "client", "patient", "mum ", "dad ", "e.g.", "i.e.", "please",
    ):  # fmt: skip
        assert word not in text, word


class TestAfterALoss:
    @pytest.mark.parametrize("loss", ["infant_died", "pregnancy_ended"])
    def test_little_is_asked_about_the_baby(self, loss: str) -> None:
        document = {"circumstances": ["planned_move_out", loss]}
        assert [field.name for field in page("babies", document).fields] == [
            "babies.*.given_name", "babies.*.family_name", "babies.*.date_of_birth",
        ]  # fmt: skip
        assert [field.name for field in page("relationship", document).fields] == ["concern.severity"]
        assert [field.name for field in page("equality", document).fields] == ["caregivers.*.ethnic_category"]

    def test_what_was_told_before_stays_on_its_page(self) -> None:
        document = {
            "circumstances": ["infant_died"],
            "babies": [{"given_name": "Robin"}, {"due_on": "2026-08-01"}],
            "concern": {"parent_was_asked": False, "domains": []},
        }
        assert "babies.*.due_on" in {field.name for field in page("babies", document).fields}
        assert {field.name for field in page("relationship", document).fields} == {
            "concern.severity", "concern.parent_was_asked",
        }  # fmt: skip

    def test_the_first_answer_is_to_say_no_more(self) -> None:
        [severity] = page("relationship", {"circumstances": ["infant_died"]}).fields
        assert severity.choices[0].value == "unknown"
        assert {choice.value for choice in severity.choices} == set(events.Severity)
        assert not any(choice.hint for choice in severity.choices)

    def test_other_pages_and_other_circumstances_change_nothing(self) -> None:
        assert pages_for({"circumstances": ["planned_move_out"], "mental_health": "mild"}) == PAGES
        assert [each.slug for each, usual in zip(AFTER_LOSS, PAGES, strict=True) if each != usual] == [
            "babies", "carers", "relationship", "around-them", "words", "equality",
        ]  # fmt: skip


@pytest.mark.parametrize("document", [{}, {"mental_health": ["x"]}, {"circumstances": 1}, {"babies": 3, "circumstances": ["infant_died"]}])  # fmt: skip
def test_pages_are_made_of_any_document(document: dict[str, Any]) -> None:
    assert tuple(each.slug for each in pages_for(document)) == SLUGS
