"""Who may be sent a message by itself: every combination, the address, and the table of the docs."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.contacts.addressee import addressee_of, as_dialled, household_of
from services.referral.contacts.may_message import Refusal, Wish, may_message
from services.referral.document.codes import MessageChannel, ToldBy
from services.referral.document.model import ReferralDocument
from shared.events import Channel, Consent, Hold, Household, Safety
from tests import messages_table
from tests.builders import TODAY, a_family, a_policy, noon
from tests.front_documents import ANY_DOCUMENT

ASKED = list(messages_table.ASKED)
SAFE = Wish(MessageChannel.SMS, is_safe=True, told_by=ToldBy.FAMILY, has_address=True)
ON = a_policy().model_copy(update={"family_messages": a_policy().family_messages.model_copy(update={"on": True})})


def test_of_all_combinations_only_those_with_every_safeguard_are_sent_or_wait_for_a_person() -> None:
    """Written a second time, as a set of what has to be there, against the order of checks in the code."""
    needed = {
        "Contact hold": {"none"}, "Loss": {"no"}, "Violence at home": {"no"}, "Consent": {"given"},
        "Channel": {"sms", "email", "letter"}, "Said to be safe": {"yes"}, "Said by": {"family"}, "Stopped": {"no"},
    }  # fmt: skip
    seen = 0
    for chosen in messages_table.combinations():
        said = dict(zip(ASKED, chosen, strict=True))
        is_safe = all(said[name] in values for name, values in needed.items())
        answer = messages_table.answer_to(chosen)
        expected = None if said["Words on safe contact"] == "none" else Refusal.UNCLEAR
        assert (answer == expected) if is_safe else (answer not in (None, Refusal.UNCLEAR)), said
        seen += 1
    assert seen == 6_912


def test_the_table_in_the_docs_is_what_the_code_answers() -> None:
    page = messages_table.PAGE.read_text(encoding="utf-8")
    assert messages_table.written(page) == page, "run: python -m tests.messages_table"


def test_the_lines_of_the_table_stand_for_each_combination_once() -> None:
    answers = {chosen: messages_table.answer_to(chosen) for chosen in messages_table.combinations()}
    found = messages_table.lines(answers)
    for chosen, answer in answers.items():
        fitting = [
            line for line in found if all(word in words for word, words in zip(chosen, line.values, strict=True))
        ]
        assert [line.answer for line in fitting] == [answer]


@pytest.mark.parametrize("is_released", [False, True])
def test_switched_off_nothing_goes_whatever_else_is_said(is_released: bool) -> None:
    assert may_message(a_family(), (), SAFE, is_on=False, is_released=is_released) is Refusal.OFF


def test_a_release_settles_the_words_and_nothing_else() -> None:
    with_words = Wish(MessageChannel.SMS, True, ToldBy.FAMILY, has_address=True, has_words=True)
    assert may_message(a_family(), (), with_words, is_on=True) is Refusal.UNCLEAR
    assert may_message(a_family(), (), with_words, is_on=True, is_released=True) is None
    for chosen in messages_table.combinations():
        before = messages_table.answer_to(chosen)
        if before not in (None, Refusal.UNCLEAR):
            values = [messages_table.ASKED[name][word] for name, word in zip(ASKED, chosen, strict=True)]
            hold, loss, violence, consent, channel, safe, said_by, is_stopped, has_words = values
            wish = Wish(channel, safe, said_by, has_address=True, has_words=has_words, is_stopped=is_stopped)
            facts = a_family(consent=consent, circumstances=loss, safety=violence)
            assert may_message(facts, hold, wish, is_on=True, is_released=True) == before


def family_with(**messages: Any) -> dict[str, Any]:
    wanted = {"channel": "sms", "is_safe": True, "told_by": "family"} | messages
    return {
        "referrer": {"name": "Ada", "role": "GP", "email": "ada@example.org"},
        "babies": [{"date_of_birth": "2026-03-01"}],
        "caregivers": [
            {
                "relationship": "mother", "given_name": "Sana", "family_name": "Shah", "phone": "07700 900123",
                "email": "Sana@Example.org", "preferred_language": "pl", "messages": wanted,
            },
        ],
        "home": {"postcode": "NG6 8GB", "address_lines": ["1 Main Street"]},
        "consent": {"status": "given"},
        "concern": {"severity": "mild"},
    }  # fmt: skip


def read(document: dict[str, Any]) -> ReferralDocument:
    return ReferralDocument.model_validate(document)


class TestAddressee:
    def test_each_channel_has_its_own_address(self) -> None:
        assert addressee_of(read(family_with())).to == "+447700900123"
        assert addressee_of(read(family_with(channel="email"))).to == "Sana@example.org"
        letter = addressee_of(read(family_with(channel="letter")))
        assert (letter.to, letter.lines) == ("", ("Sana Shah", "1 Main Street", "NG6 8GB"))
        assert letter.language == "pl"

    @pytest.mark.parametrize(
        ("channel", "lacks"),
        [("sms", {"phone": None}), ("sms", {"phone": "0115 496 0101"}), ("email", {"email": None})],
    )
    def test_without_an_address_for_the_channel_none_is_guessed_from_another(
        self, channel: str, lacks: dict[str, Any]
    ) -> None:
        document = family_with(channel=channel)
        document["caregivers"][0] |= lacks
        assert not addressee_of(read(document)).wish.has_address

    @pytest.mark.parametrize("home", [None, {"withheld": True}, {"postcode": "NG6 8GB"}, {"no_fixed_abode": True}])
    def test_a_letter_needs_a_whole_address(self, home: Any) -> None:
        assert not addressee_of(read(family_with(channel="letter") | {"home": home})).wish.has_address

    def test_the_first_who_wants_messages_gets_them_and_anybodys_words_count(self) -> None:
        document = family_with(channel="none")
        other = copy.deepcopy(document["caregivers"][0]) | {"phone": "07700 900124", "relationship": "father"}
        other["messages"] = {"channel": "sms", "is_safe": True, "told_by": "family"}
        document["caregivers"][0]["safe_contact"] = "Not on Fridays"
        found = addressee_of(read(document | {"caregivers": [document["caregivers"][0], other]}))
        assert (found.to, found.wish.has_words) == ("+447700900124", True)

    @given(ANY_DOCUMENT)
    def test_any_document_has_an_answer(self, document: dict[str, Any]) -> None:
        found = addressee_of(ReferralDocument.model_validate(document))
        assert found.wish.has_address == bool(found.to or found.lines)

    @pytest.mark.parametrize(
        "number",
        [
            *("07700 900123", "+44 7700 900123", "447700900123", "07700900123", "(07700) 900123", "7700900123"),
            *("00447700900123", "+44 (0)7700 900123", " 07700-900-123 "),
        ],
    )
    def test_a_number_is_the_same_however_it_is_written(self, number: str) -> None:
        assert as_dialled(number) == "+447700900123"

    @pytest.mark.parametrize("number", ["+1 415 555 2671", "14155552671", "4532123456", "353851234567"])
    def test_one_of_another_country_keeps_its_country_without_the_plus_too(self, number: str) -> None:
        assert as_dialled(number) == "+" + "".join(each for each in number if each.isdigit())

    @pytest.mark.parametrize("text", ["", "12", "07700", "999", "my number", "077009001234567"])
    def test_what_is_none_is_empty(self, text: str) -> None:
        assert as_dialled(text) == ""

    @given(st.text(max_size=40))
    def test_any_text_is_a_number_or_none(self, text: str) -> None:
        assert as_dialled(text) == "" or as_dialled(text).startswith("+")


class TestInTheEvent:
    def household(self, document: dict[str, Any], *, policy: Any = ON, **facts: Any) -> Household | None:
        return household_of(read(document), a_family(**facts), received_at=noon(TODAY), policy=policy)

    def test_it_says_channel_and_language_and_no_more(self) -> None:
        found = self.household(family_with(), consent=Consent.GIVEN)
        assert found == Household(channel=Channel.SMS, language="pl")

    def test_words_are_no_reason_to_make_none_for_a_person_can_release_it(self) -> None:
        document = family_with()
        document["caregivers"][0]["safe_contact"] = "Ring at noon"
        assert self.household(document, consent=Consent.GIVEN)

    def test_nothing_is_said_while_it_is_switched_off(self) -> None:
        assert self.household(family_with(), policy=a_policy(), consent=Consent.GIVEN) is None

    def test_nothing_is_said_under_a_hold_that_the_facts_bring_about(self) -> None:
        assert self.household(family_with(), consent=Consent.GIVEN, safety=[Safety.DOMESTIC_ABUSE]) is None
        long_due = {"born_on": None, "due_on": TODAY - timedelta(days=30)}
        assert self.household(family_with(), consent=Consent.GIVEN, **long_due) is None  # E2: ask gently first

    def test_nothing_is_said_for_a_family_that_has_not_said_it_is_safe(self) -> None:
        assert self.household(family_with(told_by="referrer"), consent=Consent.GIVEN) is None


def test_a_hold_of_the_decision_counts_beside_those_of_the_facts() -> None:
    assert may_message(a_family(), {Hold.C1}, SAFE, is_on=True) is Refusal.HOLD
