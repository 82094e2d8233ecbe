"""Whether a target was met: told from exact numbers, as long as the answer gives none of them away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from services.metrics.disclosure.equations import Box, Term
from services.metrics.disclosure.proof import Proof
from services.metrics.disclosure.rounding import NO_LIMIT, range_of
from services.metrics.disclosure.sums import Sum
from services.metrics.reports.model import RANGE, Mark, Shown, Verdict

STILL_POSSIBLE: Final = 2
"""So many different counts must be possible after an answer: it may narrow what is published, not end in one."""


@dataclass(frozen=True, slots=True)
class Share:
    """The names of two counts, the first a part of the second, and the target for the share, 0 to 1."""

    numerator: str
    denominator: str
    target: float


def verdict(numerator: int, denominator: int, *, shown: tuple[Shown, Shown], target: float) -> Verdict:
    """Whether numerator / denominator reaches the target exactly, `shown` being the two as they are published.

    UNSAID where there is nothing to count, where one is withheld, and where either answer would leave only one possible
    numerator, denominator or number missed (other than 0): decided by what is published alone, so that leaving it
    unsaid does not answer either.
    """
    if denominator == 0 or any(each.value is None and each.mark is not Mark.SMALL for each in shown):
        return Verdict.UNSAID
    share = Fraction(str(target))
    met, missed = _pairs(shown, share)
    if _pins(met, shown) or _pins(missed, shown):
        return Verdict.UNSAID
    return Verdict.MET if numerator >= share * denominator else Verdict.MISSED


def _pairs(shown: tuple[Shown, Shown], share: Fraction) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """All (numerator, denominator) that may be behind the two: those that reach the share, those that don't."""
    numerators, denominators = (range_of(each) for each in shown)
    pairs = [
        (n, d)
        for d in range(denominators.low, denominators.high + 1)
        for n in range(numerators.low, min(numerators.high, d) + 1)
    ]
    return [(n, d) for n, d in pairs if n >= share * d], [(n, d) for n, d in pairs if n < share * d]


def _pins(pairs: Iterable[tuple[int, int]], shown: tuple[Shown, Shown]) -> bool:
    """Whether these pairs leave one count for something that was open; a count of 0 singles nobody out."""
    found = list(pairs)
    left = [{n for n, _ in found}, {d for _, d in found}, {d - n for n, d in found}]
    is_open = [shown[0].value != 0, True, True]
    return any(was_open and len(each) == 1 and each != {0} for each, was_open in zip(left, is_open, strict=True))


def beside_verdict(value: Shown, answer: Verdict | None, target: float | None) -> Shown:
    """The per cent, or RANGE where it lies on the other side of the target than the answer, told from exact numbers.

    It follows from what is published, the per cent's two numbers and the answer, and so tells nothing more. The target
    counts as it is shown: in per cent with two decimals.
    """
    if value.value is None or target is None or answer not in {Verdict.MET, Verdict.MISSED}:
        return value
    return value if (value.value >= round(100 * target, 2)) is (answer is Verdict.MET) else RANGE


def verdicts(
    counts: Mapping[str, int], sums: Sequence[Sum], shares: Mapping[str, Share], *, shown: Mapping[str, Shown]
) -> dict[str, Verdict]:
    """The answers by the keys of `shares`, each as `verdict` gives it, but safe all together and with all `sums`.

    Answers are given in order; one that would, with those before it, leave one count only for any cell stays UNSAID.
    `shown` is what `publish` gave, with what it was given as `before`.
    """
    answers = {
        key: verdict(
            counts[share.numerator],
            counts[share.denominator],
            shown=(shown[share.numerator], shown[share.denominator]),
            target=share.target,
        )
        for key, share in shares.items()
    }
    said: dict[str, Verdict] = {key: answer for key, answer in answers.items() if answer != Verdict.UNSAID}
    in_danger = _in_danger({}, counts, sums, shares, shown)
    if _in_danger(said, counts, sums, shares, shown) - in_danger:
        safe: dict[str, Verdict] = {}
        for key, answer in said.items():
            if not _in_danger({**safe, key: answer}, counts, sums, shares, shown) - in_danger:
                safe[key] = answer
        said = safe
    return {key: said.get(key, Verdict.UNSAID) for key in shares}


def _in_danger(
    said: Mapping[str, Verdict],
    counts: Mapping[str, int],
    sums: Sequence[Sum],
    shares: Mapping[str, Share],
    shown: Mapping[str, Shown],
) -> set[str]:
    """The names for which too few counts are left by all sums and these answers."""
    equations: list[Sequence[Term]] = [each.terms for each in sums]
    known, limits = dict(counts), {}
    for key, answer in said.items():
        share, spare = shares[key], f"{key}/spare"
        terms, least = _answer(share, answer, spare)
        equations.append(terms)
        limits[spare] = Box(least, NO_LIMIT)
        known[spare] = sum(factor * counts[name] for name, factor in terms if name != spare)
    proof = Proof(equations, known, shown, limits=limits, fewest=STILL_POSSIBLE)
    return set(proof.unproven(shown, [name for name in proof.names if name not in limits]))


def _answer(share: Share, answer: Verdict, spare: str) -> tuple[tuple[Term, ...], int]:
    """An answer as an equation with something to spare, and the least of that.

    Met: q * numerator - p * denominator = spare, 0 or more, for a target p/q; missed: the other way round, 1 or more.
    """
    target = Fraction(str(share.target))
    sign = 1 if answer is Verdict.MET else -1
    terms = (
        (share.numerator, sign * target.denominator),
        (share.denominator, -sign * target.numerator),
        (spare, -1),
    )
    return terms, 0 if sign > 0 else 1
