"""A later version beside an earlier one: whoever has both must not learn more than from each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.metrics.disclosure.rounding import rounded
from services.metrics.disclosure.sums import Sum
from services.metrics.reports.model import WITHHELD, ZERO, Shown


def beside(
    earlier: Mapping[str, Shown], counts: Mapping[str, int], sums: Sequence[Sum]
) -> tuple[dict[str, Shown], tuple[Sum, ...]]:
    """What `publish` takes as `before` and as sums for the counts of a later version, `earlier` being the one before.

    A number that the HES rule would show as it was shown stays so, and what was withheld stays withheld. The earlier
    numbers of all others go along under a name of their own, with the earlier sums. A part of an earlier table that
    was not listed in it was 0.
    """
    before = {name: shown for name, shown in earlier.items() if name in counts and _is_same(shown, counts[name])}
    old: dict[str, str] = {}
    more: list[Sum] = []
    for each in sums:
        if each.total not in earlier:
            continue
        for name in each.names:
            if name not in before and (name in earlier or name in counts):
                old[name] = f"{name}/earlier"
                before[old[name]] = earlier.get(name, ZERO)
            elif name not in counts:
                old[name] = f"{name}/earlier"
        more.append(Sum(old.get(each.total, each.total), tuple(old.get(part, part) for part in each.parts)))
    return before, (*sums, *(each for each in more if any(name not in counts for name in each.names)))


def _is_same(shown: Shown, count: int) -> bool:
    return shown in (WITHHELD, rounded(count))
