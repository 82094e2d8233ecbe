"""What the lines of a population file have to be together: listed once, complete, and adding up to the total."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from services.metrics.codes import CARER, WARD
from services.metrics.population.codes import TOTAL
from services.metrics.population.lines import PopulationLine


def mistakes_twice(lines: Sequence[PopulationLine]) -> Iterator[str]:
    """Categories that stand in the file more than once."""
    for (dimension, code), times in Counter((line.dimension, line.code) for line in lines).items():
        if times > 1:
            yield f"{dimension} {code} is there {times} times"


def mistakes_in_sums(lines: Sequence[PopulationLine], *, wards: Collection[str] | None) -> Iterator[str]:
    """Dimensions that do not fit the total. All lines are readable; a category is there once."""
    if (total := sum(line.count for line in lines if line.dimension == TOTAL)) < 1:
        yield "there has to be one line with dimension total and code total, and children in it"
        return
    counts: dict[str, dict[str, int]] = {}
    for line in lines:
        counts.setdefault(line.dimension, {})[line.code] = line.count
    for dimension, by_code in counts.items():
        yield from _carers(by_code, total) if dimension == CARER else _parts(dimension, by_code, total)
    if WARD in counts and (missing := [ward for ward in wards or () if ward not in counts[WARD]]):
        yield f"ward: these wards are missing: {', '.join(missing)}"


def _parts(dimension: str, by_code: dict[str, int], total: int) -> Iterator[str]:
    if (found := sum(by_code.values())) != total:
        yield f"{dimension}: its lines add up to {found}, but the total is {total}"


def _carers(by_code: dict[str, int], total: int) -> Iterator[str]:
    """A child counts once for each of its carers: no carer has more than all children, together they have them all."""
    for code, count in by_code.items():
        if count > total:
            yield f"{CARER} {code}: {count} children are more than the total of {total}"
    if (found := sum(by_code.values())) < total:
        yield f"{CARER}: its lines add up to {found}, less than the total of {total}: some child has no carer"
