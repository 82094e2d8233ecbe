"""How often an agency may call, and one place ask for codes: a bucket for each, in memory."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Final

from shared.problems import Problem

MOST_BUCKETS: Final = 10_000
"""Then those that are full again are forgotten."""
BURST_SHARE: Final = 0.2
"""Of a minute's requests, how many may come at once."""


class RequestLimits:
    """A bucket for each agency or place; without `per_minute` there is no limit. Each copy counts for itself."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_second = per_minute / 60 if per_minute else math.inf
        self._size = max(1.0, per_minute * BURST_SHARE) if per_minute else math.inf
        self._levels: dict[Hashable, tuple[float, float]] = {}

    def take(self, whose: Hashable, *, now: float) -> None:
        """Take one at the monotonic time `now`; raises Problem 429 with Retry-After when the bucket is empty."""
        if math.isinf(self._per_second):
            return
        level, since = self._levels.get(whose, (self._size, now))
        level = min(self._size, level + (now - since) * self._per_second)
        if level < 1:
            seconds = math.ceil((1 - level) / self._per_second)
            raise Problem("too-many-requests", headers={"Retry-After": str(seconds)})
        self._levels[whose] = (level - 1, now)
        if len(self._levels) > MOST_BUCKETS:
            full_after = self._size / self._per_second
            self._levels = {each: known for each, known in self._levels.items() if now - known[1] < full_after}
