"""Phone numbers: possible ones that cost a family nothing to be rung on. Kept as written."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from services.referral.document.errors import refusal

_CHARACTERS: Final = re.compile(r"[+(0-9][0-9 ().-]{1,38}[0-9)]", re.ASCII)
_CHARACTERS_IN_WORDS: Final = (
    "A phone number has digits, spaces, brackets, dots and hyphens, and may begin with +; no extension and no words. "
    "Look for a blank at an end, or a character that cannot be seen, such as a no-break space or a long hyphen."
)
_COMMON: Final = re.compile(r"(?:\+44|0)(?:[123]|7[1-57-9])[0-9]{8,9}", re.ASCII)
"""UK landlines and mobiles; 070 (personal) and 076 (pagers, Isle of Man) take the long way."""
_COMMON_DIGITS: Final = 10
_PUNCTUATION: Final = str.maketrans("", "", " ().-")
_UK, _NORTH_AMERICA = 44, 1


def checked_phone(value: str) -> str:
    """Return the number as written, or a refusal.

    ASCII without an extension; possible (drama numbers are); UK mobiles have 11 digits; neither premium (09) nor
    personal (070), and no foreign premium number.
    """
    if not _CHARACTERS.fullmatch(value):
        raise refusal("invalid-phone", _CHARACTERS_IN_WORDS)
    if _is_common(value) or _is_acceptable(value):
        return value
    raise refusal("invalid-phone", "This is not a phone number that can be rung at an ordinary price.")


def _is_common(value: str) -> bool:
    """Tell the usual shapes without the 60 µs that the library takes; it would say the same."""
    compact = value.translate(_PUNCTUATION)
    return bool(_COMMON.fullmatch(compact)) and len(compact.removeprefix("+44").removeprefix("0")) == _COMMON_DIGITS


def _is_acceptable(value: str) -> bool:
    try:
        number = phonenumbers.parse(value, "GB")
    except NumberParseException:
        return False
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return False
    return _is_ordinary_uk(number) if number.country_code == _UK else not _is_foreign_premium(number)


def _is_ordinary_uk(number: PhoneNumber) -> bool:
    digits = phonenumbers.national_significant_number(number)
    if digits.startswith(("9", "70")):
        return False
    return not digits.startswith("7") or len(digits) == _COMMON_DIGITS


def _is_foreign_premium(number: PhoneNumber) -> bool:
    digits = phonenumbers.national_significant_number(number)
    if number.country_code == _NORTH_AMERICA and digits.startswith("900"):
        return True  # the library knows only those that are handed out
    return phonenumbers.number_type(number) == PhoneNumberType.PREMIUM_RATE
