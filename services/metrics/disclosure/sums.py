"""The sums that tie published counts together, and what follows from them by bounds alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.metrics.disclosure.equations import Box, Equations, is_limited, tightened
from services.metrics.reports.model import WITHHELD, Shown


@dataclass(frozen=True, slots=True)
class Sum:
    """`total` is the sum of `parts`. A name that no published cell has is a hidden quantity, 0 or more.

    Raises ValueError for one that names a cell twice: no count is a part of itself.
    """

    total: str
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if len({self.total, *self.parts}) != len(self.parts) + 1:
            raise ValueError(f"the sum of {self.total} names a cell twice")

    @property
    def names(self) -> tuple[str, ...]:
        return (self.total, *self.parts)

    @property
    def terms(self) -> tuple[tuple[str, int], ...]:
        """Each name with what it is multiplied by, so that all together make 0."""
        return ((self.total, 1), *((part, -1) for part in self.parts))


def cell_of(column: str, dimension: str, category: str) -> str:
    """The name of the count in a breakdown: `received/ward/E05012275`."""
    return f"{column}/{dimension}/{category}"


def bounds(shown: Mapping[str, Shown], sums: Sequence[Sum]) -> dict[str, tuple[int, int | None]]:
    """Name → the lowest and the highest count that it may be, None without a limit; hidden quantities as well.

    An outer bound: no count outside is possible, but not every one inside need be. A sum that contradicts those before
    it (a number was corrected in between) is left out.
    """
    equations = Equations([each.terms for each in sums], shown)
    boxes, _ = tightened(equations, [Box.of(shown.get(name, WITHHELD)) for name in equations.names])
    limits = zip(equations.names, boxes, strict=True)
    return {name: (box.low, box.high if is_limited(box) else None) for name, box in limits}


def connected(sums: Iterable[Sum]) -> list[list[Sum]]:
    """The sums in groups that share no name: what is published in one says nothing about another."""
    groups: dict[str, list[Sum]] = {}
    for each in sums:
        joined = [each]
        for group in {id(groups[name]): groups[name] for name in each.names if name in groups}.values():
            joined = [*group, *joined]
        groups |= {name: joined for member in joined for name in member.names}
    return list({id(group): group for group in groups.values()}.values())
