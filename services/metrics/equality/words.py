"""What a ratio means, in words: which gaps are named, and how each is said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from typing import Final, Literal

from services.metrics import codes
from services.metrics.codes import Words
from services.metrics.disclosure import SMALLEST_SHOWN, Range
from services.metrics.equality.interval import Ratio, ratio
from services.metrics.reports.model import Mark, Shown

Gap = Literal["fewer", "more", "none", "unknown"]
DIGITS = 2
"""Decimals of a ratio. The gap goes by the rounded numbers, so that it never contradicts what is read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What can be said of one group; `ratio` with its ends are there only where the number of referrals is shown.

    `width` is how far the nearest end of the interval is from 1, as a factor: how wide the gap is at the least.
    """

    share: float | None
    ratio: float | None
    low: float | None
    high: float | None
    gap: Gap
    width: float
    words: str


def find(shown: Shown, *, known: Range, population_share: float, who: str, shares: str, verb: str) -> Finding:
    """Compare a published number with what `population_share` of the `known` referrals would be."""
    found = ratio(shown, known=known, population_share=population_share)
    if found is None:
        return nothing(NOTHING_TO_COMPARE)
    gap = _gap(shown, found)
    if shown.value and found.value is not None:
        low, value, high = (round(number, DIGITS) for number in (found.low, found.value, found.high))
        words = sentence(who, shares, verb=verb, ratio=value, low=low, high=high, gap=gap)
    elif gap == "unknown":
        words = SMALL_UNKNOWN if shown.mark is Mark.SMALL else HELD_BACK
    else:
        counted = "no referrals" if shown.value == 0 else f"fewer than {SMALLEST_SHOWN} referrals"
        counted = counted if verb == "are referred" else f"{counted} accepted"
        words = expecting(who, counted, expected=known.middle * population_share, gap=gap)
    return _said(found, gap, words=words)


def nothing(words: str) -> Finding:
    """Nothing can be compared, and why."""
    return Finding(share=None, ratio=None, low=None, high=None, gap="unknown", width=1, words=words)


def _gap(shown: Shown, found: Ratio) -> Gap:
    """A number that is held back as small may be sure to be too few, never too many: it may be a single family."""
    if shown.value is None and shown.mark is not Mark.SMALL:
        return "unknown"
    if round(found.high, DIGITS) < 1:
        return "fewer"
    if shown.value is None:
        return "unknown"
    return "more" if round(found.low, DIGITS) > 1 else "none"


def _said(found: Ratio, gap: Gap, *, words: str) -> Finding:
    is_there = found.value is not None
    return Finding(
        share=found.share,
        ratio=round(found.value, DIGITS) if found.value is not None else None,
        low=round(found.low, DIGITS) if is_there else None,
        high=round(found.high, DIGITS) if is_there else None,
        gap=gap,
        width={"fewer": 1 / found.high, "more": found.low}.get(gap, 1),
        words=words,
    )


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
