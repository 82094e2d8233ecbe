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

_WRONG_TYPE: Final = {
    "string_type": "This must be text.",
    "bool_type": "This must be true or false.",
    "int_type": "This must be a whole number.",
    "tuple_type": "This must be a list.",
    "model_type": "This must be an object.",
    "date_type": "This must be a date as text.",
    "datetime_type": "This must be a time as text.",
}


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
    found = error.errors(include_url=False, include_input=False)
    return [_field_error(part) for part in found]


def _field_error(part: ErrorDetails) -> FieldError:
    kind, place = part["type"], part["loc"]
    if kind == "extra_forbidden":
        return unknown_member(place)
    if kind in _WRONG_TYPE:
        return FieldError(pointer(place), "wrong-type", _WRONG_TYPE[kind])
    context = part.get("ctx", {})
    if kind == "pir":
        return FieldError(pointer(place), context["code"], context["detail"])
    return FieldError(pointer(place), *_known(kind, context))


def _known(kind: str, context: dict[str, object]) -> tuple[str, str]:
    match kind:
        case "enum" | "literal_error":
            return "not-in-list", f"This must be one of: {context['expected']}."
        case "string_too_short":
            return "empty", "This is empty; leave it out or send null."
        case "string_too_long":
            return "too-long", f"This may have {context['max_length']} characters."
        case "too_long":
            return "too-many", f"There may be {context['max_length']} of these."
        case "greater_than_equal" | "less_than_equal":
            return "out-of-range", f"This must be {context.get('ge', context.get('le'))} or {_side(kind)}."
    return "invalid", "This cannot be read."


def _side(kind: str) -> str:
    return "more" if kind == "greater_than_equal" else "less"


def pointer(place: Sequence[int | str]) -> str:
    """RFC 6901; our own member names and list positions need no escaping."""
    return "".join(f"/{step}" for step in place)


def _pointer_to_unknown(place: Sequence[int | str]) -> str:
    name = str(place[-1])
    is_plain = len(name) <= _LONGEST_MEMBER and _PLAIN_MEMBER.fullmatch(name)
    return pointer(place if is_plain else place[:-1])
