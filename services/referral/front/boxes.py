"""One box and its member: what the box shows, what was typed into it, and the answer in words for reading it over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.referral.document.text import as_stored
from services.referral.front import typed_dates
from services.referral.front.form import NONE, Field, FieldKind
from services.referral.front.form_pages import MENTAL_HEALTH
from shared.events import MentalHealth
from shared.pages.names import language_name
from shared.pages.times import clock, long_day

_BOOLEANS: Final = {"true": True, "false": False}


def shown(field: Field, value: Any) -> list[str]:
    """What the box of a member shows; nothing for a value of another type than the member has."""
    if (
        field.name == MENTAL_HEALTH
        and isinstance(value, str)
        and value not in field.codes
        and value in set(MentalHealth)
    ):
        return [NONE] if NONE in field.codes else []  # the other page shows which one
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str)] or ([NONE] if NONE in field.codes else [])
    if isinstance(value, bool):
        return [] if field.kind is FieldKind.FLAG and not value else [str(value).lower()]
    if not isinstance(value, str):
        return []
    if field.kind is FieldKind.DATE:
        return [typed_dates.day_to(value)]
    return [typed_dates.time_to(value)] if field.kind is FieldKind.TIME else [value]


def read_box(field: Field, values: Sequence[str], before: Any) -> Any:
    """The member as the form says it; None when it is empty."""
    said = [as_stored(value) for value in values if value.strip()]
    text = said[0] if said else ""
    if field.name == MENTAL_HEALTH:
        return _mental_health(field, text, before)
    read: Any
    match field.kind:
        case FieldKind.CHECKS:
            codes = [code for code in said if code != NONE]
            read = codes or ([] if said and NONE in field.codes else None)
        case FieldKind.LINES:
            read = [line for value in said for line in value.split("\n") if line.strip()] or None
        case FieldKind.FLAG | FieldKind.YES_NO:
            is_left = field.kind is FieldKind.FLAG and before is False  # no tick says the same
            read = _BOOLEANS.get(text, text) if said else False if is_left else None
        case FieldKind.DATE:
            read = typed_dates.day_from(text.strip())
        case FieldKind.TIME:
            read = typed_dates.time_from(text.strip())
        case _:
            read = text.strip() if field.inputmode else text
    return None if read == "" else read


def _mental_health(field: Field, text: str, before: Any) -> str | None:
    """One value on two pages: "none of these" takes back a code of this page, never one of the other."""
    if text not in ("", NONE):
        return text
    is_from_the_other = before in [code for code in MentalHealth if code != NONE and code not in field.codes]
    if is_from_the_other or (not text and before == NONE):
        return str(before)
    return text or None


def in_words(field: Field, values: Sequence[str]) -> str:
    """What the box shows as a person reads it: labels for codes, days written out; empty for an empty box."""
    labels = {choice.value: choice.label for choice in field.choices}
    if field.kind is FieldKind.FLAG:
        labels = {"true": "Yes"}
    if field.kind is FieldKind.DATE:
        return ", ".join(long_day(typed_dates.day(typed_dates.day_from(value))) or value for value in values)
    if field.kind is FieldKind.TIME:
        return ", ".join(_time_in_words(value) for value in values)
    if field.member == "preferred_language":
        labels = {value: language_name(value) for value in values}
    between = ", " if field.kind is FieldKind.LINES else "; "
    return between.join(labels.get(value, value) for value in values)


def _time_in_words(value: str) -> str:
    at = typed_dates.moment(typed_dates.time_from(value))
    if at is None:
        return value
    return clock(at).removesuffix(", 00:00")
