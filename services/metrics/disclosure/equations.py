"""Counts tied to each other by linear equations over whole numbers, and the bounds that follow from them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from services.metrics.disclosure.rounding import NO_LIMIT, range_of
from services.metrics.reports.model import Shown

VISITS: Final = 200
"""So often is each equation looked at, at most: bounds that have not settled by then are true, but wide."""

Term = tuple[str, int]
"""A name, and what it is multiplied by."""


class Box(NamedTuple):
    """The lowest and the highest that a count may be, both in; `high` near NO_LIMIT is none."""

    low: int
    high: int

    @classmethod
    def of(cls, shown: Shown) -> Box:
        possible = range_of(shown)
        return cls(possible.low, possible.high)

    @property
    def size(self) -> int:
        return self.high - self.low + 1


class Equations:
    """Equations by number, names by place. `rows[r]`: the (place, factor) pairs that make 0; `at[place]`: its rows."""

    def __init__(self, equations: Sequence[Sequence[Term]], names: Iterable[str] = ()) -> None:
        self.names = list(dict.fromkeys([*names, *(name for terms in equations for name, _ in terms)]))
        self.place = {name: place for place, name in enumerate(self.names)}
        self.rows = [[(self.place[name], factor) for name, factor in terms] for terms in equations]
        self.at: list[list[tuple[int, int]]] = [[] for _ in self.names]
        for row, terms in enumerate(self.rows):
            for place, factor in terms:
                self.at[place].append((row, factor))

    def gaps(self, counts: Sequence[int]) -> dict[int, int]:
        """By how much each equation is missed; those that hold are left out."""
        found = {row: sum(factor * counts[place] for place, factor in terms) for row, terms in enumerate(self.rows)}
        return {row: gap for row, gap in found.items() if gap}

    def without(self, rows: set[int]) -> Equations:
        """The same names without some equations."""
        kept = [terms for row, terms in enumerate(self.rows) if row not in rows]
        return Equations([[(self.names[place], factor) for place, factor in terms] for terms in kept], self.names)


def tightened(equations: Equations, boxes: Sequence[Box]) -> tuple[list[Box], set[int]]:
    """The boxes after all equations have been used until nothing changes, and the rows that contradict those before."""
    found = list(boxes)
    rows = range(len(equations.rows))
    if follow(equations, found, rows, rows):
        return found, set()
    found = list(boxes)
    kept: list[int] = []
    for row in rows:
        tried = list(found)
        if follow(equations, tried, [row], [*kept, row]):
            found = tried
            kept.append(row)
    return found, set(rows) - set(kept)


def follow(equations: Equations, boxes: list[Box], first: Sequence[int], usable: Iterable[int] | None = None) -> bool:
    """Narrow the boxes in place by the usable rows (None: all), `first` first; False when one is left empty."""
    waiting, queued = deque(first), set(first)
    allowed = None if usable is None else set(usable)
    left = VISITS * len(equations.rows)
    while waiting and left:
        left -= 1
        row = waiting.popleft()
        queued.discard(row)
        changed = _narrow(equations.rows[row], boxes)
        if changed is None:
            return False
        others = {other for place in changed for other, _ in equations.at[place]} - queued - {row}
        if allowed is not None:
            others &= allowed
        queued |= others
        waiting.extend(sorted(others))
    return True


def _narrow(terms: Sequence[tuple[int, int]], boxes: list[Box]) -> list[int] | None:
    """What each term may be, given the ends of the others; the places that became narrower, None without a solution."""
    ends = [_ends(boxes[place], factor) for place, factor in terms]
    lows, highs = sum(low for low, _ in ends), sum(high for _, high in ends)
    changed = []
    for (place, factor), (low, high) in zip(terms, ends, strict=True):
        narrower = _inside(boxes[place], factor, -(highs - high), -(lows - low))
        if narrower.low > narrower.high:
            return None
        if narrower != boxes[place]:
            boxes[place] = narrower
            changed.append(place)
    return changed


def _ends(box: Box, factor: int) -> tuple[int, int]:
    return (factor * box.low, factor * box.high) if factor > 0 else (factor * box.high, factor * box.low)


def _inside(box: Box, factor: int, low: int, high: int) -> Box:
    """The whole numbers of the box for which low ≤ factor * number ≤ high."""
    if factor < 0:
        factor, low, high = -factor, -high, -low
    top = high // factor
    return Box(max(box.low, -(-low // factor)), min(box.high, top) if top < NO_LIMIT // 2 else box.high)


def is_limited(box: Box) -> bool:
    """Whether there is a highest count."""
    return box.high < NO_LIMIT // 2


def around(count: int, box: Box) -> Iterable[int]:
    """The other counts of a box, the nearest first."""
    reach = max(count - box.low, box.high - count)
    for distance in range(1, reach + 1):
        if count + distance <= box.high:
            yield count + distance
        if count - distance >= box.low:
            yield count - distance
