"""Words beside a number that would puzzle its readers: why it and its verdict, or rows and their sum, seem to differ.

All of it follows from what is published, so it gives nothing away, and older documents get it as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from services.metrics.counting.kpis.in_time import NOT_TAKEN_ON
from services.metrics.reports import words
from services.metrics.reports.model import ContractReport, Figure, Mark, Need, Shown, Verdict, figure_of

PLACES: Final = ("places_individual", "places_group")
NO_TARGET: Final = "No target"

SHOWN_ROUNDED: Final = "by the exact count, which is shown rounded"
HELD_BACK: Final = "by the exact count, which is held back"
NOTHING_TO_COUNT: Final = "nothing to count"
GIVES_AWAY: Final = "the answer could give a count away"
INVENTED_PLACES: Final = "From the invented history: these are not the places of today."
MORE_THAN_EXPECTED: Final = (
    "{}: {:,} families seen, more than the {:,} expected. In the row for both kinds of specialist work they make up "
    "for others who were not seen, so the unmet need of the rows does not add up to it."
)
_KINDS: Final = ("specialist_short", "specialist_long")
_BOTH: Final = "specialist"


def reason(figure: Figure) -> str:
    """What goes with the verdict: why it is not what the figure beside it says, or why there is none; mostly empty."""
    if figure.verdict is Verdict.UNSAID:
        return NOTHING_TO_COUNT if figure.denominator and figure.denominator.value == 0 else GIVES_AWAY
    if figure.verdict is None or figure.target is None:
        return ""
    if figure.value.value is None and figure.value.mark is not Mark.RANGE:
        return HELD_BACK
    return "" if _agrees(figure, figure.target) else SHOWN_ROUNDED


def _agrees(figure: Figure, target: float) -> bool:
    """Whether the per cent, and its two numbers, lie on the side of the target that the verdict says."""
    least = Fraction(str(round(100 * target, 2)))
    shown = [Fraction(figure.value.value)] if figure.value.value is not None else []
    if figure.numerator and figure.numerator.value is not None and figure.denominator and figure.denominator.value:
        shown.append(Fraction(100 * figure.numerator.value, figure.denominator.value))
    is_met = figure.verdict is Verdict.MET
    return figure.value.mark is not Mark.RANGE and all((each >= least) is is_met for each in shown)


def result(figure: Figure) -> str:
    """The verdict with its reason: `Met by the exact count, which is shown rounded`, `Not said: nothing to count`."""
    if figure.verdict is None:
        return NO_TARGET
    why = reason(figure)
    between = ": " if figure.verdict is Verdict.UNSAID else " "
    return f"{words.VERDICTS[figure.verdict]}{between if why else ''}{why}"


def remarks(figure: Figure, report: ContractReport) -> tuple[str, ...]:
    """Sentences to read with a figure of this report, in every form of it."""
    found = []
    if beside := NOT_TAKEN_ON.get(figure.code):
        counted = figure_of(report.figures, beside)
        found.append(f"Not taken on yet when due: {_families(counted.value) if counted else 'not in this report'}.")
    if figure.code in PLACES and report.heading.is_practice:
        found.append(INVENTED_PLACES)
    return tuple(found)


def _families(shown: Shown) -> str:
    return words.absent(shown) if shown.value is None else f"{shown.value:,} families"


def needs(rows: Sequence[Need]) -> tuple[Need, ...]:
    """The rows to show: without one that repeats the numbers of the row above it."""
    numbers = [(row.expected, row.seen, row.unmet) for row in rows]
    return tuple(row for at, row in enumerate(rows) if not at or numbers[at] != numbers[at - 1])


def need_remarks(tiers: Sequence[Need]) -> Mapping[str, str]:
    """Level of need → why its unmet need and that of the other do not add up to the row for both."""
    by_code = {row.code: row for row in tiers}
    rows = [by_code[code] for code in (*_KINDS, _BOTH) if code in by_code]
    if len(rows) <= len(_KINDS) or sum(row.unmet or 0 for row in rows[:-1]) == rows[-1].unmet:
        return {}
    return {
        row.code: MORE_THAN_EXPECTED.format(row.name, row.seen.value, row.expected)
        for row in rows[:-1]
        if row.seen.value is not None and row.seen.value > row.expected
    }
