"""The form to find a family: who is looked for and why, as typed, with what is missing or can't be read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Self

from services.triage.identity_access import LookReason
from services.triage.pages.words import LOOKS
from shared.problems import FieldError

FIELDS: Final = ("reason", "nhs_number", "given_name", "family_name", "day", "month", "year", "postcode")
_IDS: Final = {
    "reason": "reason",
    "nhs_number": "nhs-number",
    "given_name": "given-name",
    "family_name": "family-name",
    "date_of_birth": "date-of-birth-day",
    "postcode": "postcode",
}
"""Field → what the error summary leads to, in the order of the form."""
_NAMES: Final = {
    "nhs_number": "NHS number",
    "given_name": "First name",
    "family_name": "Last name",
    "date_of_birth": "Date of birth",
    "postcode": "Postcode",
}
_MISSING: Final = {
    "given_name": "Enter the first name",
    "family_name": "Enter the last name",
    "date_of_birth": "Enter the date of birth",
}
_LONGEST: Final = 200
_FIRST_YEAR: Final = 1900
_NHS_SEPARATORS: Final = dict.fromkeys(map(ord, " -\u2010\u2011\u2012\u2013\u2014"))
_TEN_DIGITS: Final = re.compile(r"[0-9]{10}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FindForm:
    """`typed` is shown again when there are `errors` (field → words); `who` is what the referral service is asked."""

    typed: Mapping[str, str]
    reason: LookReason | None
    who: Mapping[str, str]
    errors: Mapping[str, str]

    @property
    def summary(self) -> list[dict[str, str]]:
        """For the error summary, in the order of the form."""
        return [
            {"text": self.errors[field], "href": f"#{place}"} for field, place in _IDS.items() if field in self.errors
        ]

    def refused(self, errors: Iterable[FieldError]) -> Self:
        """With what the referral service could not use."""
        found = {each.pointer.removeprefix("/"): each.detail for each in errors}
        told = {field: f"{_NAMES[field]}: {words}" for field, words in found.items() if field in _NAMES}
        return replace(self, errors=told or {"reason": "We could not use this. Check what you have entered."})


EMPTY: Final = FindForm(typed={}, reason=None, who={}, errors={})


def read_form(fields: Mapping[str, object], *, today: date) -> FindForm:
    """A reason is always needed; then an NHS number, or both names and the date of birth. The number comes first."""
    typed = {name: str(fields.get(name, "")).strip()[:_LONGEST] for name in FIELDS}
    reason = LookReason(typed["reason"]) if typed["reason"] in LOOKS else None
    errors = {} if reason else {"reason": "Choose why you are looking"}
    who, wrong = _by_number(typed) if typed["nhs_number"] else _by_name(typed, today)
    return FindForm(typed, reason, who, errors | wrong)


def _by_number(typed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    number = typed["nhs_number"].translate(_NHS_SEPARATORS)
    if not _TEN_DIGITS.fullmatch(number) or len(set(number)) == 1:
        return {}, {"nhs_number": "Enter an NHS number of 10 digits, like 999 123 4567"}
    return {"nhs_number": number}, {}


def _by_name(typed: Mapping[str, str], today: date) -> tuple[dict[str, str], dict[str, str]]:
    if not any(typed[name] for name in ("given_name", "family_name", "day", "month", "year")):
        return {}, {"nhs_number": "Enter an NHS number, or a name and date of birth"}
    born_on = _date(typed)
    who = {name: typed[name] for name in ("given_name", "family_name", "postcode") if typed[name]}
    errors = {name: _MISSING[name] for name in ("given_name", "family_name") if name not in who}
    if born_on is None:
        is_empty = not any(typed[name] for name in ("day", "month", "year"))
        errors["date_of_birth"] = _MISSING["date_of_birth"] if is_empty else "Enter a real date, like 27 3 2026"
    elif born_on > today:
        errors["date_of_birth"] = "The date of birth must be today or in the past"
    else:
        who["date_of_birth"] = born_on.isoformat()
    return who, errors


def _date(typed: Mapping[str, str]) -> date | None:
    parts = [typed[name] for name in ("year", "month", "day")]
    if not all(_NUMBER.fullmatch(part) for part in parts) or int(parts[0]) < _FIRST_YEAR:
        return None
    try:
        return date(*map(int, parts))
    except ValueError:
        return None
