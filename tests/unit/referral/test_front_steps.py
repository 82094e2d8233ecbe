"""The pages after sending, without a database: their words, where things stand, a change as a merge patch."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral import front
from services.referral.document.read import merge_patch
from services.referral.front import standing, step_forms
from services.referral.front.clients import Question
from services.referral.front.correcting import pages_of, patch_between
from services.referral.front.form import FormPage
from services.referral.status import Status, next_step
from shared.events import Kind
from shared.problems import FieldError
from tests.reading import grade

FORMS: Final = (
    step_forms.ANSWER,
    step_forms.TELL,
    step_forms.TELL_OF_ENQUIRY,
    step_forms.BORN,
    step_forms.CHALLENGE,
    step_forms.WITHDRAW,
    step_forms.ENQUIRY,
)
AFTER_SENDING: Final = [
    "agency.html",
    "colleague_end.html",
    "colleagues.html",
    "colleagues_referral.html",
    "copy.html",
    "correct.html",
    "correct_page.html",
    "enquiry_sent.html",
    "home.html",
    "own_parts.html",
    "own_referral.html",
    "own_step.html",
    "withdraw_check.html",
]
JSON: Final = st.recursive(
    st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2) | st.lists(st.sampled_from(["x", "y"]), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
OBJECTS: Final = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@given(before=OBJECTS, after=OBJECTS)
def test_the_patch_between_two_documents_makes_the_second_of_the_first(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert merge_patch(before, patch_between(before, after)) == after
    assert patch_between(before, before) == {}


def test_the_agencys_own_reference_is_on_no_page_that_corrects() -> None:
    assert not [page.slug for page in pages_of({}) for field in page.fields if field.name == "external_reference"]


def test_every_status_and_kind_has_words_and_one_place_on_the_start_page() -> None:
    assert set(standing.STATUS_NAMES) == set(Status)
    assert sorted(status for _, statuses in standing.GROUPS for status in statuses) == sorted(Status)
    assert set(standing.KIND_NAMES) == set(Kind)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("kind", [Kind.CONSULTATION, Kind.TRAINING])
def test_what_happens_next_with_an_enquiry_speaks_of_no_family(status: Status, kind: Kind) -> None:
    assert "family" not in next_step(status, kind)


def test_with_one_question_nobody_is_asked_which_with_two_each_can_be_named() -> None:
    first, second = (Question(at=datetime(2026, 6, day, 12, tzinfo=UTC), words="?", is_open=True) for day in (1, 2))
    assert step_forms.asking([first]) == step_forms.asking([]) == step_forms.ANSWER
    which, _ = step_forms.asking([first, second]).fields
    assert [choice.value for choice in which.choices] == ["", first.at.isoformat(), second.at.isoformat()]
    assert which.choices[1].label == "The one of Monday 1 June 2026, 13:00"


@pytest.mark.parametrize(("typed", "people"), [("8", 8), ("", None), ("some", "some"), ("²", "²"), ("-1", "-1")])
def test_a_number_of_people_is_one_or_stays_as_typed(typed: str, people: object) -> None:
    said = {"people": typed} if typed else {}
    assert step_forms.enquiry_from(said).get("people") == people


def test_a_mistake_is_said_once_a_box_with_what_to_do() -> None:
    errors = [FieldError("/notes", "required", "This is needed."), FieldError("/notes", "too-long", "Too long.")]
    assert step_forms.mistakes_of(step_forms.ANSWER, errors) == [
        FieldError("notes", "required", "Write at least a few words")
    ]
    [error] = step_forms.mistakes_of(step_forms.ANSWER, errors[1:])
    assert error.detail == "Your answer. Too long."


def words_of(form: FormPage) -> list[str]:
    fields = [text for field in form.fields for text in (field.label, field.hint)]
    choices = [text for field in form.fields for choice in field.choices for text in (choice.label, choice.hint)]
    return [text for text in (form.title, *form.lead, *fields, *choices) if text]


def words_in(template: str) -> list[str]:
    """The texts between tags, with a short word for what is filled in."""
    text = (Path(front.TEMPLATES) / template).read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", text, flags=re.DOTALL)
    texts = re.sub(r"<[^>]*>", "\n", re.sub(r"\{\{.*?\}\}", "it", text, flags=re.DOTALL)).split("\n")
    return [line.strip() for line in texts if len(line.split()) > 3]


@pytest.mark.parametrize("form", FORMS, ids=[form.title for form in FORMS])
def test_a_form_is_easy_to_read(form: FormPage) -> None:
    text = " ".join(words if words.endswith(("?", ".")) else f"{words}." for words in words_of(form))
    assert grade(text) <= 6


@pytest.mark.parametrize("template", AFTER_SENDING)
def test_the_words_around_it_are_easy_to_read(template: str) -> None:
    words = words_in(template)
    assert grade(" ".join(text if text.endswith(("?", ".")) else f"{text}." for text in words) or "It.") <= 6
    for text in words:
        assert len(text.split()) < 8 or grade(text) <= 9, text
        assert max(len(sentence.split()) for sentence in re.split(r"[.?:]", text)) <= 20, text
