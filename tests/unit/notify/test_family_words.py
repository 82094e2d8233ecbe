"""What families read: nothing that gives it away, two parts at most, and only languages that somebody checked."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest

from services.notify import templates
from services.notify.content import Content, Outcome
from services.notify.family_messages import words
from services.notify.family_messages.gsm import MOST_PARTS, parts
from services.notify.family_messages.words import FOLDER, FamilyWords
from shared import languages
from shared.events import Channel, MessageKind, Route
from shared.policy import FamilyMessages, InvalidPolicyError
from tests.builders import TODAY, policies
from tests.unit.triage.test_rules_words import grade

SIGNED = {name: policy.family_messages for name, policy in policies().items()}
ANY = next(iter(SIGNED.values()))
TAGS = sorted(file.stem for file in FOLDER.glob("*.toml"))
YEAR = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
SAYS = [(MessageKind.RECEIPT, Content()), *((MessageKind.OUTCOME, Content(outcome=each)) for each in words.OUTCOMES)]
GIVES_AWAY = re.compile(
    r"bab(?:y|ies)|infant|child|parent|mother|father|mum|dad|pregnan|birth|attach|mental|health|relationship|support"
    r"|social|safeguard|referr|worr|concern|risk|https?:|www\.",
    re.IGNORECASE,
)


def of(signed: FamilyMessages = ANY, **more: bool) -> FamilyWords:
    return words.load(FOLDER, signed, with_unchecked=True, **more)


def everything(tag: str) -> list[str]:
    """All that a family may read in this language, on any channel."""
    said = of()
    texts = [said.write(*each, channel, language=tag, on=TODAY) for each, channel in product(SAYS, Channel)]
    return [part for text in texts for part in (text.subject, text.body) if part]


@pytest.mark.parametrize(("name", "tag"), list(product(SIGNED, TAGS)))
def test_a_text_takes_two_parts_at_most_on_every_day_of_a_year(name: str, tag: str) -> None:
    for takes_replies in (False, True):
        said = of(SIGNED[name], takes_replies=takes_replies)
        assert tag in said.known
        texts = [said.write(*each, Channel.SMS, language=tag, on=TODAY).body for each in SAYS]
        texts += [
            said.write(MessageKind.RECEIPT, Content(by=day), Channel.SMS, language=tag, on=day).body for day in YEAR
        ]
        assert max(map(parts, texts)) <= MOST_PARTS, max(texts, key=parts)


@pytest.mark.parametrize(("which", "name"), [("months", "M" * 170), ("weekdays", "W" * 170), ("months", "Ż" * 60)])
def test_the_longest_day_of_each_language_is_measured(which: str, name: str) -> None:
    """English's is Wednesday 30 September, and another language's may be any other: here May, or Sunday."""
    known = dict(of().known)
    names = known["en"].sentences[which].split()
    names[4 if which == "months" else 6] = name
    other = known["en"].model_copy(update={"sentences": {**known["en"].sentences, which: " ".join(names)}})
    with pytest.raises(InvalidPolicyError, match="a text in en would take 3 parts"):
        FamilyWords({"en": other}, ANY).check()


@pytest.mark.parametrize("tag", TAGS)
def test_every_language_has_every_sentence_with_the_same_braces(tag: str) -> None:
    known = {file.stem: languages._read(file) for file in FOLDER.glob("*.toml")}
    assert languages.gaps(known[tag], known["en"]) == []


def test_no_word_says_what_it_is_about() -> None:
    for text in everything("en"):
        assert not GIVES_AWAY.search(text), text


def test_the_words_are_plain() -> None:
    assert max(grade(text) for text in everything("en") if len(text) > 40) <= 7


def test_each_says_who_rings_from_which_number() -> None:
    said = of()
    for each, channel, tag in product(SAYS, Channel, TAGS):
        body = said.write(*each, channel, language=tag, on=TODAY).body
        assert ANY.signed in body
        assert ANY.phone in body


def test_a_day_that_has_passed_is_promised_no_more() -> None:
    said, content = of(), Content(by=TODAY)
    on_the_day = said.write(MessageKind.RECEIPT, content, Channel.SMS, language="en", on=TODAY).body
    a_day_late = said.write(MessageKind.RECEIPT, content, Channel.SMS, language="en", on=TODAY + timedelta(days=1)).body
    assert "by" in on_the_day.split()
    assert "by" not in a_day_late.split()


def test_a_language_that_nobody_has_checked_is_for_development_only() -> None:
    assert set(words.load(FOLDER, ANY, with_unchecked=False).known) == {"en"}
    assert {"en", "pl", "ur"} <= set(of().known)


@pytest.mark.parametrize(("tag", "spoken"), [("pl", "pl"), ("pl-PL", "pl"), ("xx", "en"), (None, "en"), ("EN", "en")])
def test_a_language_without_words_gets_english(tag: str | None, spoken: str) -> None:
    assert of().language(tag).tag == spoken


@pytest.mark.parametrize(
    "reply", ["STOP", "stop please", " Stop! ", "koniec", "UNSUBSCRIBE", "روکیں", "Quit.", "cancel"]
)
def test_a_word_for_no_more_is_known_in_every_language(reply: str) -> None:
    assert of().is_stop(reply)


@pytest.mark.parametrize("reply", ["", "  ", "thank you, stop by on Friday", "unstoppable", "ok", "?"])
def test_anything_else_is_for_a_person(reply: str) -> None:
    assert not of().is_stop(reply)


def test_a_name_too_long_for_a_text_is_refused_at_the_start() -> None:
    long = FamilyMessages(
        on=True, signed="The Council of a City with a Very Long Name Indeed " * 5, phone="0115 496 0104"
    )
    with pytest.raises(InvalidPolicyError, match="shorten signed"):
        of(long)


def test_what_is_no_outcome_for_families_has_no_words() -> None:
    with pytest.raises(KeyError):
        of().write(MessageKind.OUTCOME, Content(outcome=Outcome.REOPENED), Channel.SMS, language="en", on=TODAY)


def test_a_text_that_calls_a_person_out_is_one_part() -> None:
    for route in Route:
        said = [
            templates.on_call_text("PIR-7F4-4JP", Content(routes=(route,), is_again=again)) for again in (False, True)
        ]
        assert max(map(parts, said)) == 1, said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("ą" * 70, 1), ("ą" * 71, 2), ("ą" * 134, 2), ("ą" * 135, 3), ("😀" * 35, 1), ("😀" * 36, 2),
    ],
)  # fmt: skip
def test_parts_are_counted_as_networks_do(text: str, expected: int) -> None:
    assert parts(text) == expected


def test_the_folder_is_the_one_that_ships() -> None:
    assert Path(__file__).parents[3] / "deploy" / "words" / "messages" == FOLDER
