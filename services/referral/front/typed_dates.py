"""Days and times as people type them into one box, and as the document writes them; else they stay as typed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Final

from shared.working_time import LONDON

_MONTHS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_MONTH_NAMES: Final = re.compile(
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
)
_DAY_FIRST: Final = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th)?[ /.,-]{1,3}([0-9]{1,2}|[a-z]{3,9})[ /.,-]{1,3}([0-9]{4}|[0-9]{2})"
)
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CLOCK: Final = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2})(?::([0-9]{2}))?)?(?: ?([ap])\.?m\.?)?")
_BEFORE_CLOCK: Final = re.compile(r",? (?:at )?|(?<=[0-9])t(?=[0-9])")
_LONGEST: Final = 60
"""Characters; a longer text is no day."""
_NOON: Final = 12
_LAST_CENTURY: Final = 40
"""From this year of two digits on it is 19..: babies are of these years, those who care for them born since 1940."""


def day_from(typed: str) -> str:
    """`12 3 2026`, `12/3/26`, `12th March 2026`, `2026-03-12` → `2026-03-12`; anything else as it was typed."""
    read = _day(_plain(typed))
    return read.isoformat() if read else typed


def day_to(written: str) -> str:
    """`2026-03-12` → `12 3 2026`; anything else as it is."""
    read = day(written)
    return f"{read.day} {read.month} {read.year:04}" if read else written


def time_from(typed: str) -> str:
    """A day, with a time of day in London or without (then midnight) → ISO 8601 with the offset; else as typed."""
    plain = _plain(typed)
    if on := _day(plain):
        return _in_london(on, time())
    for between in _BEFORE_CLOCK.finditer(plain):
        on, clock = _day(plain[: between.start()]), _clock(plain[between.end() :])
        if on and clock is not None:
            return _in_london(on, clock)
    return typed


def time_to(written: str) -> str:
    """ISO 8601 with an offset → `12 3 2026 14:30` in London; as it is where those words would lose a part of it."""
    at = moment(written)
    if at is None:
        return written
    clock = f"{at:%H:%M:%S}".removesuffix(":00")
    shown = f"{at.day} {at.month} {at.year:04}" + (f" {clock}" if clock != "00:00" else "")
    again = moment(time_from(shown))
    return shown if again and again.astimezone(UTC) == at.astimezone(UTC) else written  # an hour comes twice in October


def day(written: str) -> date | None:
    """The day that a document writes as `2026-03-12`; None for another text."""
    found = _YEAR_FIRST.fullmatch(written)
    return _a_day(found[1], found[2], found[3]) if found else None


def moment(written: str) -> datetime | None:
    """The time that a document writes, in London; None for another text, a day, and a time without an offset."""
    try:
        at = datetime.fromisoformat(written.upper())
        return at.astimezone(LONDON) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _plain(typed: str) -> str:
    return " ".join(typed.lower().split()) if len(typed) <= _LONGEST and typed.isascii() else ""


def _day(plain: str) -> date | None:
    if found := _DAY_FIRST.fullmatch(plain):
        month = found[2]
        if _MONTH_NAMES.fullmatch(month):
            month = str(_MONTHS[month[:3]])
        return _a_day(_whole_year(found[3]), month, found[1])
    return day(plain)


def _whole_year(year: str) -> str:
    """`26` → 2026, `98` → 1998: babies, who are under two or to come, and those who look after them."""
    return year if len(year) == len("2026") else f"{20 if int(year) < _LAST_CENTURY else 19}{year}"


def _a_day(*parts: str) -> date | None:
    try:
        return date(*map(int, parts))
    except ValueError:
        return None


def _clock(plain: str) -> time | None:
    """`14:30`, `14.30`, `2.30pm`, `2 pm`; an hour alone needs am or pm."""
    found = _CLOCK.fullmatch(plain)
    if not found or not (found[2] or found[4]):
        return None
    hour = int(found[1])
    if found[4]:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if found[4] == "p" else 0)
    try:
        return time(hour, int(found[2] or 0), int(found[3] or 0))
    except ValueError:
        return None


def _in_london(on: date, clock: time) -> str:
    return datetime.combine(on, clock, LONDON).isoformat()
