"""The proof that a count can't be worked out: other tables that look the same, with other counts in its place.

Bounds alone would not do: in crossing sums (months by wards) they can leave room where whole numbers have none. Each
table found here is a solution of all that is published, so that no attack, however clever, can rule it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Final

from services.metrics.disclosure.equations import Box, Equations, Term, around, tightened
from services.metrics.disclosure.search import Search, built, start
from services.metrics.reports.model import WITHHELD, Shown

FEWEST: Final = 3
"""So many different counts must be possible wherever there is one: 2 would say "one or two families"."""
NO_LIMITS: Final[Mapping[str, Box]] = MappingProxyType({})
TRIES: Final = 8
"""So many other counts of a cell are looked for: all that a number held back by the HES rule may be."""


class Proof:
    """The counts found possible for each cell; they stay so when more is held back.

    `known` is what is published to begin with, `limits` what else is; `counts` the exact numbers, where they are known.
    """

    def __init__(
        self,
        terms: Sequence[Sequence[Term]],
        counts: Mapping[str, int],
        known: Mapping[str, Shown],
        *,
        limits: Mapping[str, Box] = NO_LIMITS,
        fewest: int = FEWEST,
    ) -> None:
        self._limits, self._fewest = limits, fewest
        equations = Equations(terms)
        boxes, contradicting = tightened(equations, self._boxes(equations, known))
        self._equations = equations.without(contradicting) if contradicting else equations
        self._base = start(self._equations, boxes, counts)
        self._found = [{count} for count in self._base or ()]

    @property
    def names(self) -> list[str]:
        return self._equations.names

    @property
    def has_begun(self) -> bool:
        """Whether one table was found that fits: without, nothing can be proven."""
        return self._base is not None

    def unproven(self, known: Mapping[str, Shown], names: Iterable[str], *, is_quick: bool = False) -> list[str]:
        """Those for which fewer than `fewest` counts were found possible under `known`; never one whose count is 0.

        A quick look changes the first table step by step; the other builds whole tables where that is not enough.
        """
        if self._base is None:
            return list(names)
        boxes, _ = tightened(self._equations, self._boxes(self._equations, known))
        search = Search(self._equations, boxes, self._base)
        looks = [lambda place, count: search.alternative(place, count) or {}]
        if not is_quick:
            looks.append(lambda place, count: self._built(boxes, place, count))
        places = [self._equations.place[name] for name in names]
        for look in looks:
            places = [place for place in places if not self._is_proven(place, boxes[place], look)]
        return [self._equations.names[place] for place in places]

    def _is_proven(self, place: int, box: Box, look: Callable[[int, int], Mapping[int, int]]) -> bool:
        base, found = self._base_at(place), self._found[place]
        if base == 0:
            return True
        for count in islice(around(base, box), TRIES):
            if len(found) >= self._fewest:
                return True
            if count not in found:
                for changed, other in look(place, count).items():
                    self._found[changed].add(other)
        return len(found) >= self._fewest

    def _built(self, boxes: Sequence[Box], place: int, count: int) -> dict[int, int]:
        """A whole table with this count at this place, by place; empty when none was found."""
        fixed = [*boxes]
        fixed[place] = Box(count, count)
        return dict(enumerate(built(self._equations, fixed, self._base or ()) or ()))

    def _base_at(self, place: int) -> int:
        return self._base[place] if self._base else 0

    def _boxes(self, equations: Equations, known: Mapping[str, Shown]) -> list[Box]:
        return [self._limits.get(name) or Box.of(known.get(name, WITHHELD)) for name in equations.names]
