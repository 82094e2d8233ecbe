"""Sentences for families in each language, read from a folder of deploy/words at the start.

English is the original. A translation that lacks a sentence is never offered; one that nobody has checked only in
development.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ORIGINAL: Final = "en"


class Language(BaseModel):
    """One file. `name` is what its speakers call it; `checked_by`, `checked_on` say who read the translation, when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tag: Annotated[str, Field(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    name: str
    direction: Literal["ltr", "rtl"]
    translated_by: str
    checked_by: str
    checked_on: Annotated[date | None, BeforeValidator(lambda value: value or None)]
    sentences: Mapping[str, str]
    names: Mapping[str, str] = {}
    """What the people whom a policy names are called in this language, by their English name; others stay English."""

    @property
    def is_original(self) -> bool:
        return self.tag == ORIGINAL

    @property
    def is_checked(self) -> bool:
        return self.is_original or bool(self.checked_by and self.checked_on)

    def say(self, sentence: str, **values: object) -> str:
        """The sentence with its braces filled in; raises KeyError for an unknown id or a value that is not given."""
        return self.sentences[sentence].format(**values)

    def day(self, on: date, *, is_alone: bool = False) -> str:
        """The day written out, in the case in which it follows "by", or in which it stands alone."""
        weekdays = self.sentences["weekdays_alone" if is_alone else "weekdays"].split()
        weekday, month = weekdays[on.weekday()], self.sentences["months"].split()[on.month - 1]
        return self.say("day", weekday=weekday, day=on.day, month=month, year=on.year)


def gaps(language: Language, original: Language) -> list[str]:
    """Ids of sentences that are missing, empty, unknown, or whose braces are not those of the original."""
    both = {*language.sentences, *original.sentences}
    return sorted(each for each in both if _shape(language, each) != _shape(original, each))


def load(folder: Path, *, with_unchecked: bool) -> dict[str, Language]:
    """Tag → language, for all that are offered, the original first. Raises ValidationError for a file it can't read."""
    found = {file.stem: _read(file) for file in sorted(folder.glob("*.toml"))}
    original = found.pop(ORIGINAL)
    whole = {tag: each for tag, each in found.items() if not gaps(each, original)}
    return {ORIGINAL: original} | {tag: each for tag, each in whole.items() if each.is_checked or with_unchecked}


def _read(file: Path) -> Language:
    content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    return Language(tag=file.stem, **content)


def _shape(language: Language, sentence: str) -> tuple[bool, frozenset[str], int]:
    """Whether it is there, what stands in braces, and how many words a list of names has."""
    text = language.sentences.get(sentence, "")
    names = len(text.split()) if sentence in ("weekdays", "weekdays_alone", "months") else 0
    return bool(text.strip()), frozenset(name for _, name, _, _ in Formatter().parse(text) if name), names
