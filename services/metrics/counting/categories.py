"""The ways in which referrals are told apart: dimensions with the category of a referral in each. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from services.metrics import codes
from services.metrics.codes import NOT_KNOWN, NOT_STATED, Words
from services.metrics.counting.cases import Case
from shared.policy import Policy

NO_TIER: Final = "none"

ETHNIC_CATEGORIES: Final[Mapping[str, str]] = {
    **dict.fromkeys("ABC", codes.WHITE),
    **dict.fromkeys("DEFG", codes.MIXED),
    **dict.fromkeys("HJKL", codes.ASIAN),
    **dict.fromkeys("MNP", codes.BLACK),
    **dict.fromkeys("RS", codes.OTHER),
    "Z": NOT_STATED,
    "99": NOT_KNOWN,
}
"""ETHNIC CATEGORY CODE 2001 of the NHS Data Dictionary → its group there (Chinese stands under other in 2001)."""
AGE_LIMITS: Final = (20, 25, 30, 35, 40)
"""The years in which the next of `codes.AGES` begins."""
_AGES: Final = tuple(codes.AGES)


@dataclass(frozen=True)
class CountedDimension:
    """One way to look: `category` gives each referral exactly one; `words` those that are always listed, in order."""

    code: str
    category: Callable[[Case], str]
    words: Mapping[str, str]

    @property
    def title(self) -> str:
        return codes.TITLES[self.code]


def dimensions(policy: Policy, *, sources: Mapping[str, str], tiers: Mapping[str, str]) -> dict[str, CountedDimension]:
    """All of them by code; sources and tiers with the words that people read."""
    wards = {ward.code: ward.name for ward in sorted(policy.wards, key=lambda ward: ward.name)}
    ethnicities = {
        codes.MOTHER_ETHNICITY: lambda case: case.mother_ethnicity,
        codes.FATHER_ETHNICITY: lambda case: case.father_ethnicity,
        codes.BABY_ETHNICITY: lambda case: case.baby_ethnicity,
    }
    found = (
        CountedDimension(codes.SOURCE, lambda case: case.source or NOT_KNOWN, {**sources, **_without(NOT_KNOWN)}),
        CountedDimension(
            codes.WARD, lambda case: _ward(case, policy), {**wards, **_without(codes.ELSEWHERE, NOT_KNOWN)}
        ),
        CountedDimension(codes.TIER, lambda case: case.tier or NO_TIER, {**tiers, NO_TIER: "No tier yet"}),
        CountedDimension(codes.CARER, lambda case: case.carer or NOT_KNOWN, _names(codes.CARERS, NOT_KNOWN)),
        *(
            CountedDimension(code, _ethnic(of), _names(codes.ETHNIC_GROUPS, NOT_STATED, NOT_KNOWN))
            for code, of in ethnicities.items()
        ),
        CountedDimension(codes.LANGUAGE, _language, {**codes.LANGUAGES, **_without(NOT_KNOWN)}),
        CountedDimension(codes.CARER_AGE, _age_band, _names(codes.AGES, NOT_KNOWN)),
        CountedDimension(codes.DEPRIVATION, _tenth, _names(codes.TENTHS, NOT_KNOWN)),
    )
    return {dimension.code: dimension for dimension in found}


def _names(categories: Mapping[str, Words], *others: str) -> dict[str, str]:
    return {**{code: words.name for code, words in categories.items()}, **_without(*others)}


def _without(*categories: str) -> dict[str, str]:
    """Those that no under-twos belong to, with their words."""
    return {code: codes.WITHOUT_UNDER_TWOS[code] for code in categories}


def _ward(case: Case, policy: Policy) -> str:
    """A current ward of the council; an old one of it can't be told apart any more."""
    if case.ward in policy.ward_by_code:
        return str(case.ward)
    return codes.ELSEWHERE if case.authority and case.authority != policy.authority else NOT_KNOWN


def _ethnic(of: Callable[[Case], str | None]) -> Callable[[Case], str]:
    return lambda case: ETHNIC_CATEGORIES.get(of(case) or "99", NOT_KNOWN)


def _language(case: Case) -> str:
    """The language itself, without the place it is spoken in: `en-GB` is `en`."""
    return case.language.partition("-")[0].lower() if case.language else NOT_KNOWN


def _age_band(case: Case) -> str:
    return NOT_KNOWN if case.carer_age is None else _AGES[bisect_right(AGE_LIMITS, case.carer_age)]


def _tenth(case: Case) -> str:
    return str(case.deprivation) if case.deprivation else NOT_KNOWN
