"""Rule A1's list: every entry with a sentence that it finds, in the forms that people write, type and paste."""

from __future__ import annotations

import pytest

from shared.safety_words import FLAGGED, OTHER_LANGUAGE, SafetyWords
from tests.builders import a_policy

EXAMPLES = {
    "kill": "She said she could kill herself.",
    "suicid": "Denies suicidal ideation.",
    "end my|her|his life": "Told the GP: I want to end my life.",
    "end it all": "Some days she would end it all.",
    "want|wants|wanted|wanting to die": "She wants to die.",
    "better off without": "Says the baby is better off without her.",
    "self-harm": "Self–harm last week, self harm before.",
    "selfharm": "History of selfharm.",
    "overdos": "Two overdoses in 2024.",
    "harm|harming|hurt|hurting the|my|her|his|our baby": "She is scared of harming her baby.",
    "thoughts of harm": "Denies thoughts of harm to others.",
    "intrusive thought": "Intrusive thoughts at night.",
    "shak": "Dad says he was shaking the baby to stop the crying.",
    "shook": "She shook him.",
    "smother": "A pillow, smothering came up.",
    "suffocat": "Fear of suffocating him.",
    "strang": "Non-fatal strangulation in March.",
    "chok": "He choked her.",
    "drop|drops|dropped|dropping him|her": "Nearly dropped him twice.",
    "drop|drops|dropped|dropping the|my|our baby": "She thinks of dropping the baby.",
    "baby was dropped": "The baby was dropped on the stairs.",
    "throw": "I feel like throwing him.",
    "threw": "He threw a cup.",
    "bruis": "Small area of bruising to the left ear seen today.",
    "burn": "A burn on the hand.",
    "fractur": "Healing fracture on the X-ray.",
    "voices": "Hears voices.",
    "knife": "A knife was seen.",
    "weapon": "Weapons in the house.",
    "hit|hits|hitting me|her|him": "She is frightened of her partner; he hits her.",
    "hit|hits|hitting the|my|our baby": "The brother is hitting the baby.",
    "slap": "He slapped his son.",
    "punch": "Punches walls.",
    "rape": "Disclosed rape.",
    "raping": "Says that he was raping her.",
    "afraid|scared|frightened|terrified of him|her": "She is terrified of him.",
    "afraid|scared|frightened|terrified of my|his|the partner|husband|ex": "I am frightened of my ex.",
    "not safe": "I don’t feel: not  safe",
    "unsafe": "The home is unsafe.",
    "no reason to live": "There is no reason to live, she said.",
}


@pytest.mark.parametrize("policy", ["nottingham", "nottingham-citywide", "birmingham"])
def test_each_entry_of_a_shipped_policy_has_its_example(policy: str) -> None:
    assert set(a_policy(policy).words.safety) == set(EXAMPLES)


@pytest.mark.parametrize(("entry", "text"), EXAMPLES.items())
def test_each_entry_finds_its_example(entry: str, text: str) -> None:
    assert SafetyWords([entry]).found_in(text)
    assert SafetyWords([entry]).found_in(text.upper())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("There is brui\u00adsing.", "bruising"),
        ("There is b\u200bruising.", "bruising"),
        ("There is \ufeffbruising\u2060.", "bruising"),
        ("There is bruis-\ning on the arm.", "bruising"),
        ("There is bruis\u00ad\n  ing on the arm.", "bruising"),
        ("She told of self-\nharm.", "self harm"),
        ("A bruíse.", "bruise"),
        ("ＢＲＵＩＳＥ", "bruise"),
        ("He hit\u00a0me.", "hit me"),
        ("thoughts-of-harm", "thoughts of harm"),
    ],
)
def test_a_word_is_named_whatever_hides_it(text: str, found: str) -> None:
    assert found in a_policy().safety_words_in(text)


@pytest.mark.parametrize(
    "text",
    ["", "A skilled worker", "We feel safe", "invoices are late", "a grape", "She hit a wall with sleep.", "Rang mum",
     "Primip, low mood, EPDS 14.", "Sana Okafor-Nowak", "0115 496 0123", "She wants to sleep, and the baby feeds well.",
     "Mum says her sister Małgorzata Włodarczyk helps at home."],
)  # fmt: skip
def test_ordinary_words_are_not_found(text: str) -> None:
    assert a_policy().safety_words_in(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "Boję się, że zrobię krzywdę dziecku.",
        "Mi-e frică de soțul meu, mă lovește.",
        "The mother wrote this:\nBoję się, że zrobię krzywdę dziecku.",
        "أخاف من زوجي",
        "मुझे डर लगता है",
        "我怕我丈夫 他打我",
        "我怕我丈夫他昨天打我",
        "Waxaan ka baqayaa ninkayga",
    ],
)
def test_words_that_the_list_cannot_judge_are_for_a_person(text: str) -> None:
    assert OTHER_LANGUAGE in a_policy().safety_words_in(text)


@pytest.mark.parametrize("entries", [[], ["bruis"]])
def test_a_flag_of_another_system_is_found_by_any_list(entries: list[str]) -> None:
    assert SafetyWords(entries).found_in(f"Safeguarding concern: code 1, {FLAGGED}.") == (FLAGGED,)
