"""One type a value: NHS numbers, postcodes, dates, times, e-mail addresses, phone numbers and coded text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Final, TypeVar

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from nhs_number.validate import is_valid as has_valid_check_digit
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult
from pydantic import AfterValidator, BeforeValidator, Field, StrictStr

from services.referral.document.codes import ETHNIC_CATEGORIES, SOURCES, standard_language
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


MOST_CODES: Final = 50
_DATE: Final = re.compile(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_NHS_NUMBER: Final = re.compile(r"([0-9]{3})[ -]?([0-9]{3})[ -]?([0-9]{4})", re.ASCII)
_POSTCODE: Final = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?|GIR)([0-9][A-Z]{2})", re.ASCII)
_LONGEST_POSTCODE: Final = 20
_LONGEST_LOCAL_PART: Final = 64
_LONGEST_EMAIL: Final = 254
"""RFC 5321, by way of its errata: longer ones cannot be written to."""


def _date(value: object) -> object:
    if not isinstance(value, str):
        return value
    if _DATE.fullmatch(value):
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise refusal("invalid-date", "There is no such day.") from None
        if _FIRST_DAY <= day <= _LAST_DAY:
            return day
    raise refusal("invalid-date", "Write a date as YYYY-MM-DD, from 1900 to 2100.")


def _time(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        if _TIME.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise refusal("invalid-time", "Write a time as YYYY-MM-DDThh:mm:ss with its offset, for example +01:00 or Z.")


def nhs_digits(value: str) -> str | None:
    """Return ten digits from `999 000 0018`, `999-000-0018` or `9990000018`; None for another shape."""
    found = _NHS_NUMBER.fullmatch(value)
    return "".join(found.groups()) if found else None


def _nhs_number(value: str) -> str:
    digits = nhs_digits(value)
    if digits is None:
        raise refusal("invalid-nhs-number", "An NHS number has ten digits: 3, 3 and 4.")
    return digits


def _postcode(value: str) -> str:
    found = _POSTCODE.fullmatch(value.replace(" ", "").upper()) if value.isascii() else None
    if not found:
        raise refusal("invalid-postcode", "This is not the shape of a UK postcode.")
    return f"{found[1]} {found[2]}"


def is_valid_nhs_number(digits: str) -> bool:
    """Ten digits with a right check digit, and not ten equal ones, which stand in where nobody knows the number."""
    return len(set(digits)) > 1 and has_valid_check_digit(digits)


def checked_email(value: str) -> str:
    local, at, _domain = value.rpartition("@")
    if at and len(local) <= _LONGEST_LOCAL_PART:
        try:
            return validate_email(value, check_deliverability=False, allow_smtputf8=False).normalized
        except EmailNotValidError:
            pass
    raise refusal("invalid-email", "This is not an e-mail address that can be written to.")


_remembered_email = lru_cache(maxsize=512)(checked_email)
"""Referrers write again and again; the addresses of families are not kept in memory."""


def _source(value: str) -> str:
    if value not in SOURCES:
        raise refusal("not-in-list", "This is not a SOURCE OF REFERRAL FOR MENTAL HEALTH code.")
    return value


def _ethnic_category(value: str) -> str:
    if value not in ETHNIC_CATEGORIES:
        raise refusal("not-in-list", "This is not an ETHNIC CATEGORY CODE 2001 (A to Z) or 99.")
    return value


T = TypeVar("T")


def listed(most: int) -> BeforeValidator:
    """Make a list of at most so many, null being the empty one; a longer list is refused before its items are read."""

    def read(value: object) -> object:
        if isinstance(value, list) and len(value) > most:
            raise refusal("too-many", f"There may be {most} of these.")
        return () if value is None else value

    return BeforeValidator(read)


def without_repeats(codes: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse a code that is there twice."""
    if len(set(codes)) != len(codes):
        raise refusal("repeated", "A code is in this list twice.")
    return codes


Day = Annotated[date, Field(strict=True), BeforeValidator(_date, json_schema_input_type=date)]
Time = Annotated[datetime, Field(strict=True), BeforeValidator(_time, json_schema_input_type=datetime)]
NhsNumberText = Annotated[
    StrictStr, AfterValidator(_nhs_number), Field(json_schema_extra={"pattern": r"^\d{3}[ -]?\d{3}[ -]?\d{4}$"})
]
Postcode = Annotated[StrictStr, Field(min_length=1, max_length=_LONGEST_POSTCODE), AfterValidator(_postcode)]
Email = Annotated[
    StrictStr,
    Field(min_length=1, max_length=_LONGEST_EMAIL, json_schema_extra={"format": "email"}),
    AfterValidator(checked_email),
]
WorkEmail = Annotated[
    StrictStr,
    Field(min_length=1, max_length=_LONGEST_EMAIL, json_schema_extra={"format": "email"}),
    AfterValidator(_remembered_email),
]
Phone = Annotated[StrictStr, Field(min_length=1), AfterValidator(checked_phone)]
Language = Annotated[StrictStr, Field(min_length=1), AfterValidator(standard_language)]
Source = Annotated[StrictStr, AfterValidator(_source), Field(json_schema_extra={"enum": sorted(SOURCES)})]
EthnicCategory = Annotated[
    StrictStr, AfterValidator(_ethnic_category), Field(json_schema_extra={"enum": sorted(ETHNIC_CATEGORIES)})
]
Codes = Annotated[
    tuple[T, ...],
    Field(max_length=MOST_CODES, json_schema_extra={"uniqueItems": True}),
    AfterValidator(without_repeats),
    listed(MOST_CODES),
]
"""A list of codes, at most 50 and none twice; null is the empty list."""
