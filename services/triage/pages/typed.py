"""What people type into the boxes of a form: text, a day in three boxes, a time of day. Kept as typed, and read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final, Self

from shared.working_time import LONDON

_DIGITS: Final = re.compile(r"[0-9]{1,4}")
_CLOCK: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})")
LONGEST: Final = 200
"""Characters of a short answer that are shown again."""


class MistypedError(Exception):
    """Can't be read: `words` say what to type instead."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def text_in(form: Mapping[str, object], name: str) -> str:
    """What stands in a box, without spaces around it; nothing for a file."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class TypedDay:
    """The three boxes `<name>-day`, `<name>-month` and `<name>-year`, as they were typed."""

    day: str = ""
    month: str = ""
    year: str = ""

    @classmethod
    def of(cls, form: Mapping[str, object], name: str) -> Self:
        return cls(*(text_in(form, f"{name}-{part}")[:LONGEST] for part in ("day", "month", "year")))

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
