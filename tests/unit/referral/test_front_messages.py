"""What the forms ask about messages to a caregiver becomes the document's `messages`, and can be taken back."""

from __future__ import annotations

from typing import Any

import pytest

from services.referral.document.codes import ToldBy
from services.referral.front import filling
from services.referral.front.family import questions
from services.referral.front.family.sending import document_of
from services.referral.settings import Settings
from services.triage.pages.referral.identity_view import messages_in_words
from shared import languages
from tests.builders import TODAY, noon
from tests.front_documents import page

CONTACT = page("contact")
NAMES = ("channel", "is_safe", "told_by")
ENGLISH = languages.load(Settings.model_fields["help_words_dir"].default, with_unchecked=True)["en"]


def form(number: int, *values: str) -> dict[str, list[str]]:
    return {f"caregivers.{number}.messages.{name}": [value] for name, value in zip(NAMES, values, strict=True) if value}


def test_each_carer_is_asked() -> None:
    document = {"caregivers": [{"given_name": "Sana"}, {"given_name": "Omer"}]}
    sent = form(0, "sms", "true", "family") | form(1, "letter", "false", "referrer")
    read = filling.read_page(CONTACT, document, sent)
    assert read["caregivers"] == [
        {"given_name": "Sana", "messages": {"channel": "sms", "is_safe": True, "told_by": "family"}},
        {"given_name": "Omer", "messages": {"channel": "letter", "is_safe": False, "told_by": "referrer"}},
    ]
    shown = filling.values_of(CONTACT, read)
    assert [shown[f"caregivers.1.messages.{name}"] for name in NAMES] == [["letter"], ["false"], ["referrer"]]


def test_an_answer_that_is_taken_back_leaves_nothing() -> None:
    document = {"caregivers": [{"given_name": "Sana", "messages": {"is_safe": True}}]}
    read = filling.read_page(CONTACT, document, {"caregivers.0.messages.is_safe": [""]})
    assert read["caregivers"] == [{"given_name": "Sana"}]


@pytest.mark.parametrize("messages", [None, {}, {"channel": None}, "nonsense", ["sms"]])
def test_whatever_stands_there_is_shown_as_nothing_said(messages: Any) -> None:
    shown = filling.values_of(CONTACT, {"caregivers": [{"messages": messages}]})
    assert [shown[f"caregivers.0.messages.{name}"] for name in NAMES] == [[], [], []]


def test_a_code_that_is_none_is_a_mistake_of_its_box() -> None:

    document = {"caregivers": [{"relationship": "mother", "messages": {"channel": "pigeon"}}]}
    [error] = filling.errors_of(CONTACT, document, now=noon(TODAY))
    assert error.pointer == "caregivers.0.messages.channel"
    assert "pigeon" not in error.detail


def test_what_a_parent_says_at_help_is_said_by_the_family() -> None:
    third = questions.BY_SLUG["3"]
    sent = {"caregivers.0.phone": ["07700 900123"], **form(0, "sms", "true", "")}
    answers = questions.read(third, {"caregivers": [{"given_name": "Sana", "relationship": "mother"}]}, sent)
    [carer] = document_of(answers, ENGLISH)["caregivers"]
    assert carer["messages"] == {"channel": "sms", "is_safe": True, "told_by": ToldBy.FAMILY}


def test_a_parent_who_says_nothing_of_messages_gets_none() -> None:
    answers = {"caregivers": [{"given_name": "Sana", "relationship": "mother", "phone": "07700 900123"}]}
    [carer] = document_of(answers, ENGLISH)["caregivers"]
    assert "messages" not in carer


def test_staff_read_it_in_words() -> None:
    said = {"channel": "sms", "is_safe": True, "told_by": "family"}
    assert messages_in_words(said) == "Text messages; safe: yes; said by the family"
    assert messages_in_words({}) == "not said; safe: not said; said by nobody"
