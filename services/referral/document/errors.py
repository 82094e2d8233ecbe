"""What is wrong with a document: one error a member, with a JSON pointer, and never the value that was sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from shared.mistakes import field_errors
from shared.strict_json import FieldError

MOST_ERRORS: Final = 100
"""More are cut off: an answer must stay small whatever was sent."""


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


def from_pydantic(error: ValidationError) -> list[FieldError]:
    """Put pydantic's errors in our words."""
    return field_errors(error.errors(include_url=False, include_input=False))
