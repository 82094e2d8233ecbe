"""Speakable references: `PIR-4K7-29M`, without the letters and digits that are mistaken for each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

ALPHABET: Final = "234679ACDEFGHJKLMNPQRTUVWXYZ"
"""28 characters: no 0/O, 1/I, 5/S, 8/B."""
COUNT: Final = len(ALPHABET) ** 6
"""481,890,304 references; the table's unique index is what makes one unique."""

_SHAPE: Final = re.compile(rf"(?:PIR)?([{ALPHABET}]{{3}})([{ALPHABET}]{{3}})")
_SEPARATORS: Final = dict.fromkeys(map(ord, " -\u2010\u2011\u2012\u2013\u2014"))
_LONGEST_TYPED: Final = 40


def new_reference(random: Callable[[int], int]) -> str:
    """Make a reference from `random(n)`, a whole number from 0 to n - 1 (`secrets.randbelow` in production)."""
    rest, letters = random(COUNT), ""
    for _ in range(6):
        rest, index = divmod(rest, len(ALPHABET))
        letters += ALPHABET[index]
    return f"PIR-{letters[:3]}-{letters[3:]}"


def parse(text: str) -> str | None:
    """Return the reference as we write it, from what a person typed or said: any case, spaces, no hyphens, no `PIR`."""
    if len(text) > _LONGEST_TYPED:
        return None
    compact = text.translate(_SEPARATORS)
    found = _SHAPE.fullmatch(compact.upper()) if compact.isascii() else None
    return f"PIR-{found[1]}-{found[2]}" if found else None
