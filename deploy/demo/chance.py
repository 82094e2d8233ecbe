"""What chance gives the invented: choices, shares, ids, references. The same seed gives the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from random import Random
from typing import Final, TypeVar
from uuid import UUID

T = TypeVar("T")
Weighed = Sequence[tuple[T, float]]
"""Choices, each with its weight."""

ALPHABET: Final = "234679ACDEFGHJKLMNPQRTUVWXYZ"
"""The letters and digits of references."""
_REFERENCES: Final = len(ALPHABET) ** 6
_STEP: Final = 257_885_161
"""A prime: stepping by it visits every reference before any comes again."""
_RANDOM_BITS: Final = 74


class Chance:
    """One stream of chance. No clock and no other chance is asked."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def happens(self, share: float) -> bool:
        """Tell whether something that happens in this share (0 to 1) of cases does."""
        return self.random.random() < share

    def share(self) -> float:
        """Any number from 0 to 1, 1 left out."""
        return self.random.random()

    def of(self, choices: Sequence[T]) -> T:
        return choices[int(self.random.random() * len(choices))]

    def weighed(self, choices: Weighed[T]) -> T:
        left = self.random.random() * sum(weight for _, weight in choices)
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][0]

    def some(self, choices: Sequence[T], least: int, most: int) -> list[T]:
        """Between `least` and `most` different ones, in their own order."""
        places = sorted(self.random.sample(range(len(choices)), self.between(least, min(most, len(choices)))))
        return [choices[place] for place in places]

    def between(self, least: int, most: int) -> int:
        """A whole number; both ends are in."""
        return least + int(self.random.random() * (most - least + 1))

    def around(self, mean: float, spread: float) -> float:
        """Normally distributed."""
        return self.random.gauss(mean, spread)

    def wait(self, mean: float) -> float:
        """How long until something that comes by chance: often short, seldom long."""
        return self.random.expovariate(1 / mean)

    def count(self, mean: float) -> int:
        """How many of something that comes by chance."""
        return max(0, round(self.random.gauss(mean, mean**0.5)))

    def id(self, at: datetime) -> UUID:
        """A UUIDv7 of that moment."""
        milliseconds = int(at.timestamp() * 1000)
        bits = self.random.getrandbits(_RANDOM_BITS)
        high, low = bits >> 62, bits & ((1 << 62) - 1)
        return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0x2 << 62 | low)


def references(chance: Chance) -> Iterator[str]:
    """`PIR-4K7-29M`, never the same twice."""
    place = chance.between(0, _REFERENCES - 1)
    while True:
        place = (place + _STEP) % _REFERENCES
        rest, letters = place, ""
        for _ in range(6):
            rest, letter = divmod(rest, len(ALPHABET))
            letters += ALPHABET[letter]
        yield f"PIR-{letters[:3]}-{letters[3:]}"
