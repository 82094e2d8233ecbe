"""What referrals and under-twos are told apart by: dimensions, codes of their categories, one wording for each. Pure.

The codes stand in published reports and in population files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared.events import Carer

SOURCE: Final = "source"
WARD: Final = "ward"
TIER: Final = "tier"
BABY_ETHNICITY: Final = "baby_ethnicity"
MOTHER_ETHNICITY: Final = "mother_ethnicity"
FATHER_ETHNICITY: Final = "father_ethnicity"
CARER: Final = "carer"
LANGUAGE: Final = "language"
CARER_AGE: Final = "carer_age"
DEPRIVATION: Final = "deprivation"

TITLES: Final[Mapping[str, str]] = {
    SOURCE: "Who referred",
    WARD: "Ward",
    TIER: "Tier of support",
    BABY_ETHNICITY: "Ethnic group of the baby",
    MOTHER_ETHNICITY: "Ethnic group of the mother",
    FATHER_ETHNICITY: "Ethnic group of the father",
    CARER: "Main carer",
    LANGUAGE: "Preferred language",
    CARER_AGE: "Age of the parent",
    DEPRIVATION: "Deprivation of the area, in tenths",
}
WITH_UNDER_TWOS: Final = (
    *(WARD, BABY_ETHNICITY, MOTHER_ETHNICITY, FATHER_ETHNICITY),
    *(CARER, LANGUAGE, CARER_AGE, DEPRIVATION),
)
"""The dimensions in which referrals are compared with under-twos, in the order of the equality report."""

OTHER: Final = "other"
ELSEWHERE: Final = "elsewhere"
NOT_STATED: Final = "not_stated"
NOT_KNOWN: Final = "not_known"
WITHOUT_UNDER_TWOS: Final[Mapping[str, str]] = {
    ELSEWHERE: "Another council's area",
    NOT_STATED: "Not stated: preferred not to say",
    NOT_KNOWN: "Not known",
}
"""Categories that no number of under-twos belongs to."""


class Words(NamedTuple):
    """What a category is called: `name` in a table, `many` within a sentence of the equality report."""

    name: str
    many: str


WHITE: Final = "white"
MIXED: Final = "mixed"
ASIAN: Final = "asian"
BLACK: Final = "black"
ETHNIC_GROUPS: Final[Mapping[str, Words]] = {
    WHITE: Words("White", "White groups"),
    MIXED: Words("Mixed or multiple", "Mixed or multiple groups"),
    ASIAN: Words("Asian or Asian British", "Asian groups"),
    BLACK: Words("Black or Black British", "Black groups"),
    OTHER: Words("Chinese or another ethnic group", "Chinese or other ethnic groups"),
}
CARERS: Final[Mapping[str, Words]] = {
    Carer.MOTHER: Words("Mother", "Mothers"),
    Carer.FATHER: Words("Father", "Fathers"),
    Carer.PARTNER: Words("Partner of a parent", "Partners of a parent"),
    Carer.KINSHIP: Words("A relative or friend", "Relatives or friends who bring up the baby"),
    Carer.FOSTER: Words("Foster carer", "Foster carers"),
    Carer.ADOPTIVE: Words("Adoptive parent", "Adoptive parents"),
    Carer.OTHER: Words("Another carer", "Other carers"),
}
AGES: Final[Mapping[str, Words]] = {
    "under_20": Words("Under 20", "under 20"),
    "20_24": Words("20 to 24", "aged 20 to 24"),
    "25_29": Words("25 to 29", "aged 25 to 29"),
    "30_34": Words("30 to 34", "aged 30 to 34"),
    "35_39": Words("35 to 39", "aged 35 to 39"),
    "40_plus": Words("40 or over", "aged 40 or over"),
}
"""The bands in which ONS counts births by the mother's age, youngest first."""
TENTHS: Final[Mapping[str, Words]] = {
    "1": Words("1, the most deprived tenth", "most"),
    "2": Words("2", "second most"),
    "3": Words("3", "third most"),
    "4": Words("4", "fourth most"),
    "5": Words("5", "fifth most"),
    "6": Words("6", "fifth least"),
    "7": Words("7", "fourth least"),
    "8": Words("8", "third least"),
    "9": Words("9", "second least"),
    "10": Words("10, the least deprived tenth", "least"),
}
LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English", "ar": "Arabic", "bn": "Bengali", "cy": "Welsh", "es": "Spanish", "fa": "Persian", "fr": "French",
    "gu": "Gujarati", "hi": "Hindi", "hu": "Hungarian", "it": "Italian", "ku": "Kurdish", "lt": "Lithuanian",
    "pa": "Panjabi", "pl": "Polish", "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "so": "Somali",
    "sq": "Albanian", "ta": "Tamil", "ti": "Tigrinya", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "vi": "Vietnamese", "zh": "Chinese", "bfi": "British Sign Language", OTHER: "Other languages",
}  # fmt: skip
"""ISO 639 codes of the languages that are most spoken in England (census 2021), with the words for them."""
