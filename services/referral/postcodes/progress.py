"""How far a load is, in a line every few seconds: rows, per cent of the file, seconds left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

EVERY_SECONDS: Final = 3.0
EVERY_ROWS: Final = 20_000
"""The clock is asked only now and then: a row takes microseconds."""


class Progress:
    """`position` of `size` bytes are read; `clock` counts seconds, `tell` shows a line."""

    def __init__(
        self, size: int, position: Callable[[], int], *, clock: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        self._size = max(size, 1)
        self._position = position
        self._clock = clock
        self._tell = tell
        self._began = self._told_at = clock()

    def at(self, rows: int) -> None:
        """Say where it stands, if it is time."""
        now = self._clock()
        if now - self._told_at < EVERY_SECONDS:
            return
        self._told_at = now
        share = min(self._position() / self._size, 1.0)
        left = (now - self._began) * (1 - share) / share if share else 0.0
        self._tell(f"{rows:>10,} rows  {share:>4.0%}  about {left:.0f} s left")
