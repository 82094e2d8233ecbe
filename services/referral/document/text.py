"""Names and free text: stored as written (NFC), refused when they could mislead whoever sees them later."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any, Final, NoReturn

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StrictStr
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

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
    """Return notes as they are stored: anything but NUL."""
    if "\x00" in value:
        _refuse("This holds a NUL character.")
    return as_stored(value)


def as_stored(value: str) -> str:
    """NFC, and every line end as one character."""
    text = value if value.isascii() else unicodedata.normalize("NFC", value)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def is_as_stored(text: bytes) -> bool:
    """Whether all of a canonical JSON text is as it is stored: nothing to compose, and no CR, which JSON escapes."""
    return text.isascii() and b"\\r" not in text


def stored(value: Any) -> Any:
    """A JSON value with all its text as it is stored; the same object where nothing has to change."""
    if isinstance(value, str):
        return as_stored(value)
    if isinstance(value, dict):
        return {as_stored(name): stored(member) for name, member in value.items()}
    return [stored(member) for member in value] if isinstance(value, list) else value


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


@dataclass(frozen=True, slots=True)
class AtMost:
    """So many characters as stored: composed, and a line end as one."""

    length: int

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(schema) | {"maxLength": self.length}

    def _checked(self, value: str) -> str:
        if len(value) > self.length:
            raise refusal("too-long", f"This may have {self.length} characters.")
        return value


Name = Annotated[StrictStr, Field(min_length=1), AfterValidator(one_line), AtMost(NAME_LENGTH)]
Reference = Annotated[StrictStr, Field(min_length=1), AfterValidator(one_line), AtMost(REFERENCE_LENGTH)]
Topic = Annotated[StrictStr, Field(min_length=1), AfterValidator(free_text), AtMost(TOPIC_LENGTH)]
FreeText = Annotated[StrictStr, Field(min_length=1), AfterValidator(free_text), AtMost(NOTES_LENGTH)]
