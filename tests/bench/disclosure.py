"""`python -m tests.bench.disclosure`: how much disclosure control holds back of random months, and how long it takes."""

from __future__ import annotations

import time
from random import Random
from statistics import mean

from services.metrics.disclosure import publish, rounded, verdicts
from services.metrics.reports.model import Mark, Verdict
from tests.counted import TARGETS, a_month

MONTHS = 200


def main() -> None:
    """Print a line for each size of month: counted over MONTHS random ones, the same in every run but for the times."""
    print(f"{MONTHS} random months each: seven breakdowns of four columns, 25 agencies, four shares.")
    print("families  cells  of them [c]  [w] a month  months with [w]  numbers lost a month  unsaid  ms mean  ms most")
    for families in (5, 12, 25, 45, 80, 200, 1000):
        _measure(Random(families), families)


def _measure(chance: Random, families: int) -> None:
    cells, small, unsaid = 0, [], 0
    withheld: list[int] = []
    lost: list[int] = []
    spent: list[float] = []
    for _ in range(MONTHS):
        counts, sums = a_month(chance, families)
        begun = time.perf_counter()
        shown = publish(counts, sums)
        answers = verdicts(counts, sums, TARGETS, shown=shown)
        spent.append((time.perf_counter() - begun) * 1000)
        held_back = [name for name, number in shown.items() if number.mark is Mark.WITHHELD]
        cells = len(counts)
        small.append(sum(number.mark is Mark.SMALL for number in shown.values()))
        withheld.append(len(held_back))
        lost.append(sum(bool(rounded(counts[name]).value) for name in held_back))
        unsaid += sum(answer is Verdict.UNSAID for answer in answers.values())
    print(
        f"{families:8}  {cells:5}  {mean(small):11.0f}  {mean(withheld):11.2f}  {sum(map(bool, withheld)) / MONTHS:15.1%}"
        f"  {mean(lost):20.3f}  {unsaid / MONTHS / len(TARGETS):6.1%}  {mean(spent):7.0f}  {max(spent):7.0f}"
    )


if __name__ == "__main__":
    main()
