"""The ways in which referrals are told apart: dimensions with their categories, and the words for both. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from services.metrics.counting.cases import Case
from shared.events import Carer, Tier
from shared.policy import Policy

NOT_KNOWN: Final = "not_known"
NOT_STATED: Final = "not_stated"
ELSEWHERE: Final = "elsewhere"
NO_TIER: Final = "none"

ETHNIC_GROUPS: Final[Mapping[str, str]] = {
    "A": "white", "B": "white", "C": "white",
    "D": "mixed", "E": "mixed", "F": "mixed", "G": "mixed",
    "H": "asian", "J": "asian", "K": "asian", "L": "asian",
    "M": "black", "N": "black", "P": "black",
    "R": "other", "S": "other",
    "Z": NOT_STATED,
    "99": NOT_KNOWN,
}  # fmt: skip
"""ETHNIC CATEGORY CODE 2001 of the NHS Data Dictionary → its group there (Chinese stands under other in 2001)."""

ETHNIC_WORDS: Final[Mapping[str, str]] = {
    "white": "White",
    "mixed": "Mixed",
    "asian": "Asian or Asian British",
    "black": "Black or Black British",
    "other": "Chinese or another ethnic group",
    NOT_STATED: "Not stated: preferred not to say",
    NOT_KNOWN: "Not known",
}
CARER_WORDS: Final[Mapping[str, str]] = {
    Carer.MOTHER: "Mother",
    Carer.FATHER: "Father",
    Carer.PARTNER: "Partner of a parent",
    Carer.KINSHIP: "Family or friends",
    Carer.FOSTER: "Foster carer",
    Carer.ADOPTIVE: "Adoptive parent",
    Carer.OTHER: "Somebody else",
    NOT_KNOWN: "Not known",
}
AGE_BANDS: Final = ((20, "under_20"), (25, "20_24"), (30, "25_29"), (35, "30_34"), (40, "35_39"))
"""Below so many years: the bands in which ONS counts births by the mother's age."""
OLDEST: Final = "40_plus"
AGE_WORDS: Final[Mapping[str, str]] = {
    "under_20": "Under 20",
    "20_24": "20 to 24",
    "25_29": "25 to 29",
    "30_34": "30 to 34",
    "35_39": "35 to 39",
    OLDEST: "40 and over",
    NOT_KNOWN: "Not known",
}
LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English", "ar": "Arabic", "bn": "Bengali", "cy": "Welsh", "es": "Spanish", "fa": "Persian", "fr": "French",
    "gu": "Gujarati", "hi": "Hindi", "hu": "Hungarian", "it": "Italian", "ku": "Kurdish", "lt": "Lithuanian",
    "pa": "Panjabi", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "so": "Somali",
    "sq": "Albanian", "ta": "Tamil", "ti": "Tigrinya", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "vi": "Vietnamese", "zh": "Chinese", "bfi": "British Sign Language", "other": "Other languages",
}  # fmt: skip
"""ISO 639 codes of the languages that are most spoken in England (census 2021), with the words for them."""
DECILES: Final = tuple(str(number) for number in range(1, 11))


@dataclass(frozen=True)
class Dimension:
    """One way to look: `category` gives each referral exactly one; `words` those that are always listed, in order."""

    code: str
    title: str
    category: Callable[[Case], str]
    words: Mapping[str, str]


def dimensions(
    policy: Policy, *, sources: Mapping[str, str], tiers: Mapping[str, str], languages: Mapping[str, str]
) -> dict[str, Dimension]:
    """All of them by code; sources, tiers and languages with the words that people read."""
    wards = {ward.code: ward.name for ward in sorted(policy.wards, key=lambda ward: ward.name)}
    found = (
        Dimension("source", "Who referred", lambda case: case.source or NOT_KNOWN, {**sources, NOT_KNOWN: "Not known"}),
        Dimension(
            "ward",
            "Ward",
            lambda case: _ward(case, policy),
            {**wards, ELSEWHERE: "Another council's area", NOT_KNOWN: "Not known"},
        ),
        Dimension("tier", "Tier of support", lambda case: case.tier or NO_TIER, {**tiers, NO_TIER: "No tier yet"}),
        Dimension("carer", "Main carer", lambda case: case.carer or NOT_KNOWN, CARER_WORDS),
        *(
            Dimension(f"{who}_ethnicity", f"Ethnic group of the {who}", _ethnic(who), ETHNIC_WORDS)
            for who in ("mother", "father", "baby")
        ),
        Dimension("language", "Preferred language", _language, {**languages, NOT_KNOWN: "Not known"}),
        Dimension("carer_age", "Age of the parent", _age_band, AGE_WORDS),
        Dimension("deprivation", "Deprivation of the area", _decile, _decile_words()),
    )
    return {dimension.code: dimension for dimension in found}


def _ward(case: Case, policy: Policy) -> str:
    """A current ward of the council; an old one of it can't be told apart any more."""
    if case.ward in policy.ward_by_code:
        return str(case.ward)
    return ELSEWHERE if case.authority and case.authority != policy.authority else NOT_KNOWN


def _ethnic(who: str) -> Callable[[Case], str]:
    def group(case: Case) -> str:
        code = getattr(case, f"{who}_ethnicity")
        return ETHNIC_GROUPS.get(code or "99", NOT_KNOWN)

    return group


def _language(case: Case) -> str:
    """The language itself, without the place it is spoken in: `en-GB` is `en`."""
    return case.language.partition("-")[0].lower() if case.language else NOT_KNOWN


def _age_band(case: Case) -> str:
    if case.carer_age is None:
        return NOT_KNOWN
    return next((band for below, band in AGE_BANDS if case.carer_age < below), OLDEST)


def _decile(case: Case) -> str:
    return str(case.deprivation) if case.deprivation else NOT_KNOWN


def _decile_words() -> dict[str, str]:
    ends = {"1": "1, the most deprived tenth", "10": "10, the least deprived tenth"}
    return {**{number: ends.get(number, number) for number in DECILES}, NOT_KNOWN: "Not known"}


TIERS: Final = tuple(tier.value for tier in Tier)
