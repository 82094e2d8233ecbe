"""The NHS code lists that an agency may use, read once from deploy/reference/nhs_codes.csv."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).resolve().parents[3] / "deploy" / "reference" / "nhs_codes.csv"


class Strength(StrEnum):
    """What goes well in the family."""

    ENGAGES_WITH_SERVICES = "engages_with_services"
    SUPPORTIVE_FAMILY = "supportive_family"
    STABLE_HOME = "stable_home"
    WARM_MOMENTS_SEEN = "warm_moments_seen"
    OTHER = "other"


class CommunicationNeed(StrEnum):
    """How a caregiver needs to be spoken or written to."""

    BSL = "bsl"
    EASY_READ = "easy_read"
    LARGE_PRINT = "large_print"
    BRAILLE = "braille"
    AUDIO = "audio"


class Gender(StrEnum):
    """PERSON STATED GENDER CODE of the NHS Data Dictionary; X (not known) is in its wider list."""

    MALE = "1"
    FEMALE = "2"
    INDETERMINATE = "9"
    NOT_KNOWN = "X"


def _lists(path: Path) -> dict[str, dict[str, str]]:
    lists: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            attribute, code, meaning = row.values()
            lists.setdefault(attribute, {})[code] = meaning
    return lists


_LISTS: Final = _lists(FILE)

SOURCES: Final[Mapping[str, str]] = _LISTS["SOURCE_OF_REFERRAL_FOR_MENTAL_HEALTH"]
"""SOURCE OF REFERRAL FOR MENTAL HEALTH: code to meaning; retired codes are still readable."""
ETHNIC_CATEGORIES: Final[Mapping[str, str]] = _LISTS["ETHNIC_CATEGORY_CODE_2001"] | _LISTS["ETHNIC_CATEGORY"]
"""ETHNIC CATEGORY CODE 2001, A to Z (Z = not stated), and 99 = not known."""
