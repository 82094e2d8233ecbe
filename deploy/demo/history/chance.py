"""What chance gives an invented history: choices, shares and ids. The same seed gives the same."""

from __future__ import annotations

from collections.abc import Sequence
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

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  an invented history, no secret
        self._references = self._random.randrange(_REFERENCES)

    def happens(self, share: float) -> bool:
        """Tell whether something that happens in this share (0 to 1) of cases does."""
        return self._random.random() < share

    def share(self) -> float:
        """Any number from 0 to 1, 1 left out."""
        return self._random.random()

    def of(self, choices: Sequence[T]) -> T:
        return choices[int(self._random.random() * len(choices))]

    def weighed(self, choices: Weighed[T]) -> T:
        left = self._random.random() * sum(weight for _, weight in choices)
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][0]

    def some(self, choices: Sequence[T], least: int, most: int) -> tuple[T, ...]:
        """Between `least` and `most` different ones, in their own order."""
        places = sorted(self._random.sample(range(len(choices)), self.between(least, min(most, len(choices)))))
        return tuple(choices[place] for place in places)

    def between(self, least: int, most: int) -> int:
        """A whole number; both ends are in."""
        return least + int(self._random.random() * (most - least + 1))

    def around(self, mean: float, spread: float) -> float:
        """Normally distributed."""
        return self._random.gauss(mean, spread)

    def wait(self, mean: float) -> float:
        """How long until something that comes by chance: often short, seldom long."""
        return self._random.expovariate(1 / mean)

    def count(self, mean: float) -> int:
        """How many of something that comes by chance."""
        return max(0, round(self._random.gauss(mean, mean**0.5)))

    def id(self, at: datetime) -> UUID:
        """A UUIDv7 of that moment."""
        milliseconds = int(at.timestamp() * 1000)
        bits = self._random.getrandbits(_RANDOM_BITS)
        high, low = bits >> 62, bits & ((1 << 62) - 1)
        return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0x2 << 62 | low)

    def reference(self) -> str:
        """`PIR-4K7-29M`, never the same twice."""
        self._references = (self._references + _STEP) % _REFERENCES
        rest, letters = self._references, ""
        for _ in range(6):
            rest, place = divmod(rest, len(ALPHABET))
            letters += ALPHABET[place]
        return f"PIR-{letters[:3]}-{letters[3:]}"
