"""Figures as lines of a page: the value in words, how it has changed since the month before, and what it was then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.metrics.reports import words
from services.metrics.reports.model import ContractReport, Figure, Mark, Unit, Verdict, figure_of
from services.metrics.reports.remarks import reason, remarks
from services.metrics.spans import month_of

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "How many": ("received", "accepted", "declined", "withdrawn", "re_referred", "bounced", "incomplete"),
    "In time": (
        "acknowledged_at_once",
        "seen_by_a_person",
        "decided_in_time",
        "contacted_in_time",
        "not_taken_on",
        "contacted_in_time_priority",
        "not_taken_on_priority",
        "safeguarding_acknowledged",
        "undeliverable",
    ),
    "Waiting": ("wait_", "aged_out_waiting"),
    "Who is reached": ("fathers", "parent_was_asked"),
    "Places, consultation and training": ("places_", "consultations", "trainings", "trained_people"),
}
"""Heading of a page → codes, or how they begin when they end with an underscore."""
OTHERS: Final = "Others"

_MORE: Final = {Unit.COUNT: ("more", "fewer"), Unit.SHARE: ("more", "less"), Unit.DAYS: ("longer", "shorter")}
_STEP: Final = {Unit.COUNT: "", Unit.SHARE: " percentage point", Unit.DAYS: " working day"}

_THEN: Final = {
    Verdict.MET: ", when the target was met by the exact count",
    Verdict.MISSED: ", when the target was missed by the exact count",
    Verdict.UNSAID: ", when the result was not said",
}


@dataclass(frozen=True, slots=True)
class FigureRow:
    """`change` is empty when nothing is published on the month before; `reason` goes with the verdict.

    `remarks` are what else has to be read with the figure.
    """

    figure: Figure
    value: str
    change: str
    target: str
    reason: str
    remarks: tuple[str, ...]

    @property
    def beneath(self) -> tuple[str, ...]:
        """What stands below the value."""
        return (*([self.change] if self.change else []), *self.remarks)

    @property
    def is_known(self) -> bool:
        return self.figure.value.value is not None or self.figure.value.mark is Mark.RANGE


@dataclass(frozen=True, slots=True)
class Group:
    """`slug` is its anchor on the page."""

    heading: str
    lines: tuple[FigureRow, ...]

    @property
    def slug(self) -> str:
        return self.heading.lower().replace(",", "").replace(" ", "-")


def line_of(figure: Figure, months: Sequence[ContractReport]) -> FigureRow:
    """Of a figure of the last of these reports; `months` are oldest first."""
    return FigureRow(
        figure,
        words.in_words(figure),
        _change(figure, months),
        target_of(figure),
        reason(figure),
        remarks(figure, months[-1]),
    )


def lines_of(codes: Iterable[str], months: Sequence[ContractReport]) -> list[FigureRow]:
    """Those of the last report that have one of these codes, in the order of the codes."""
    if not months:
        return []
    figures = [figure_of(months[-1].figures, code) for code in codes]
    return [line_of(figure, months) for figure in figures if figure]


def groups_of(months: Sequence[ContractReport]) -> list[Group]:
    """Every figure of the last report, in groups without empty ones; what no group names comes last."""
    figures = {figure.code: figure for figure in months[-1].figures} if months else {}
    found: dict[str, list[FigureRow]] = {}
    for heading, wanted in GROUPS.items():
        mine = [
            code for each in wanted for code in figures if code == each or (each[-1] == "_" and code.startswith(each))
        ]
        found[heading] = [line_of(figures.pop(code), months) for code in mine]
    found[OTHERS] = [line_of(figure, months) for figure in figures.values()]
    return [Group(heading, tuple(lines)) for heading, lines in found.items() if lines]


def target_of(figure: Figure) -> str:
    """`at least 90%`; empty without one."""
    return f"at least {words.target(figure.target)}" if figure.target is not None else ""


def _change(figure: Figure, months: Sequence[ContractReport]) -> str:
    """Between published numbers only, so that it tells nothing that they do not."""
    last = month_of(months[-1].heading.first_day)
    before = next((each for each in months if month_of(each.heading.first_day).next() == last), None)
    earlier = figure_of(before.figures, figure.code) if before else None
    if before is None or earlier is None:
        return ""
    name = words.month(before.heading.first_day)
    old, new = earlier.value.value, figure.value.value
    why = _otherwise(figure, earlier)
    if old is None or new is None:
        return f"Can't be compared with {name}{why}"
    if old == new:
        return f"{'Rounded, the same' if why else 'The same'} as in {name}{why}"
    more, less = _MORE[figure.unit]
    apart, step = abs(new - old), _STEP[figure.unit]
    plural = "s" if step and apart > 1 else ""
    return f"{apart}{step}{plural} {more if new > old else less} than in {name}{why}"


def _otherwise(figure: Figure, earlier: Figure) -> str:
    """What was answered the month before, where it is another answer and the two figures do not tell why."""
    now, then = figure.verdict, earlier.verdict
    if now is None or then is None or now is then:
        return ""
    old, new = earlier.value.value, figure.value.value
    is_told = old is not None and new is not None and old != new and (new > old) is (now is Verdict.MET)
    if is_told or (old != new and Verdict.UNSAID in (now, then)):
        return ""
    return f", when the target was {target_of(earlier)}" if figure.target != earlier.target else _THEN[then]
