"""What a referral says that FHIR has no element for: asked by a Questionnaire, answered in a QuestionnaireResponse.

A question's linkId is the JSON pointer of the member. All questions are made from the JSON Schema of ReferralDocument,
so a new member or code is a new question or option by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from services.referral.document.codes import SOURCES
from services.referral.document.model import ReferralDocument
from services.referral.fhir.names import ours

ELSEWHERE: Final = frozenset({"external_reference", "referrer", "babies", "caregivers", "notes", "written_in"})
"""Members of which all is said by other resources."""
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_A_LINE: Final = 100
"""Characters; a longer text may have line ends."""


class ItemType(StrEnum):
    """FHIR's types of questions that we use."""

    CHOICE = "choice"
    BOOLEAN = "boolean"
    DATE_TIME = "dateTime"
    STRING = "string"
    TEXT = "text"


VALUE_OF: Final[Mapping[ItemType, str]] = {
    ItemType.CHOICE: "valueCoding",
    ItemType.BOOLEAN: "valueBoolean",
    ItemType.DATE_TIME: "valueDateTime",
    ItemType.STRING: "valueString",
    ItemType.TEXT: "valueString",
}
"""The element of an answer."""


@dataclass(frozen=True, slots=True)
class LinkedQuestion:
    """`code_list` names the codes of a choice (`codes`)."""

    pointer: str
    type: ItemType
    repeats: bool
    code_list: str = ""
    longest: int | None = None

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(self.pointer.split("/")[1:])

    @property
    def system(self) -> str:
        """The code system of a choice."""
        return ours("CodeSystem", self.code_list)


@cache
def questions() -> dict[str, LinkedQuestion]:
    """LinkId → question, in the order of the document."""
    schema = ReferralDocument.model_json_schema()
    named: dict[str, Any] = schema["$defs"]
    return {
        question.pointer: question
        for name, member in schema["properties"].items()
        if name not in ELSEWHERE
        for question in _questions(f"/{name}", member, named)
    }


def _questions(pointer: str, member: Mapping[str, Any], named: Mapping[str, Any]) -> Iterator[LinkedQuestion]:
    title, found = _resolved(member, named)
    if "properties" in found:
        for name, inner in found["properties"].items():
            yield from _questions(f"{pointer}/{name}", inner, named)
        return
    repeats = found.get("type") == "array"
    if repeats:
        title, found = _resolved(found["items"], named)
    longest = found.get("maxLength")
    if "enum" in found:
        yield LinkedQuestion(pointer, ItemType.CHOICE, repeats, kebab(title) or pointer.rpartition("/")[2])
    elif found["type"] == "boolean":
        yield LinkedQuestion(pointer, ItemType.BOOLEAN, repeats)
    elif found.get("format") == "date-time":
        yield LinkedQuestion(pointer, ItemType.DATE_TIME, repeats)
    else:
        kind = ItemType.TEXT if longest and longest > _A_LINE else ItemType.STRING
        yield LinkedQuestion(pointer, kind, repeats, longest=longest)


def _resolved(member: Mapping[str, Any], named: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The schema without the null that may stand in its place, and the name of its definition or "" without one."""
    options = [each for each in member.get("anyOf", [member]) if each.get("type") != "null"]
    [found] = options
    if reference := found.get("$ref"):
        name = reference.rpartition("/")[2]
        return name, named[name]
    return "", found


def kebab(name: str) -> str:
    """`RiskFactor` → `risk-factor`."""
    return _CAPITAL.sub("-", name).lower()


@cache
def codes() -> dict[str, tuple[str, ...]]:
    """Code list → the codes that answers may have."""
    schema = ReferralDocument.model_json_schema()
    found = {kebab(name): tuple(each["enum"]) for name, each in schema["$defs"].items() if "enum" in each}
    lists = {question.code_list for question in questions().values() if question.code_list}
    return {name: found[name] for name in sorted(lists) if name in found} | {"source": tuple(sorted(SOURCES))}
