"""The words of /help: whole in each language, offered when somebody checked them, plain and without blame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError

from services.referral import front
from services.referral.front.family import questions
from services.referral.settings import Settings
from shared import languages
from shared.languages import Language
from tests.unit.triage.test_rules_words import grade

FOLDER: Final = Settings.model_fields["help_words_dir"].default
FAMILY: Final = Path(front.__file__).parent
ALL: Final = languages.load(FOLDER, with_unchecked=True)
ENGLISH: Final = ALL["en"]
FORBIDDEN: Final = re.compile(
    r"attach|assess|fail|concern|neglect|\bcase\b|abus|mental|illness|disorder|risk|intervention|eligib|social worker"
    r"|safeguard|problem famil|bad (?:mother|father|parent)|should have|why did",
    re.IGNORECASE,
)
CODES: Final = re.compile(r"^(?:day|weekdays|weekdays_alone|months|wrong_email|ethnic_.)$")
"""No sentences to read: what they stand in is."""
PARTS: Final = ("start", "danger", "now", "unsafe", "check", "sent", "lost", "closed", "need", "wrong")
"""Of an id: the pages that ask nothing, and the words for mistakes."""


def write(folder: Path, tag: str, **changes: Any) -> None:
    """The original as a file of this language; `sentences` in the changes replace its own."""
    head = {"name": "Cymraeg", "direction": "ltr", "translated_by": "A", "checked_by": "", "checked_on": ""} | changes
    sentences = head.pop("sentences", dict(ENGLISH.sentences))
    lines = [f"{name} = {value!r}" for name, value in head.items()]
    lines += ["[sentences]", *(f"{name} = '''{text}'''" for name, text in sentences.items())]
    (folder / f"{tag}.toml").write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "en", name="English")
    return tmp_path


def texts() -> Iterator[tuple[str, str]]:
    """Each sentence as it is shown, without what is filled in."""
    for name, text in ENGLISH.sentences.items():
        if not CODES.match(name):
            yield name, re.sub(r"[^.!?]$", r"\g<0>.", re.sub(r"\{\w+\}", "9", text))


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda file: file.stem)
def test_every_file_has_every_sentence_with_the_same_braces(file: Path) -> None:
    assert languages.gaps(ALL[file.stem], ENGLISH) == []


def test_every_sentence_is_used_and_every_used_one_is_there() -> None:
    said = "".join(each.read_text(encoding="utf-8") for each in (FAMILY / "templates" / "family").glob("*.html"))
    said += "".join(each.read_text(encoding="utf-8") for each in (FAMILY / "family").glob("*.py"))
    said += Path(languages.__file__).read_text(encoding="utf-8")
    named = {name for name in ENGLISH.sentences if re.search(rf"[\"']{name}[\"']", said)}
    made = {name for name in ENGLISH.sentences if name.startswith(("who_", "ethnic_", "start_next_"))}
    assert set(ENGLISH.sentences) == named | made
    asked = set(re.findall(r"say\([\"'](\w+)[\"']", said)) - {"start_next_"}
    asked |= {each for page in questions.PAGES for each in (page.title, *page.lead)}
    asked |= {text for page in questions.PAGES for each in page.fields for text in (each.label, each.hint) if text}
    asked |= {text for page in questions.PAGES for each in page.fields for choice in each.choices
              for text in (choice.label, choice.hint) if text}  # fmt: skip
    assert asked <= set(ENGLISH.sentences)


def test_what_nobody_has_checked_is_not_offered_to_families() -> None:
    assert set(ALL) == {"en", "pl", "ur"}
    assert set(languages.load(FOLDER, with_unchecked=False)) == {"en"}
    assert [each.tag for each in ALL.values() if not each.is_checked] == ["pl", "ur"]


def test_a_translation_is_offered_with_the_name_and_the_day_of_who_checked_it(folder: Path) -> None:
    for tag, by, on in (("cy", "A Person", "2026-06-01"), ("ga", "A Person", ""), ("gd", "", "2026-06-01")):
        write(folder, tag, checked_by=by, checked_on=on)
    assert set(languages.load(folder, with_unchecked=False)) == {"en", "cy"}


@pytest.mark.parametrize("change", [{"go_on": ""}, {"page_of": "Tudalen {number}"}, {"months": "Ionawr"}, {"x": "y"}])
def test_a_translation_with_a_gap_is_never_offered(folder: Path, change: dict[str, str]) -> None:
    checked = {"checked_by": "A Person", "checked_on": "2026-06-01"}
    write(folder, "cy", **checked, sentences=dict(ENGLISH.sentences) | change)
    assert set(languages.load(folder, with_unchecked=True)) == {"en"}


def test_a_file_that_cannot_be_read_ends_the_start(folder: Path) -> None:
    write(folder, "cy", direction="up")
    with pytest.raises(ValidationError):
        languages.load(folder, with_unchecked=True)


@pytest.mark.parametrize(
    ("tag", "words"),
    [("en", "Friday 4 December 2026"), ("pl", "piątku 4 grudnia 2026"), ("ur", "جمعہ 4 دسمبر 2026")],
)
def test_a_day_is_written_out_in_the_language(tag: str, words: str) -> None:
    assert ALL[tag].day(date(2026, 12, 4)) == words


def test_urdu_is_written_from_right_to_left() -> None:
    assert [each.tag for each in ALL.values() if each.direction == "rtl"] == ["ur"]


def test_a_child_of_ten_can_read_each_page() -> None:
    """Each page by itself, and all of it together."""
    known = dict(texts())
    pages = {part: [text for name, text in known.items() if name.startswith(f"{part}_")] for part in PARTS}
    for page in questions.PAGES:
        ids = [page.title, *page.lead, *(name for each in page.fields for name in (each.label, each.hint))]
        ids += [choice.label for each in page.fields for choice in each.choices]
        pages[page.slug] = [known[name] for name in ids if name in known]
    grades = {name: round(grade(" ".join(said)), 1) for name, said in pages.items()}
    assert {name: found for name, found in grades.items() if found > 5} == {}
    assert grade(" ".join(known.values())) <= 5


def test_no_sentence_is_long() -> None:
    long = [name for name, text in texts() for each in re.split(r"[.!?:]", text) if len(each.split()) > 20]
    assert long == []


def test_no_word_blames_or_labels_a_parent() -> None:
    assert [name for name, text in texts() if FORBIDDEN.search(text)] == []


def test_the_language_of_the_page_is_offered_first() -> None:
    page = questions.in_language(questions.BY_SLUG["6"], ALL["ur"], year=2026)
    [asked] = [each for each in page.fields if each.name == questions.LANGUAGE]
    assert (asked.choices[0].value, asked.choices[0].label) == ("ur", "اردو")
    assert len({each.value for each in asked.choices}) == len(asked.choices)
    assert questions.values_of(page, {}, ALL["ur"])["caregivers.0.preferred_language"] == ["ur"]
    assert questions.values_of(page, {}, ENGLISH)["caregivers.0.preferred_language"] == []


def test_a_sentence_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Language(**dict(ENGLISH) | {"sentences": {}}).say("go_on")
