"""Which dimensions and codes a population file may hold, each with the words for a code that does not fit."""

from __future__ import annotations

import re
from typing import Final

from shared.events import Carer

TOTAL: Final = "total"
CARER: Final = "carer"

_GROUPS: Final = ("white", "mixed", "asian", "black", "other")
_AGES: Final = ("under_20", "20_24", "25_29", "30_34", "35_39", "40_plus")
_LISTS: Final[dict[str, tuple[str, ...]]] = {
    TOTAL: (TOTAL,),
    "baby_ethnicity": _GROUPS,
    "mother_ethnicity": _GROUPS,
    "father_ethnicity": _GROUPS,
    CARER: tuple(Carer),
    "carer_age": _AGES,
    "deprivation": tuple(f"{decile}" for decile in range(1, 11)),
}
_PATTERNS: Final[dict[str, tuple[str, str]]] = {
    "ward": (r"E05[0-9]{6}", "an ONS ward code such as E05012275"),
    "language": (r"[a-z]{2,3}|other", "a language code of two or three small letters such as ur, or other"),
}
DIMENSIONS: Final = (*_LISTS, *_PATTERNS)


def mistake_in(dimension: str, code: str) -> str:
    """What the code has to be instead; empty when it fits. The dimension is a known one."""
    if dimension in _LISTS:
        return "" if code in _LISTS[dimension] else f"has to be one of {', '.join(_LISTS[dimension])}"
    pattern, words = _PATTERNS[dimension]
    return "" if re.fullmatch(pattern, code) else f"has to be {words}"
