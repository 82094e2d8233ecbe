"""Pydantic's findings in our words: whatever it finds, no value and no word of Python."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from shared.events import Kind, Tier
from shared.mistakes import field_errors

VALUE = "Qqzx"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    day: date


class Everything(BaseModel):
    """A member of each type that a body, a query or a path of ours has."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, Field(min_length=2, max_length=3)] = "ab"
    number: Annotated[int, Field(ge=1, le=9)] = 1
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    flag: bool = True
    day: date = date(2026, 6, 15)
    at: AwareDatetime | None = None
    id: UUID | None = None
    tier: Tier | None = None
    kind: Literal[Kind.CONSULTATION, Kind.TRAINING] | None = None
    word: Literal["one", "two"] = "one"
    some: Annotated[list[str], Field(min_length=1, max_length=2)] = ["a"]
    inner: Inner | None = None
    ours: str = ""

    @field_validator("ours")
    @classmethod
    def _refuse(cls, value: str) -> str:
        raise PydanticCustomError("note-needed", "Write a note.") if value == "custom" else ValueError("Choose one.")


CASES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"text": VALUE}, "/text", "too-long", "3"),
    ({"text": "a"}, "/text", "empty", "empty"),
    ({"text": 1}, "/text", "wrong-type", "text"),
    ({"number": 0}, "/number", "out-of-range", "1 or more"),
    ({"number": 10}, "/number", "out-of-range", "9 or less"),
    ({"number": VALUE}, "/number", "wrong-type", "whole number"),
    ({"number": 1.5}, "/number", "wrong-type", "whole number"),
    ({"share": 0}, "/share", "out-of-range", "more than 0"),
    ({"share": 1}, "/share", "out-of-range", "less than 1"),
    ({"flag": VALUE}, "/flag", "wrong-type", "true or false"),
    ({"day": VALUE}, "/day", "invalid-date", "2026"),
    ({"at": VALUE}, "/at", "invalid-time", "offset"),
    ({"at": datetime(2026, 6, 15)}, "/at", "invalid-time", "offset"),  # noqa: DTZ001  that is the mistake
    ({"id": VALUE}, "/id", "invalid", "id"),
    ({"tier": VALUE}, "/tier", "not-in-list", "'targeted'"),
    ({"kind": VALUE}, "/kind", "not-in-list", "This must be one of: 'consultation' or 'training'."),
    ({"word": VALUE}, "/word", "not-in-list", "'one' or 'two'"),
    ({"some": []}, "/some", "too-few", "1"),
    ({"some": [VALUE] * 3}, "/some", "too-many", "2"),
    ({"some": VALUE}, "/some", "wrong-type", "list"),
    ({"inner": VALUE}, "/inner", "wrong-type", "object"),
    ({"inner": {}}, "/inner/day", "required", "needed"),
    ({"inner": {"day": "2026-06-15", "dayOff": VALUE}}, "/inner/dayOff", "unknown-member", "dayOff"),
    ({"inner": {"day": "2026-06-15", "Sana Shah": VALUE}}, "/inner", "unknown-member", "not repeated"),
    ({"ours": "custom"}, "/ours", "note-needed", "Write a note."),
    ({"ours": VALUE}, "/ours", "invalid", "Choose one."),
]


@pytest.mark.parametrize(("sent", "pointer", "code", "words"), CASES)
def test_each_finding_has_our_code_and_words_and_no_value(
    sent: dict[str, Any], pointer: str, code: str, words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(sent)
    [error] = field_errors(caught.value.errors(), within="/body")
    assert (error.pointer, error.code) == ("/body" + pointer, code)
    assert words in error.detail
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)
    assert not re.search(rf"{VALUE}|Input should|<\w|Sana|Value error", error.pointer + error.detail)
