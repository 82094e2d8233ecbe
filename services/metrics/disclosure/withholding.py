"""What is published of counts that hang together: the HES rule for all, then more held back until nothing tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from services.metrics.disclosure.proof import FEWEST, Proof
from services.metrics.disclosure.rounding import range_of, rounded
from services.metrics.disclosure.sums import Sum, bounds, connected
from services.metrics.reports.model import WITHHELD, Mark, Shown

NOTHING_YET: Final[Mapping[str, Shown]] = MappingProxyType({})
CANDIDATES: Final = 24
"""So many ways of holding back one more are tried, the cheapest first, before the cheapest is taken anyway."""


def publish(
    counts: Mapping[str, int], sums: Sequence[Sum], *, before: Mapping[str, Shown] = NOTHING_YET
) -> dict[str, Shown]:
    """What to publish of each count, so that for each of 1 or more at least FEWEST different counts stay possible.

    That holds for whoever adds and subtracts all that is published with all `sums`, also for hidden quantities that
    only the sums name. `before` is already published and can't change any more: it is given back as it is, and what
    follows from it alone can't be helped. Give its counts too where they are known: without them a table that fits
    has to be made up first, and a correction since then may leave none. Then all that hangs together is withheld.

    Raises ValueError for counts that do not add up, or below 0.
    """
    _check(counts, sums, before)
    told = {name: shown for name, shown in before.items() if not _is_stale(name, shown, counts)}
    published = {name: rounded(count) for name, count in counts.items() if name not in before} | told
    for group in connected(sums):
        published |= _protected(group, counts, published, told)
    return {name: before.get(name) or published[name] for name in counts}


def _is_stale(name: str, shown: Shown, counts: Mapping[str, int]) -> bool:
    """Whether the count was corrected since it was published: what was said then is not said of what it is now."""
    possible = range_of(shown)
    return name in counts and not possible.low <= counts[name] <= possible.high


def _check(counts: Mapping[str, int], sums: Sequence[Sum], before: Mapping[str, Shown]) -> None:
    for each in sums:
        is_exact = all(name in counts and name not in before for name in each.names)
        if is_exact and counts[each.total] != sum(counts[part] for part in each.parts):
            raise ValueError(f"the parts of {each.total} do not add up to it")


def _protected(
    group: Sequence[Sum], counts: Mapping[str, int], published: Mapping[str, Shown], before: Mapping[str, Shown]
) -> dict[str, Shown]:
    """The cells of a group that are held back after all."""
    known = dict(published)
    proof = Proof([each.terms for each in group], counts, known)
    ours = {name for name in proof.names if name in counts and name in published and name not in before}
    if not proof.has_begun:
        return {name: WITHHELD for name in ours if counts[name]}
    given_away = _given_away(group, before)
    in_danger = proof.unproven(known, [name for name in proof.names if name not in given_away])
    while in_danger and (held_back := _cheapest(in_danger[0], group, ours, known, proof)):
        known |= dict.fromkeys(held_back, WITHHELD)
        in_danger = proof.unproven(known, in_danger)
    return {name: known[name] for name in ours}


def _given_away(group: Sequence[Sum], before: Mapping[str, Shown]) -> set[str]:
    """What `before` alone tells: nothing that is held back now could help."""
    limits = bounds({name: before[name] for each in group for name in each.names if name in before}, group)
    return {name for name, (low, high) in limits.items() if high is not None and high - low + 1 < FEWEST}


def _cheapest(
    pinned: str, group: Sequence[Sum], ours: set[str], known: Mapping[str, Shown], proof: Proof
) -> tuple[str, ...]:
    """What to hold back next: the first choice that ends the danger, else the first; empty when nothing is left."""
    found = list(suppression_candidates(pinned, group, ours, known))
    for names in found[:CANDIDATES]:
        if not proof.unproven({**known, **dict.fromkeys(names, WITHHELD)}, [pinned], is_quick=True):
            return names
    return found[0] if found else ()


def suppression_candidates(
    pinned: str, group: Sequence[Sum], ours: set[str], known: Mapping[str, Shown]
) -> Iterator[tuple[str, ...]]:
    """What could be held back to end a danger, the least loss first: sets of cells among `ours`.

    All parts of one sum that show no number; these with one number; any one cell. Told from what is published, never
    from exact counts: otherwise the choice itself would tell something about them.

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
