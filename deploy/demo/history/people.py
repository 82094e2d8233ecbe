"""Who cares for the baby, and the codes that equality counts need: distributed as in a city, invented all the same."""

from __future__ import annotations

from typing import Final

from deploy.demo.history.chance import Chance, Weighed
from deploy.demo.history.seasons import Season
from shared.events import Carer, Monitoring

_CARERS: Final[Weighed[Carer]] = (
    (Carer.MOTHER, 79.5),
    (Carer.FATHER, 12),
    (Carer.KINSHIP, 3.5),
    (Carer.FOSTER, 2),
    (Carer.PARTNER, 1.5),
    (Carer.ADOPTIVE, 0.8),
    (Carer.OTHER, 0.7),
)
_OLDER: Final = {Carer.KINSHIP: 18.0, Carer.FOSTER: 14.0, Carer.ADOPTIVE: 8.0, Carer.FATHER: 3.0}
"""Years above the mothers' average."""

_ETHNICITIES: Final[Weighed[str]] = (
    *(("A", 50.0), ("B", 0.5), ("C", 7.0)),
    *(("D", 4.0), ("E", 1.5), ("F", 2.0), ("G", 1.5)),
    *(("H", 4.0), ("J", 9.0), ("K", 1.0), ("L", 2.0)),
    *(("M", 3.0), ("N", 6.0), ("P", 1.0)),
    *(("R", 0.8), ("S", 2.0)),
    *(("Z", 4.0), ("99", 3.0)),
)
"""ETHNIC CATEGORY CODE 2001; Z is not stated, 99 not known."""
_MIXED: Final = ("D", "E", "F", "G")
_LANGUAGES: Final[dict[str, Weighed[str]]] = {
    "C": (("pl", 5), ("ro", 4), ("en", 3), ("pt-BR", 0.5)),
    "H": (("en", 5), ("pa", 4), ("gu", 1)),
    "J": (("en", 5), ("ur", 6)),
    "K": (("bn", 3), ("en", 2)),
    "N": (("en", 6), ("so", 2), ("ti", 1), ("fr", 0.6)),
    "R": (("zh-Hans", 3), ("en", 2)),
    "S": (("ar", 4), ("ku", 3), ("en", 3), ("fa", 1)),
}
"""Spoken where an ethnic category tells a little; elsewhere English, with or without a region."""
_ENGLISH: Final[Weighed[str]] = (("en", 8), ("en-GB", 2))
_DECILES: Final[Weighed[int]] = ((1, 34), (2, 22), (3, 14), (4, 9), (5, 7), (6, 5), (7, 4), (8, 3), (9, 1.5), (10, 0.5))
"""Most live in the most deprived areas of the country."""


def carer_of(chance: Chance) -> tuple[Carer, int | None]:
    """Who mainly cares, and how old they are where that is known."""
    carer = chance.weighed(_CARERS)
    if chance.happens(0.13):
        return carer, None
    return carer, max(16, round(chance.around(28.5 + _OLDER.get(carer, 0.0), 6.2)))


def monitoring_of(chance: Chance, season: Season) -> Monitoring:
    """Codes as a referral form has them: some not asked, some not told."""
    mother = chance.weighed(_ETHNICITIES)
    father = chance.weighed(_ETHNICITIES) if chance.happens(0.25) else mother
    baby = mother if mother == father else chance.of(_MIXED)
    was_asked = None if chance.happens(0.12) else chance.happens(season.parent_was_asked)
    return Monitoring(
        baby_ethnicity=None if chance.happens(0.05) else baby,
        mother_ethnicity=None if chance.happens(0.06) else mother,
        father_ethnicity=None if chance.happens(0.3) else father,
        language=None if chance.happens(0.06) else chance.weighed(_LANGUAGES.get(mother, _ENGLISH)),
        parent_was_asked=was_asked,
        deprivation_decile=None if chance.happens(0.1) else chance.weighed(_DECILES),
    )
