"""What people type into the boxes of a form: text, a day, a time, a reference. Kept as typed, read, or refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final, Self, TypeVar

from shared.working_time import LONDON

LONGEST: Final = 200
"""Characters of a short answer that are shown again."""
SEPARATORS: Final = dict.fromkeys(map(ord, " -\u2010\u2011\u2012\u2013\u2014"))
"""What people put between the parts of a number: spaces, hyphens and dashes, for `str.translate`."""

_DIGITS: Final = re.compile(r"[0-9]{1,4}")
_CLOCK: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})")
_REFERENCE: Final = re.compile(r"(?:PIR)?([234679ACDEFGHJKLMNPQRTUVWXYZ]{3})([234679ACDEFGHJKLMNPQRTUVWXYZ]{3})")
UNREADABLE_REFERENCE: Final = "Enter a reference like PIR-4K7-29M"
UNKNOWN_REFERENCE: Final = "We have no referral with this reference. Check each letter and number"

Code = TypeVar("Code", bound=StrEnum)
T = TypeVar("T")


class MistypedError(ValueError):
    """Can't be read; its text says what to type instead."""


def text_in(form: Mapping[str, object], name: str) -> str:
    """What stands in a box, without spaces around it; nothing for a file."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def short_text_in(form: Mapping[str, object], name: str) -> str:
    return text_in(form, name)[:LONGEST]


def code_in(asked: Mapping[str, str], name: str, codes: type[Code]) -> Code | None:
    """None for what is no code of this list: an address may be older or newer than this code."""
    value = asked.get(name)
    return codes(value) if value in set(codes) else None


def error_summary(mistakes: Mapping[str, str], *, days: Container[str] = ()) -> list[dict[str, str]]:
    """Mistakes by box, as the top of a page lists them; one in a day leads to the first of its three boxes."""
    return [{"text": words, "href": f"#{box}-day" if box in days else f"#{box}"} for box, words in mistakes.items()]


@dataclass(frozen=True, slots=True)
class TypedDay:
    """The three boxes `<name>-day`, `<name>-month` and `<name>-year`, as they were typed."""

    day: str = ""
    month: str = ""
    year: str = ""

    @classmethod
    def of(cls, form: Mapping[str, object], name: str) -> Self:
        return cls(*(short_text_in(form, f"{name}-{part}") for part in ("day", "month", "year")))

    @classmethod
    def on(cls, day: date) -> Self:
        return cls(str(day.day), str(day.month), str(day.year))

    @property
    def is_empty(self) -> bool:
        return not (self.day or self.month or self.year)

    def read(self) -> date:
        """The day; raises MistypedError when there is none like it."""
        if self.is_empty:
            raise MistypedError("Enter a day, for example 27 3 2026")
        parts = (self.year, self.month, self.day)
        if not all(_DIGITS.fullmatch(part) for part in parts) or len(self.year) != len("2026"):
            raise MistypedError("Enter the day, month and year in numbers, for example 27 3 2026")
        try:
            return date(*map(int, parts))
        except ValueError:
            raise MistypedError("There is no such day. Check the day and the month") from None


def noted(mistakes: dict[str, str], box: str, read: Callable[[], T]) -> T | None:
    """What it reads; None, and the mistake noted, when that raises MistypedError."""
    try:
        return read()
    except MistypedError as error:
        mistakes[box] = str(error)
        return None


def read_clock(text: str) -> time:
    """`14:30`, `9.05`; raises MistypedError."""
    found = _CLOCK.fullmatch(text)
    try:
        if found:
            return time(int(found[1]), int(found[2]))
    except ValueError:
        pass
    raise MistypedError("Enter a time from 0:00 to 23:59, for example 14:30")


def in_london(day: date, clock: time = time(0)) -> datetime:
    """That moment in London; the day begins at midnight."""
    return datetime.combine(day, clock, LONDON)


def read_reference(typed: str) -> str | None:
    """As it is written, from what somebody typed: any case, with or without `PIR`, spaces and hyphens."""
    compact = typed.translate(SEPARATORS)[:LONGEST]
    found = _REFERENCE.fullmatch(compact.upper()) if compact.isascii() else None
    return f"PIR-{found[1]}-{found[2]}" if found else None
