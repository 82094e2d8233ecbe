"""What a comparison says in plain English: about the group, never about whose fault it is."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Final

from services.metrics import codes
from services.metrics.codes import Words
from services.metrics.disclosure import SMALLEST_SHOWN

WIDE: Final = 4
"""An interval whose ends are further apart than this factor holds both half and twice as often: it tells nothing."""

_SUBJECTS: Final[Mapping[str, tuple[str, Mapping[str, Words]]]] = {
    codes.WARD: ("Families in {}", {}),
    codes.BABY_ETHNICITY: ("Babies in {}", codes.ETHNIC_GROUPS),
    codes.MOTHER_ETHNICITY: ("Babies whose mothers are in {}", codes.ETHNIC_GROUPS),
    codes.FATHER_ETHNICITY: ("Babies whose fathers are in {}", codes.ETHNIC_GROUPS),
    codes.CARER: ("{}", codes.CARERS),
    codes.LANGUAGE: ("Families who speak {}", {codes.OTHER: Words(codes.LANGUAGES[codes.OTHER], "another language")}),
    codes.CARER_AGE: ("Families with a parent {}", codes.AGES),
    codes.DEPRIVATION: ("Families in the {} deprived tenth of areas", codes.TENTHS),
}
"""By dimension: the words around the group, and the groups that have such words; others are named."""

NOT_COMPARED: Final[dict[str, str]] = {
    codes.ELSEWHERE: "Families who live in another council's area: not compared.",
    codes.NOT_STATED: "The family preferred not to say: not compared.",
    codes.NOT_KNOWN: "This is not known: not compared.",
}
"""Categories that no number of under-twos belongs to."""

NOT_OPEN: Final = "The ward was not open for the whole period: not compared."
NO_DENOMINATOR: Final = "There is no number of under-twos to compare with."
NOTHING_TO_COMPARE: Final = "There are too few referrals to compare anything."
SMALL_UNKNOWN: Final = f"Fewer than {SMALLEST_SHOWN} referrals: too few to say more."
HELD_BACK: Final = "The number of referrals is held back, so nothing can be said."

_HOW_OFTEN: Final = (
    (0.2, "far less often than"),
    (0.29, "about a quarter as often as"),
    (0.4, "about a third as often as"),
    (0.6, "about half as often as"),
    (0.71, "about two thirds as often as"),
    (0.8, "about three quarters as often as"),
    (0.95, "somewhat less often than"),
    (1.05, "about as often as"),
    (1.4, "somewhat more often than"),
    (1.75, "about one and a half times as often as"),
    (2.5, "about twice as often as"),
    (3.5, "about three times as often as"),
)
"""Ratios below the number are said so."""


def subject(dimension: str, code: str, name: str) -> str:
    """Who the sentence is about, in the plural, as it begins one."""
    template, groups = _SUBJECTS.get(dimension, ("Families in the group {}", {}))
    return template.format(groups[code].many if code in groups else name)


def share_of(dimension: str) -> str:
    return "their share of the carers of under-twos" if dimension == codes.CARER else "their share of under-twos"


def how_often(ratio: float) -> str:
    """A ratio as people say it: 0.5 is `about half as often as`."""
    said = next((words for limit, words in _HOW_OFTEN if ratio < limit), None)
    return said or f"about {ratio:.0f} times as often as"


def said(number: float) -> str:
    """One decimal; two where one would read as nothing, or as 1 though it is not."""
    short = f"{number:.1f}"
    return f"{number:.2f}" if short in ("0.0", "1.0") and number not in (0, 1) else short


def sentence(who: str, shares: str, *, verb: str, ratio: float, low: float, high: float, gap: str) -> str:
    """What a ratio says with its interval: a difference where the whole interval is on one side of 1."""
    numbers = f"({said(ratio)}; between {said(low)} and {said(high)})"
    if gap != "none":
        return f"{who} {verb} {how_often(ratio)} {shares} suggests {numbers}"
    if high > WIDE * low:
        return f"{who}: too few referrals to tell {numbers}"
    return f"{who} {verb} about as often as {shares} suggests, as far as these numbers can tell {numbers}"


def expecting(who: str, counted: str, *, expected: float, gap: str) -> str:
    """For no referrals, or so few that their number is held back: what the share of under-twos would lead to expect."""
    about = "fewer than 1" if expected < 0.5 else f"about {floor(expected + 0.5)}"  # noqa: PLR2004  rounds to none
    return f"{who}: {counted} where {about} would be expected{'' if gap == 'fewer' else ', which may be chance'}"
