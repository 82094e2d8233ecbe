"""Somebody who has all that is published and adds and subtracts without a mistake: exact, by integer programming.

Written from what is published about the rule alone (docs/disclosure.md); shares no code with what it attacks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import highspy

from services.metrics.disclosure import Share, Sum
from services.metrics.reports.model import Mark, Shown, Verdict

MANY = 100_000


@dataclass(frozen=True)
class Published:
    """Everything that somebody has in hand; `answers`: shares whose target was said to be met or missed."""

    shown: Mapping[str, Shown]
    sums: Sequence[Sum]
    answers: Sequence[tuple[Share, Verdict]] = ()

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([*self.shown, *(name for each in self.sums for name in (each.total, *each.parts))]))


def stands_for(shown: Shown | None) -> tuple[int, int]:
    """The counts that a number in a table may stand for, hidden quantities being 0 or more."""
    if shown is None or shown.mark is Mark.WITHHELD:
        return 0, MANY
    if shown.mark is Mark.SMALL:
        return 1, 7
    assert shown.value is not None
    return (0, 0) if shown.value == 0 else (max(8, shown.value - 2), shown.value + 2)


def work_out(published: Published, names: Iterable[str] | None = None) -> dict[str, tuple[int, int]]:
    """Name → the lowest and the highest count that any table has which fits all that is published."""
    solver, cells = _system(published)
    return {name: (_end(solver, cells[name], -1), _end(solver, cells[name], 1)) for name in names or published.names}


def agrees(published: Published) -> bool:
    """Whether any table fits: two versions of a report, taken for one, may contradict each other."""
    solver, _ = _system(published)
    solver.run()
    return bool(solver.getModelStatus() == highspy.HighsModelStatus.kOptimal)


def _system(published: Published) -> tuple[highspy.Highs, dict[str, Any]]:
    solver = highspy.Highs()
    solver.silent()
    integer = highspy.HighsVarType.kInteger
    cells = {}
    for name in published.names:
        low, high = stands_for(published.shown.get(name))
        cells[name] = solver.addVariable(lb=low, ub=high, type=integer)
    for each in published.sums:
        solver.addConstr(sum(cells[part] for part in each.parts) == cells[each.total])
    for share, answer in published.answers:
        target = Fraction(str(share.target))
        ahead = cells[share.numerator] * target.denominator - cells[share.denominator] * target.numerator
        solver.addConstr(ahead >= 0 if answer is Verdict.MET else ahead <= -1)
    return solver, cells


def _end(solver: highspy.Highs, cell: Any, direction: int) -> int:
    (solver.maximize if direction > 0 else solver.minimize)(cell)
    assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal, solver.getModelStatus()
    return round(solver.val(cell))


def pinned(published: Published, names: Iterable[str] | None = None) -> dict[str, int]:
    """The counts of 1 or more that follow exactly."""
    return {name: low for name, (low, high) in work_out(published, names).items() if low == high and low}
