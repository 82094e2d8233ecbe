"""What is wrong with a document: one error a member, with a JSON pointer, and never the value that was sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from shared.strict_json import FieldError

MOST_ERRORS: Final = 100
"""More are cut off: an answer must stay small whatever was sent."""

_PLAIN_MEMBER: Final = re.compile(r"[a-z]{1,20}(?:_[a-z]{1,20}|_[0-9]{1,2}){0,3}", re.ASCII)
_LONGEST_MEMBER: Final = 40
_NO_SUCH: Final = "There is no member of this name. Ours are written in small letters with underscores: given_name."

_WORDS: Final = {
    "pir": ("{code}", "{detail}"),
    "string_type": ("wrong-type", "This must be text."),
    "bool_type": ("wrong-type", "This must be true or false."),
    "int_type": ("wrong-type", "This must be a whole number."),
    "tuple_type": ("wrong-type", "This must be a list."),
    "model_type": ("wrong-type", "This must be an object."),
    "date_type": ("wrong-type", "This must be a date as text."),
    "datetime_type": ("wrong-type", "This must be a time as text."),
    "enum": ("not-in-list", "This must be one of: {expected}."),
    "literal_error": ("not-in-list", "This must be one of: {expected}."),
    "string_too_short": ("empty", "This is empty; leave it out or send null."),
    "string_too_long": ("too-long", "This may have {max_length} characters."),
    "too_long": ("too-many", "There may be {max_length} of these."),
    "greater_than_equal": ("out-of-range", "This must be {ge} or more."),
    "less_than_equal": ("out-of-range", "This must be {le} or less."),
}
"""Pydantic's kind of error, or a `refusal`: our code and words, filled from its context."""


class Invalid(Exception):  # noqa: N818 - named by the contract of this module
    """The document can be read and cannot be accepted (HTTP 422); `errors` has all of them."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = list(dict.fromkeys(errors))[:MOST_ERRORS]
        super().__init__(", ".join(f"{error.pointer or '/'} {error.code}" for error in self.errors))


def refusal(code: str, detail: str) -> PydanticCustomError:
    """Make what a validator raises. `detail` holds no part of the value."""
    return PydanticCustomError("pir", "{detail}", {"code": code, "detail": detail})


def required(pointer: str, detail: str = "This is needed.") -> FieldError:
    """Say that a member is missing, null or an empty list."""
    return FieldError(pointer, "required", detail)


def unknown_member(place: Sequence[int | str]) -> FieldError:
    """`place` ends with a name that is not ours: it is shown only when it is a plain one."""
    return FieldError(_pointer_to_unknown(place), "unknown-member", _NO_SUCH)


def from_pydantic(error: ValidationError) -> list[FieldError]:
    """Put pydantic's errors in our words; an unknown member is named only when its name is a plain one."""
    return [_field_error(part) for part in error.errors(include_url=False, include_input=False)]


def _field_error(part: ErrorDetails) -> FieldError:
    if part["type"] == "extra_forbidden":
        return unknown_member(part["loc"])
    code, detail = _WORDS.get(part["type"], ("invalid", "This cannot be read."))
    context = part.get("ctx", {})
    return FieldError(pointer(part["loc"]), code.format_map(context), detail.format_map(context))


def pointer(place: Sequence[int | str]) -> str:
    """RFC 6901; our own member names and list positions need no escaping."""
    return "".join(f"/{step}" for step in place)


def _pointer_to_unknown(place: Sequence[int | str]) -> str:
    name = str(place[-1])
    is_plain = len(name) <= _LONGEST_MEMBER and _PLAIN_MEMBER.fullmatch(name)
    return pointer(place if is_plain else place[:-1])
