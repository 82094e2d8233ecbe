"""What is parked for a reason that may pass, such as a newer type, is tried again by itself, ever less often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.audit import Actor
from shared.errors import is_transient
from shared.messaging import parked, repair
from shared.messaging.dispatch import Handlers

FIRST_REST_SECONDS: Final = 60.0
LONGEST_REST_SECONDS: Final = 3600.0
_ITSELF: Final = Actor("system", "consumer")


@dataclass(frozen=True, slots=True)
class _Again:
    """When a parked row is tried again by itself, after so many tries in vain."""

    attempts: int = 0
    at: float = 0.0

    def later(self, now: float) -> _Again:
        pause = min(FIRST_REST_SECONDS * 2.0 ** min(self.attempts, 32), LONGEST_REST_SECONDS)
        return _Again(self.attempts + 1, now + pause)


class ParkedAgain:
    """Of one service in this process."""

    def __init__(self, engine: AsyncEngine, handlers: Handlers) -> None:
        self._engine = engine
        self._handlers = handlers
        self._again: dict[int, _Again] = {}

    async def try_again(self, *, now: float) -> tuple[int, int]:
        """Replay what may succeed by itself (parked.to_try_again) at the monotonic time `now`: (handled, still parked).

        What fails is left alone for a minute, then for twice as long each time, up to an hour. A start forgets the
        pauses: a new version may bring what was missing.
        """
        handled, left = 0, 0
        try:
            resting = {row_id: again for row_id, again in self._again.items() if again.at > now}
            found = await parked.to_try_again(self._engine, but=resting)
            self._again = resting | {row_id: self._again[row_id] for row_id in found if row_id in self._again}
            for row_id in found:
                done, failed = await repair.replay(self._engine, self._handlers, only=row_id, by=_ITSELF)
                handled, left = handled + done, left + failed
                if failed:
                    self._again[row_id] = self._again.get(row_id, _Again()).later(now)
        except Exception as error:
            if not is_transient(error):
                raise
        return handled, left
