"""Whole tables that fit all that is published: a first one, and others near it with another count in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Final

from services.metrics.disclosure.equations import Box, Equations, around, follow, is_limited

STEPS: Final = 400
"""Changes that are tried before a search gives up: what is not found counts as not there, so more is held back."""
TRIES: Final = 8
"""Counts of one cell, the nearest first, that are tried before it is given up."""


class Search:
    """Tables of counts in `boxes` for which all equations hold, near the table `base`, for which they hold too."""

    def __init__(self, equations: Equations, boxes: Sequence[Box], base: Sequence[int]) -> None:
        self._equations, self._boxes, self.base = equations, boxes, base
        self._changed: dict[int, int] = {}
        self._gaps: dict[int, int] = {}
        self._left = 0

    def alternative(self, place: int, count: int) -> dict[int, int] | None:
        """What differs from `base` in a table with this count at this place; None when none was found."""
        self._changed, self._gaps, self._left = {}, {}, STEPS
        self._move(place, count - self.base[place])
        return self._changed if self._settle() else None

    def repair(self) -> dict[int, int] | None:
        """What must differ from `base` for the equations to hold, when they don't yet; None when nothing was found."""
        self._changed, self._gaps, self._left = {}, self._equations.gaps(self.base), STEPS * 10
        return self._changed if self._settle() else None

    def _settle(self) -> bool:
        """Close the gaps one after the other, back and forth; each count is changed at most once."""
        if not self._gaps:
            return True
        row = min(self._gaps, key=lambda each: len(self._equations.rows[each]))
        for _, place, change in self._moves(row):
            if self._left <= 0:
                return False
            self._left -= 1
            self._move(place, change)
            if self._settle():
                return True
            self._take_back(place, change)
        return False

    def _moves(self, row: int) -> list[tuple[int, int, int]]:
        """Changes that narrow the gap of a row, as (gaps it leaves elsewhere, place, change), the least upset first.

        None at all when together they could not close it.
        """
        gap, reach = self._gaps[row], 0
        found = []
        for place, factor in self._equations.rows[row]:
            if place in self._changed or not (change := self._change(place, factor, gap)):
                continue
            reach += abs(factor * change)
            found.append((self._upset(place, change), place, change))
        return sorted(found) if reach >= abs(gap) else []

    def _change(self, place: int, factor: int, gap: int) -> int:
        """The change of one count that closes the gap, or as much of it as its box allows."""
        wished, rest = divmod(-gap, factor)
        if rest and gap * factor < 0:
            wished += 1  # away from 0: what is too much then, another term of the row takes up
        box, count = self._boxes[place], self.base[place]
        return max(box.low, min(box.high, count + wished)) - count

    def _upset(self, place: int, change: int) -> int:
        return sum(1 if self._gaps.get(row, 0) + factor * change else -1 for row, factor in self._equations.at[place])

    def _move(self, place: int, change: int) -> None:
        self._changed[place] = self.base[place] + change
        self._shift(place, change)

    def _take_back(self, place: int, change: int) -> None:
        del self._changed[place]
        self._shift(place, -change)

    def _shift(self, place: int, change: int) -> None:
        for row, factor in self._equations.at[place]:
            gap = self._gaps.pop(row, 0) + factor * change
            if gap:
                self._gaps[row] = gap


def start(equations: Equations, boxes: Sequence[Box], counts: Mapping[str, int]) -> list[int] | None:
    """One count for each name, inside its box and with all equations true; None when none was found.

    `counts` are kept where they fit: a number that was published before a correction may not.
    """
    found = _completed(equations, boxes, [counts.get(name) for name in equations.names])
    fitting = [max(box.low, min(box.high, count)) for count, box in zip(found, boxes, strict=True)]
    changed = Search(equations, boxes, fitting).repair()
    if changed is None:
        return built(equations, boxes, fitting)
    return [changed.get(place, count) for place, count in enumerate(fitting)]


def built(equations: Equations, boxes: Sequence[Box], wished: Sequence[int]) -> list[int] | None:
    """Counts set one after the other as near as possible to those wished, each time with all that follows from it."""
    left = list(boxes)
    if not follow(equations, left, range(len(equations.rows))):
        return None
    for place in sorted(range(len(left)), key=lambda place: left[place].size):
        narrower = _with_one_set(equations, left, place, wished[place])
        if narrower is None:
            return None
        left = narrower
    return [box.low for box in left]


def _with_one_set(equations: Equations, boxes: list[Box], place: int, wished: int) -> list[Box] | None:
    """The boxes with this one count set; None when none of those nearest to what is wished goes with the others."""
    box = boxes[place]
    if box.size == 1:
        return boxes
    nearest = max(box.low, min(box.high, wished))
    for count in islice(chain([nearest], around(nearest, box)), TRIES):
        tried = [*boxes]
        tried[place] = Box(count, count)
        if follow(equations, tried, [row for row, _ in equations.at[place]]):
            return tried
    return None


def _completed(equations: Equations, boxes: Sequence[Box], counts: Sequence[int | None]) -> list[int]:
    """What is not known, from the equations where one alone is missing; else a guess, and on from there."""
    found = list(counts)
    waiting = [place for place, count in enumerate(found) if count is None]
    rows = set(range(len(equations.rows)))
    while waiting:
        while solved := _solve(equations, found, rows):
            rows -= solved
        waiting = [place for place in waiting if found[place] is None]
        if waiting:
            found[waiting[0]] = _guess(boxes[waiting[0]])
    return [count or 0 for count in found]


def _solve(equations: Equations, found: list[int | None], rows: set[int]) -> set[int]:
    """Fill in what follows; the rows with nothing missing any more."""
    done = set()
    for row in rows:
        missing = [(place, factor) for place, factor in equations.rows[row] if found[place] is None]
        if len(missing) == 1:
            [(place, factor)] = missing
            found[place] = -sum(other * (found[at] or 0) for at, other in equations.rows[row] if at != place) // factor
        if len(missing) <= 1:
            done.add(row)
    return done


def _guess(box: Box) -> int:
    return (box.low + box.high) // 2 if is_limited(box) else box.low
