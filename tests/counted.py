"""Counts as a month has them: totals, breakdowns that share them, parts of parts, shares; for disclosure control."""

from collections.abc import Sequence
from random import Random

from services.metrics.disclosure import Share, Sum

Counted = tuple[dict[str, int], tuple[Sum, ...]]
"""Counts by name, and the sums that tie them."""

DIMENSIONS = {"source": 12, "ward": 22, "tier": 7, "carer": 7, "mother": 7, "father": 7, "baby": 7}
COLUMNS = {"received": 1.0, "accepted": 0.7, "declined": 0.08, "withdrawn": 0.05}
AGENCIES = 25
SHARES = {"acknowledged": 0.99, "seen": 0.95, "decided": 0.9, "asked": 0.6}
TARGETS = {code: Share(code, "received", target) for code, target in SHARES.items()}


def a_table(total: str, parts: Sequence[int], dimension: str = "row") -> Counted:
    """`total` with these parts, named `total/dimension/0` and so on."""
    names = [f"{total}/{dimension}/{place}" for place in range(len(parts))]
    return {total: sum(parts), **dict(zip(names, parts, strict=True))}, (Sum(total, tuple(names)),)


def together(*several: Counted) -> Counted:
    """All of them as one; what they share must be the same in each."""
    counts: dict[str, int] = {}
    for each, _ in several:
        assert all(counts.get(name, count) == count for name, count in each.items())
        counts |= each
    return counts, tuple(sum_ for _, sums in several for sum_ in sums)


def scattered(chance: Random, families: int, rows: int) -> list[int]:
    """So many families over rows of very different size, as wards and agencies are."""
    weights = [chance.random() ** 3 + 0.001 for _ in range(rows)]
    counts = [0] * rows
    for row in chance.choices(range(rows), weights, k=families):
        counts[row] += 1
    return counts


def a_month(chance: Random, families: int) -> Counted:
    """A contract report's counts, some 340 of them: seven breakdowns of four columns, agencies, shares."""
    columns = {code: round(families * share) for code, share in COLUMNS.items()}
    tables = [
        a_table(column, scattered(chance, count, rows), dimension)
        for dimension, rows in DIMENSIONS.items()
        for column, count in columns.items()
    ]
    return together(*tables, _agencies(chance, families), *(_share(chance, code, families) for code in SHARES))


def _agencies(chance: Random, families: int) -> Counted:
    received = scattered(chance, families, AGENCIES)
    incomplete = [sum(chance.random() < 0.2 for _ in range(count)) for count in received]
    within = (
        {},
        tuple(
            Sum(f"received/agency/{place}", (f"incomplete/agency/{place}", f"whole/{place}"))
            for place in range(AGENCIES)
        ),
    )
    return together(a_table("received", received, "agency"), a_table("incomplete", incomplete, "agency"), within)


def _share(chance: Random, code: str, families: int) -> Counted:
    reached = sum(chance.random() < SHARES[code] for _ in range(families))
    return {code: reached, "received": families}, (Sum("received", (code, f"{code}/missed")),)


def months_and_half_year(
    chance: Random, families: int, *, wards: int = 8, months: int = 6
) -> tuple[list[Counted], Counted]:
    """Months by ward, and the half-year that they make, by ward as well: `month/0/ward/3`, `half/ward/3`."""
    parts = [scattered(chance, chance.randint(families // 2, families * 2), wards) for _ in range(months)]
    each = [a_table(f"month/{number}", counts, "ward") for number, counts in enumerate(parts)]
    half = a_table("half", [sum(counts) for counts in zip(*parts, strict=True)], "ward")
    links = tuple(
        Sum(f"half/ward/{ward}", tuple(f"month/{number}/ward/{ward}" for number in range(months)))
        for ward in range(wards)
    )
    over = (Sum("half", tuple(f"month/{number}" for number in range(months))),)
    return each, together(half, ({}, links + over))
