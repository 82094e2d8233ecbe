"""Whether PostgreSQL had room for what this process wrote last: a full server answers reads, so only writes know."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from shared.errors import is_disk_full

FULL_SECONDS: Final = 15.0
"""So long after a write that found no room nobody is sent here; then it is tried again."""


@dataclass
class Room:
    """`note` takes the failures of writes, of whatever kind."""

    _missed_at: float = float("-inf")

    def note(self, error: BaseException) -> None:
        """Remember it if it was for want of room on a disk."""
        if is_disk_full(error):
            self._missed_at = time.monotonic()

    def is_left(self) -> bool:
        return time.monotonic() - self._missed_at > FULL_SECONDS


ROOM: Final = Room()
"""Of this process."""
