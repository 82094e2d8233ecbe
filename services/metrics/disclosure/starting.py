"""A first table that fits all that is published: the true one, completed where counts are not known any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import Final

from services.metrics.disclosure.alternatives import Search
from services.metrics.disclosure.ties import Box, Ties, around, follow, is_limited

TRIES: Final = 8


def start(ties: Ties, boxes: Sequence[Box], counts: Mapping[str, int]) -> list[int] | None:
    """One count for each name, inside its box and with all equations true; None when none was found.

    `counts` are kept where they fit: a number that was published before a correction may not.
    """
    found = _completed(ties, boxes, [counts.get(name) for name in ties.names])
    fitting = [max(box.low, min(box.high, count)) for count, box in zip(found, boxes, strict=True)]
    changed = Search(ties, boxes, fitting).repair()
    if changed is None:
        return built(ties, boxes, fitting)
    return [changed.get(place, count) for place, count in enumerate(fitting)]


def built(ties: Ties, boxes: Sequence[Box], wished: Sequence[int]) -> list[int] | None:
    """Counts set one after the other as near as possible to those wished, each time with all that follows from it."""
    left = list(boxes)
    if not follow(ties, left, range(len(ties.rows))):
        return None
    for place in sorted(range(len(left)), key=lambda place: left[place].size):
        narrower = _with_one_set(ties, left, place, wished[place])
        if narrower is None:
            return None
        left = narrower
    return [box.low for box in left]


def _with_one_set(ties: Ties, boxes: list[Box], place: int, wished: int) -> list[Box] | None:
    """The boxes with this one count set; None when none of those nearest to what is wished goes with the others."""
    box = boxes[place]
    if box.size == 1:
        return boxes
    nearest = max(box.low, min(box.high, wished))
    for count in islice(chain([nearest], around(nearest, box)), TRIES):
        tried = [*boxes]
        tried[place] = Box(count, count)
        if follow(ties, tried, [row for row, _ in ties.at[place]]):
            return tried
    return None


def _completed(ties: Ties, boxes: Sequence[Box], counts: Sequence[int | None]) -> list[int]:
    """What is not known, from the equations where one alone is missing; else a guess, and on from there."""
    found = list(counts)
    waiting = [place for place, count in enumerate(found) if count is None]
    rows = set(range(len(ties.rows)))
    while waiting:
        while solved := _solve(ties, found, rows):
            rows -= solved
        waiting = [place for place in waiting if found[place] is None]
        if waiting:
            found[waiting[0]] = _guess(boxes[waiting[0]])
    return [count or 0 for count in found]


def _solve(ties: Ties, found: list[int | None], rows: set[int]) -> set[int]:
    """Fill in what follows; the rows with nothing missing any more."""
    done = set()
    for row in rows:
        missing = [(place, factor) for place, factor in ties.rows[row] if found[place] is None]
        if len(missing) == 1:
            [(place, factor)] = missing
            found[place] = -sum(other * (found[at] or 0) for at, other in ties.rows[row] if at != place) // factor
        if len(missing) <= 1:
            done.add(row)
    return done


def _guess(box: Box) -> int:
    return (box.low + box.high) // 2 if is_limited(box) else box.low
