"""When two names are the same, and which names, dates and numbers say nothing of who somebody is."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from services.referral.document.fields import is_valid_nhs_number
from shared.folding import fold

_NUMBER: Final = r"(?:\d+|one|two|three|first|second|third|a|b|c|i|ii|iii)"
_STAND_IN: Final = re.compile(
    rf"""
    (?:unborn|newborn|new\ born|unnamed|no\ name|the|female|male|girl|boy|live|b)?\ ?
    (?:baby|babe|bb|infant|child|newborn|unborn|bump|foetus|fetus|neonate|boy|girl|son|daughter|female|male)
        (?:\ (?:boy|girl|male|female|of\ .*|o\ .*|{_NUMBER}|not\ named|unnamed|tbc|tba|unknown))*
    | (?:baby|infant|son|daughter|b\ o|bo|mother|mum)\ .*
    | (?:twin|triplet|multiple)(?:\ {_NUMBER})?(?:\ of\ .*)?
    | unknown.* | not\ (?:known|given|named|stated|yet.*|applicable|available|disclosed|recorded) | un\ ?named
    | n\ ?k | n\ ?a | n\ ?s | t\ ?b\ ?[acdn] | to\ be\ (?:confirmed|advised|decided|named)
    | unspecified | none | null | nil
    | no\ (?:name|surname|first\ name|last\ name|given\ name).* | name\ .* | anon(?:ymous)? | test | x+ | z+ | .
    """,
    re.VERBOSE,
)
"""What is written where nobody knows a name: none of it makes two people one."""
STAND_IN_DATES: Final = frozenset({date(1900, 1, 1), date(1901, 1, 1), date(1900, 12, 31)})
"""Days that systems fill in where a date is asked for and nobody knows it."""
DUMMY_NUMBERS: Final = frozenset({"9876543210", "1234567881", "9434765919", "4010232137", "4505577104"})
"""Numbers with a right check digit that stand in manuals and forms as examples."""
_TEST_RANGE: Final = "999"
"""NHS England keeps numbers that begin so for tests: they belong to nobody."""


def name_key(name: str | None) -> str | None:
    """The form in which two names are compared: letters alone, in one piece. None for no name and for a stand-in.

    Case, accents, apostrophes, hyphens and spaces do not matter; vowel signs of other scripts do.
    """
    folded = fold(name or "")
    return None if not folded or _STAND_IN.fullmatch(folded) else folded.replace(" ", "")


def day_key(day: date | None) -> date | None:
    return None if day in STAND_IN_DATES else day


def number_key(number: str | None, *, are_test_numbers_real: bool) -> str | None:
    """An NHS number that can be somebody's; None for a wrong check digit, a dummy, and a test number in live use."""
    if not number or number in DUMMY_NUMBERS or not is_valid_nhs_number(number):
        return None
    return None if number.startswith(_TEST_RANGE) and not are_test_numbers_real else number
