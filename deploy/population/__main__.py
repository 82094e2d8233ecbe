"""Check population files before they are used: `python -m deploy.population check [FILE...]`, all without a name.

One sentence for each mistake, and exit status 1. Warnings, for numbers that are invented and dimensions that are not
there, leave the status at 0.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.metrics.codes import WITH_UNDER_TWOS
from services.metrics.population import InvalidPopulationError, Population, load_file
from shared.policy import load_all

POPULATIONS: Final = Path(__file__).parent
POLICIES: Final = Path(__file__).parents[1] / "policies"
USAGE: Final = "usage: python -m deploy.population check [FILE...]"


def warnings(population: Population) -> Iterator[str]:
    """What a person should know before relying on the file, though it can be used."""
    every = {"total": population.whole, **population.dimensions}
    if invented := [name for name, each in every.items() if each.is_invented]:
        yield f"invented, to be replaced before live use: {', '.join(invented)}"
    if missing := [name for name in WITH_UNDER_TWOS if name not in population.dimensions]:
        yield f"not there, so nothing is compared by: {', '.join(missing)}"


def check(path: Path) -> bool:
    """Print what is wrong with one file; tell whether it can be used. Its wards are held against the policies."""
    own = [policy for policy in load_all(POLICIES).values() if policy.authority == path.stem]
    if not own:
        print(f"{path} is not a usable population file:\n  no policy is for an authority {path.stem!r}")
        return False
    wards = dict.fromkeys(code for policy in own for code in policy.ward_by_code)
    try:
        population = load_file(path, wards=wards)
    except InvalidPopulationError as error:
        print(error)
        return False
    print(f"{path} can be used: {population.total} children under two")
    print(*[f"  warning: {warning}\n" for warning in warnings(population)], sep="", end="")
    return True


def main(arguments: list[str]) -> int | str:
    """Check each file; returns the exit status, or how the command is used."""
    if arguments[:1] != ["check"]:
        return USAGE
    paths = [Path(name) for name in arguments[1:]] or sorted(POPULATIONS.glob("*.csv"))
    failed = [path for path in paths if not check(path)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
