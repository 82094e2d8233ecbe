"""Which dimensions and codes a population file may hold, each with the words for a code that does not fit."""

from __future__ import annotations

import re
from typing import Final

from services.metrics import codes

TOTAL: Final = "total"

_LISTS: Final[dict[str, tuple[str, ...]]] = {
    TOTAL: (TOTAL,),
    codes.BABY_ETHNICITY: tuple(codes.ETHNIC_GROUPS),
    codes.MOTHER_ETHNICITY: tuple(codes.ETHNIC_GROUPS),
    codes.FATHER_ETHNICITY: tuple(codes.ETHNIC_GROUPS),
    codes.CARER: tuple(codes.CARERS),
    codes.CARER_AGE: tuple(codes.AGES),
    codes.DEPRIVATION: tuple(codes.TENTHS),
}
_PATTERNS: Final[dict[str, tuple[str, str]]] = {
    codes.WARD: (r"E05[0-9]{6}", "an ONS ward code such as E05012275"),
    codes.LANGUAGE: (
        rf"[a-z]{{2,3}}|{codes.OTHER}",
        "a language code of two or three small letters such as ur, or other",
    ),
}
DIMENSIONS: Final = (*_LISTS, *_PATTERNS)


def mistake_in(dimension: str, code: str) -> str:
    """What the code has to be instead; empty when it fits. The dimension is a known one."""
    if dimension in _LISTS:
        return "" if code in _LISTS[dimension] else f"has to be one of {', '.join(_LISTS[dimension])}"
    pattern, words = _PATTERNS[dimension]
    return "" if re.fullmatch(pattern, code) else f"has to be {words}"
