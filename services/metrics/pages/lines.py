"""Figures as lines of a page: the value in words, how it has changed since the month before, and what it was then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from services.metrics.reports import words
from services.metrics.reports.model import ContractReport, Figure, Mark, Unit, figure_of
from services.metrics.spans import month_of

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "How many": ("received", "accepted", "declined", "withdrawn", "re_referred", "bounced", "incomplete"),
    "In time": (
        "acknowledged_at_once",
        "seen_by_a_person",
        "decided_in_time",
        "contacted_in_time",
        "contacted_in_time_priority",
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


@dataclass(frozen=True, slots=True)
class Line:
    """`change` is empty when nothing is published on the month before."""

    figure: Figure
    value: str
    change: str
    target: str

    @property
    def is_known(self) -> bool:
        return self.figure.value.value is not None or self.figure.value.mark is Mark.RANGE


@dataclass(frozen=True, slots=True)
class Group:
    """`slug` is its anchor on the page."""

    heading: str
    lines: tuple[Line, ...]

    @property
    def slug(self) -> str:
        return self.heading.lower().replace(",", "").replace(" ", "-")


def line_of(figure: Figure, months: Sequence[ContractReport]) -> Line:
    """Of a figure of the last of these reports; `months` are oldest first."""
    return Line(figure, in_words(figure), _change(figure, months), target_of(figure))


def lines_of(codes: Iterable[str], months: Sequence[ContractReport]) -> list[Line]:
    """Those of the last report that have one of these codes, in the order of the codes."""
    if not months:
        return []
    figures = [figure_of(months[-1].figures, code) for code in codes]
    return [line_of(figure, months) for figure in figures if figure]


def groups_of(months: Sequence[ContractReport]) -> list[Group]:
    """Every figure of the last report, in groups without empty ones; what no group names comes last."""
    figures = {figure.code: figure for figure in months[-1].figures} if months else {}
    found: dict[str, list[Line]] = {}
    for heading, wanted in GROUPS.items():
        mine = [
            code for each in wanted for code in figures if code == each or (each[-1] == "_" and code.startswith(each))
        ]
        found[heading] = [line_of(figures.pop(code), months) for code in mine]
    found[OTHERS] = [line_of(figure, months) for figure in figures.values()]
    return [Group(heading, tuple(lines)) for heading, lines in found.items() if lines]


def in_words(figure: Figure) -> str:
    """`84%`, `91% to 96%`; one that is not there in words, with its shorthand: `Held back [c]`."""
    if figure.value.value is not None or figure.value.mark is Mark.RANGE:
        return words.value_of(figure)
    return f"{_ABSENT.get(figure.value.text, 'Not shown')} {figure.value.text}"


_ABSENT: Final = {
    "[c]": "Held back",
    "[w]": "Held back",
    "[z]": "Nothing to count",
    "[u]": "Too few to say",
    "[x]": "Not available",
}


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
    if old is None or new is None:
        return f"Can't be compared with {name}"
    if old == new:
        return f"The same as in {name}"
    more, less = _MORE[figure.unit]
    apart, step = abs(new - old), _STEP[figure.unit]
    plural = "s" if step and apart > 1 else ""
    return f"{apart}{step}{plural} {more if new > old else less} than in {name}"
