"""The words of a report: its title and period, what its units, verdicts and marks are called."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from services.metrics.disclosure import SMALLEST_SHOWN, STEP
from services.metrics.reports.model import MARKS, Figure, Heading, Mark, ReportKind, ReportStatus, Shown, Unit, Verdict
from shared.pages.times import clock, long_day

KINDS: Final = {
    ReportKind.CONTRACT: "Contract report",
    ReportKind.EQUALITY: "Equality and access report",
    ReportKind.NEED: "Need and families seen",
}
UNITS: Final = {Unit.COUNT: "Number", Unit.SHARE: "Per cent", Unit.DAYS: "Working days, median"}
VERDICTS: Final = {Verdict.MET: "Met", Verdict.MISSED: "Missed", Verdict.UNSAID: "Not said"}
GAPS: Final = {"fewer": "Fewer", "more": "More", "none": "No clear difference", "unknown": "Cannot be said"}
PRACTICE: Final = "Practice: made from invented families to show what a report looks like."
INVENTED: Final = "The numbers of children under two are invented. Do not plan with them."
COUNTING: Final = (
    f"Nobody can be singled out: counts of 1 to {SMALLEST_SHOWN - 1} are held back and the others rounded to the "
    f"nearest {STEP}. Totals are counted before rounding, so rows need not add up to them. Shares are worked out from "
    "the rounded numbers. Where that would lie on the other side of the target than the exact share, the range that "
    "the rounding leaves possible is given instead."
)
UNSAID: Final = (
    "Not said: there was nothing to count, or the answer beside the rounded numbers would give one of them away. Where "
    "payment hangs on it, the two sides of the contract settle it between them from the exact numbers."
)
_ABSENT: Final = {
    Mark.SMALL: "Held back",
    Mark.WITHHELD: "Held back",
    Mark.NOTHING: "Nothing to count",
    Mark.FEW: "Too few to say",
    Mark.ABSENT: "Not available",
}
_OTHERWISE: Final = {Mark.NOTHING: "nothing to count, or does not apply"}


def title(heading: Heading) -> str:
    """`Contract report, Nottingham, June 2026`."""
    return f"{KINDS[heading.kind]}, {heading.authority_name}, {period(heading)}"


def period(heading: Heading) -> str:
    """`June 2026`; `March 2026 to August 2026` for longer ones."""
    return span(heading.first_day, heading.last_day)


def span(first_day: date, last_day: date) -> str:
    """`June 2026`; `March 2026 to August 2026`."""
    first, last = month(first_day), month(last_day)
    return first if first == last else f"{first} to {last}"


def days(heading: Heading) -> str:
    """`Monday 1 June 2026 to Tuesday 30 June 2026`."""
    return f"{long_day(heading.first_day)} to {long_day(heading.last_day)}"


def month(day: date) -> str:
    """`June 2026`, whatever the locale."""
    return long_day(day).split(maxsplit=2)[2]


def status(heading: Heading) -> str:
    """A sentence: published when, or why there is no figure."""
    match heading.status:
        case ReportStatus.PUBLISHED:
            return f"Published {clock(heading.published_at)}." if heading.published_at else "Published."
        case ReportStatus.NOT_YET:
            if heading.waits_because:
                return waiting(heading.first_day, heading.last_day, heading.waits_because)
            return f"Not published yet: it will be on {long_day(heading.available_on)}."
        case ReportStatus.NO_DATA:
            return "This is before the first referral, so there is nothing to report."


def waiting(first_day: date, last_day: date, reason: str) -> str:
    """`The report of October 2026 waits: 3 messages are parked.`"""
    return f"The report of {span(first_day, last_day)} waits: {reason}."


def contract_year(heading: Heading) -> str:
    """`Year 4; payment is linked to the figures marked so`; empty when the policy names no contract.

    Payment hangs on figures of the contract report alone: the wider two say the year.
    """
    if heading.contract_year is None:
        return ""
    if heading.kind is not ReportKind.CONTRACT:
        return f"Year {heading.contract_year}"
    paid = (
        "payment is linked to the figures marked so" if heading.is_payment_year else "no payment is linked to figures"
    )
    return f"Year {heading.contract_year}; {paid}"


def amount(value: Shown, unit: Unit) -> str:
    """`84%`, `12 working days`, `4,210`; the mark when it is not there."""
    if value.value is None:
        return value.text
    if unit is Unit.DAYS:
        return f"{value.value:,} working day{'' if value.value == 1 else 's'}"
    return f"{value.value:,}{'%' if unit is Unit.SHARE else ''}"


def value_of(figure: Figure) -> str:
    """As `amount`; `91% to 96%` where there is no single per cent."""
    is_range = figure.value.mark is Mark.RANGE
    return f"{figure.low}% to {figure.high}%" if is_range else amount(figure.value, figure.unit)


def in_words(figure: Figure) -> str:
    """As `value_of`; one that is not there in words, with its shorthand: `Held back [c]`."""
    is_there = figure.value.value is not None or figure.value.mark is Mark.RANGE
    return value_of(figure) if is_there else absent(figure.value)


def absent(shown: Shown) -> str:
    """`Held back [c]`."""
    return f"{_ABSENT.get(shown.mark, 'Not shown')} {shown.text}"


def target(share: float) -> str:
    """`90%`, `92.5%`."""
    return f"{round(100 * share, 2):g}%"


def meanings(cells: Iterable[object]) -> list[str]:
    """`[c] = held back ...` for each mark among the cells, in the order of the marks."""
    used = {cell.mark for cell in cells if isinstance(cell, Shown)}
    return [f"[{mark}] = {_OTHERWISE.get(mark, words)}" for mark, words in MARKS.items() if mark in used]
