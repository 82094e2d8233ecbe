"""How often an agency may call: a bucket that refills evenly, so that one agency can't keep the others waiting."""

from __future__ import annotations

import math
from typing import Final
from uuid import UUID

from shared.problems import Problem

BURST_SHARE: Final = 0.2
"""Of a minute's requests, how many may come at once."""


class Limits:
    """One bucket per agency; `per_minute` None means no limit. Each copy of the service counts for itself."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_second = per_minute / 60 if per_minute else math.inf
        self._size = max(1.0, per_minute * BURST_SHARE) if per_minute else math.inf
        self._levels: dict[UUID, tuple[float, float]] = {}

    def take(self, agency_id: UUID, *, now: float) -> None:
        """Take one at the monotonic time `now`; raises Problem 429 with Retry-After when the bucket is empty."""
        if math.isinf(self._per_second):
            return
        level, since = self._levels.get(agency_id, (self._size, now))
        level = min(self._size, level + (now - since) * self._per_second)
        if level < 1:
            seconds = math.ceil((1 - level) / self._per_second)
            raise Problem("too-many-requests", headers={"Retry-After": str(seconds)})
        self._levels[agency_id] = (level - 1, now)
