"""Reading a draft: a policy, or every mistake in words, each with its place in the file."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

from pydantic import ValidationError

from services.triage.policy_text import label_of
from shared.policy import Policy

HIGHEST_VERSION: Final = 1_000_000
"""A version is a small number that people say aloud."""


class UnusableDraftError(Exception):
    """The text is no policy: `mistakes` are whole sentences."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("; ".join(mistakes))
        self.mistakes = mistakes


def read_draft(text: str) -> Policy:
    """The policy that a TOML text holds. Raises UnusableDraftError with every mistake there is."""
    try:
        members = tomllib.loads(text)
    except RecursionError:
        raise UnusableDraftError(["The file can't be read: lists are nested too deeply."]) from None
    except tomllib.TOMLDecodeError as error:
        raise UnusableDraftError([f"The file is not readable as TOML: {error}."]) from None
    except ValueError:  # Python's own limit
        raise UnusableDraftError(["The file can't be read: a number has too many digits."]) from None
    try:
        policy = Policy.model_validate(members)
    except ValidationError as error:
        raise UnusableDraftError([_sentence(dict(part)) for part in error.errors(include_url=False)]) from None
    if policy.version > HIGHEST_VERSION:
        raise UnusableDraftError([f"Version (version): this must be at most {HIGHEST_VERSION}."])
    return policy


def _sentence(part: dict[str, Any]) -> str:
    place = ".".join(map(str, part["loc"]))
    if not place:
        return f"The whole policy: {part['msg'].removeprefix('Value error, ')}."
    name = label_of(re.sub(r"\.\d+\b", "", place))
    shown = f"{name} ({place})" if name != place else place
    return f"{shown}: {_what(part)}"


def _what(part: dict[str, Any]) -> str:
    """Plain words for the kinds of mistake that a policy can have; the library's own for any other."""
    context = part.get("ctx", {})
    known = {
        "missing": "this is missing.",
        "extra_forbidden": "a policy has no such member. Check how it is spelled.",
        "greater_than_equal": f"this must be at least {context.get('ge')}.",
        "less_than_equal": f"this must be at most {context.get('le')}.",
        "int_type": "this must be a whole number.",
        "int_parsing": "this must be a whole number.",
        "int_from_float": "this must be a whole number.",
        "float_type": "this must be a number.",
        "float_parsing": "this must be a number.",
        "string_type": "this must be text in quotes.",
        "date_type": "this must be a day, such as 2026-09-01.",
        "date_parsing": "this must be a day, such as 2026-09-01.",
        "date_from_datetime_parsing": "this must be a day, such as 2026-09-01.",
        "time_type": "this must be a time of day, such as 13:00:00.",
        "time_parsing": "this must be a time of day, such as 13:00:00.",
        "tuple_type": "this must be a list.",
        "dict_type": "this must be a part of its own, with members.",
        "model_type": "this must be a part of its own, with members.",
        "string_pattern_mismatch": f"this must look like {_shape(str(context.get('pattern')))}.",
        "enum": f"this must be one of {context.get('expected')}.",
    }
    return known.get(part["type"], f"{part['msg'].removeprefix('Value error, ')}.")


def _shape(pattern: str) -> str:
    shapes = {
        r"^E05[0-9]{6}$": "E05012275 (the ONS code of a ward)",
        r"^E[0-9]{8}$": "E06000018 (the ONS code of a council)",
        r"^[a-z][a-z0-9-]{1,40}$": "nottingham-citywide (small letters, digits and hyphens)",
    }
    return shapes.get(pattern, pattern)
