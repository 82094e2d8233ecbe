"""What pydantic finds wrong, as field errors in our words: one table for bodies, queries and paths of all services.

Never the value that was sent. The name of a member that is not ours is the sender's text too: it is shown when it is
a plain one, and never when it could be a number of a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic_core.core_schema import ErrorType

from shared.strict_json import FieldError

LONGEST_NAME: Final = 40
"""Characters of a name that is repeated; our own longest has 22."""
MOST_DIGITS: Final = 4
"""In a row, in a name that is repeated: telephone and NHS numbers have more."""

_PLAIN_NAME: Final = re.compile(
    rf"(?!.*[0-9]{{{MOST_DIGITS + 1}}})[A-Za-z][A-Za-z0-9_-]{{0,{LONGEST_NAME - 1}}}", re.ASCII
)
_ENUM: Final = re.compile(r"<[\w.]+: ('[^']*'|[0-9]+)>")
"""A code as Python writes it: `<Kind.TRAINING: 'training'>`."""

_NO_SUCH: Final = "There is no member named {name}. Ours are written in small letters with underscores: given_name."
_NO_SUCH_STRANGE: Final = (
    "There is no member of this name, which is not repeated here. Ours are written in small letters with underscores: "
    "given_name."
)
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("required", "This is needed."),
    "string_type": ("wrong-type", "This must be text."),
    **dict.fromkeys(("bool_type", "bool_parsing"), ("wrong-type", "This must be true or false.")),
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_from_float", "int_parsing_size"),
        ("wrong-type", "This must be a whole number."),
    ),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), ("wrong-type", "This must be a number.")),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), ("wrong-type", "This must be a list.")),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), ("wrong-type", "This must be an object.")),
    "date_type": ("wrong-type", "This must be a date as text."),
    "datetime_type": ("wrong-type", "This must be a time as text."),
    **dict.fromkeys(
        ("date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"),
        ("invalid-date", "This must be a date such as 2026-06-15."),
    ),
    **dict.fromkeys(
        ("datetime_parsing", "datetime_from_date_parsing", "timezone_aware"),
        ("invalid-time", "This must be a time with an offset, such as 2026-06-15T09:00:00+01:00."),
    ),
    **dict.fromkeys(("uuid_parsing", "uuid_type", "uuid_version"), ("invalid", "This is not an id of ours.")),
    **dict.fromkeys(("enum", "literal_error"), ("not-in-list", "This must be one of: {expected}.")),
    "string_too_short": ("empty", "This is empty; leave it out or send null."),
    "string_too_long": ("too-long", "This may have {max_length} characters."),
    "too_short": ("too-few", "There must be {min_length} of these or more."),
    "too_long": ("too-many", "There may be {max_length} of these."),
    "greater_than": ("out-of-range", "This must be more than {gt}."),
    "greater_than_equal": ("out-of-range", "This must be {ge} or more."),
    "less_than": ("out-of-range", "This must be less than {lt}."),
    "less_than_equal": ("out-of-range", "This must be {le} or less."),
}
"""Pydantic's kind of error: our code and words, filled from its context."""
_OF_PYDANTIC: Final = frozenset(get_args(ErrorType))


def field_errors(findings: Iterable[Mapping[str, Any]], *, within: str = "") -> list[FieldError]:
    """The findings of one `ValidationError.errors()`, each at its place below `within`.

    A validator of ours has its own words: an error of another type than pydantic's, or a ValueError.
    """
    return [_field_error(found, within) for found in findings]


def unknown_member(place: Sequence[int | str], *, within: str = "") -> FieldError:
    """`place` ends with a name that is not ours."""
    *parent, name = place
    if is_shown(str(name)):
        return FieldError(within + pointer(place), "unknown-member", _NO_SUCH.format(name=name))
    return FieldError(within + pointer(parent), "unknown-member", _NO_SUCH_STRANGE)


def is_shown(name: str) -> bool:
    """Whether a name that is not ours may be repeated to who sent it."""
    return _PLAIN_NAME.fullmatch(name) is not None


def pointer(place: Sequence[int | str]) -> str:
    """RFC 6901; our own member names, plain names and list positions need no escaping."""
    return "".join(f"/{step}" for step in place)


def _field_error(found: Mapping[str, Any], within: str) -> FieldError:
    kind, place = str(found["type"]), found["loc"]
    context = found.get("ctx") or {}
    if kind == "extra_forbidden":
        return unknown_member(place, within=within)
    if kind in WORDS:
        code, detail = WORDS[kind]
        context = {name: _ENUM.sub(r"\1", str(value)) for name, value in context.items()}
        return FieldError(within + pointer(place), code, detail.format_map(context))
    if kind == "value_error":
        return FieldError(within + pointer(place), "invalid", str(context["error"]))
    if kind in _OF_PYDANTIC:
        return FieldError(within + pointer(place), "invalid", "This cannot be read.")
    return FieldError(within + pointer(place), str(context.get("code", kind)), str(found["msg"]))
