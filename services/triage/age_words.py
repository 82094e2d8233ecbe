"""The ages that a service of the map is for, in words; a page and the open directory say them alike."""

from __future__ import annotations

from typing import Final

from shared.service_map import PREGNANCY_MONTHS

_YEAR: Final = 12


def age_span(from_months: int, to_months: int) -> str:
    """`from pregnancy to 2 years`; months below zero are before the birth."""
    return f"from {_age(from_months)} to {_age(to_months)}"


def _age(months: int) -> str:
    if months == -PREGNANCY_MONTHS:
        return "pregnancy"
    if months == 0:
        return "birth"
    count, unit = (months // _YEAR, "year") if months % _YEAR == 0 else (abs(months), "month")
    return f"{count} {unit}{'s' if count > 1 else ''}{' before birth' if months < 0 else ''}"
