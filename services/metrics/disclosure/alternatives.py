"""Another table that looks the same from outside: found by changing one count and settling what that upsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.metrics.disclosure.ties import Box, Ties

STEPS: Final = 400
"""Changes that are tried before a search gives up: what is not found counts as not there, so more is held back."""


class Search:
    """Tables of counts in `boxes` for which all equations hold, near the table `base`, for which they hold too."""

    def __init__(self, ties: Ties, boxes: Sequence[Box], base: Sequence[int]) -> None:
        self._ties, self._boxes, self.base = ties, boxes, base
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
        self._changed, self._gaps, self._left = {}, self._ties.gaps(self.base), STEPS * 10
        return self._changed if self._settle() else None

    def _settle(self) -> bool:
        """Close the gaps one after the other, back and forth; each count is changed at most once."""
        if not self._gaps:
            return True
        row = min(self._gaps, key=lambda each: len(self._ties.rows[each]))
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
        for place, factor in self._ties.rows[row]:
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
        return sum(1 if self._gaps.get(row, 0) + factor * change else -1 for row, factor in self._ties.at[place])

    def _move(self, place: int, change: int) -> None:
        self._changed[place] = self.base[place] + change
        self._shift(place, change)

    def _take_back(self, place: int, change: int) -> None:
        del self._changed[place]
        self._shift(place, -change)

    def _shift(self, place: int, change: int) -> None:
        for row, factor in self._ties.at[place]:
            gap = self._gaps.pop(row, 0) + factor * change
            if gap:
                self._gaps[row] = gap
