"""Names and free text: stored as written (NFC), refused when they could mislead whoever sees them later."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Final, NoReturn

from pydantic import AfterValidator, Field, StrictStr

from services.referral.document.errors import refusal

NAME_LENGTH: Final = 100
REFERENCE_LENGTH: Final = 64
TOPIC_LENGTH: Final = 200
NOTES_LENGTH: Final = 10_000
MOST_MARKS: Final = 5
"""Combining marks in a row; more than any living script needs."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,'/&()-]*", re.ASCII)
_FORMULA_STARTS: Final = frozenset("=+@\uff1d\uff0b\uff20")
_BIDI_CONTROLS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_TAGS: Final = range(0xE0000, 0xE0080)
_NONCHARACTERS: Final = range(0xFDD0, 0xFDF0)
_PLANE_END: Final = 0xFFFE
"""The last two code points of every plane are noncharacters."""
_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by category, but nothing to see: Hangul fillers and the empty Braille pattern."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cn", "Zs", "Zl", "Zp", "Mn", "Me"})


def one_line(value: str) -> str:
    """Return a name or other short line in NFC."""
    if _PLAIN.fullmatch(value):
        return value
    text = unicodedata.normalize("NFC", value)
    if any(_is_refused(char) for char in text):
        _refuse("This holds a character that cannot be shown safely.")
    if _has_too_many_marks(value) or _has_too_many_marks(text):
        _refuse("This has too many accents on one letter.")
    visible = next((char for char in text if not _is_invisible(char)), None)
    if visible is None:
        raise refusal("empty", "This is empty; leave it out or send null.")
    if visible in _FORMULA_STARTS:
        _refuse("This may not start with =, + or @.")
    return text


def free_text(value: str) -> str:
    """Return notes in NFC: anything but NUL."""
    if "\x00" in value:
        _refuse("This holds a NUL character.")
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def _refuse(detail: str) -> NoReturn:
    raise refusal("refused-character", detail)


def _is_refused(char: str) -> bool:
    if char in "<>" or char in _BIDI_CONTROLS:
        return True
    code = ord(char)
    is_noncharacter = code in _NONCHARACTERS or code & _PLANE_END == _PLANE_END
    return is_noncharacter or code in _TAGS or unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}


def _is_invisible(char: str) -> bool:
    return char in _BLANKS or unicodedata.category(char) in _INVISIBLE


def _has_too_many_marks(text: str) -> bool:
    run = 0
    for char in text:
        category = unicodedata.category(char)
        if category[0] == "M":
            run += 1
        elif category != "Cf":  # a joiner between two marks does not start a new letter
            run = 0
        if run > MOST_MARKS:
            return True
    return False


Name = Annotated[StrictStr, Field(min_length=1, max_length=NAME_LENGTH), AfterValidator(one_line)]
Reference = Annotated[StrictStr, Field(min_length=1, max_length=REFERENCE_LENGTH), AfterValidator(one_line)]
Topic = Annotated[StrictStr, Field(min_length=1, max_length=TOPIC_LENGTH), AfterValidator(free_text)]
FreeText = Annotated[StrictStr, Field(min_length=1, max_length=NOTES_LENGTH), AfterValidator(free_text)]
