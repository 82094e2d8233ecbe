"""What could be held back to end a danger, the least loss first.

Told from what is published, never from exact counts: otherwise the choice itself would tell something about them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from services.metrics.disclosure.sums import Sum
from services.metrics.reports.model import Mark, Shown


def choices(pinned: str, group: Sequence[Sum], ours: set[str], known: Mapping[str, Shown]) -> Iterator[tuple[str, ...]]:
    """Sets of cells among `ours`: all parts of one sum that show no number; these with one number; any one cell.

    Parts of 1 to 7 go together and zeros with them: no number is lost, and of none can be told whether it is one of
    those that were in danger, even by somebody who knows this program.
    """
    left = {name for name in ours if known[name].mark is not Mark.WITHHELD}
    near = sorted((each for each in group if pinned in each.names), key=lambda each: (len(each.parts), each.total))
    without = [tuple(part for part in each.parts if part in left and not known[part].value) for each in near]
    yield from filter(None, without)
    totals = {each.total for each in group}
    losses = {name: _loss(name, totals, known) for name in left}
    for name in sorted(left, key=losses.__getitem__):
        yield from (
            (*parts, name) for each, parts in zip(near, without, strict=True) if name in {*each.names} - {*parts}
        )
    for name in sorted(left, key=losses.__getitem__):
        yield (name,)


def _loss(name: str, totals: set[str], known: Mapping[str, Shown]) -> tuple[int, bool, int, str]:
    """What readers lose with a cell: nothing with 1 to 7, little with a small part, more with a total, then a zero."""
    value = known[name].value
    kind = 0 if value is None else 1 if value else 2
    return kind, name in totals, value or 0, name
