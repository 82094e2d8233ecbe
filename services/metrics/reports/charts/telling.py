"""What a picture shows, in words: parts of the description that a screen reader says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.metrics.reports.model import Shown

SOME: Final = 5
"""Longer lists are counted, not read out."""


def joined(names: Sequence[str]) -> str:
    """`one, two and three`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def listing(what: str, names: Sequence[str]) -> str:
    """`Targets met: A and B.`; the number of them when they are many, nothing when there are none."""
    if not names:
        return ""
    return f"{what}: {joined(names) if len(names) <= SOME else len(names)}."


def held_back(rows: Sequence[tuple[str, Shown]]) -> str:
    """Which names have no number."""
    return listing("Without a number", [name for name, shown in rows if shown.value is None])
