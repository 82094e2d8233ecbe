"""How months go: fewer referrals in August, a service that gets better, and one December in which it did not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from shared.working_time import months_later

DECEMBER: Final = 12
_VOLUME: Final = (1.06, 1.02, 1.08, 0.95, 1.0, 1.03, 0.97, 0.8, 1.07, 1.1, 1.06, 0.8)
"""January to December, against the average month."""
_GROWTH: Final = 0.25
"""How much more is referred at the end than at the beginning."""


@dataclass(frozen=True, slots=True)
class Season:
    """A month: `volume` against the average, then shares of what goes well."""

    volume: float
    receipts_at_once: float
    seen_in_time: float
    decided_in_time: float
    contacted_in_time: float
    safeguarding_in_time: float
    parent_was_asked: float


def seasons(first: date, months: int) -> dict[date, Season]:
    """By the first day of each month."""
    found = {}
    bad = _bad_december(first, months)
    for place in range(months):
        month, progress = months_later(first, place), place / max(1, months - 1)
        season = _season(month, progress)
        found[month] = _gone_wrong(season) if month == bad else season
    return found


def _season(month: date, progress: float) -> Season:
    return Season(
        volume=_VOLUME[month.month - 1] * (1 - _GROWTH / 2 + _GROWTH * progress),
        receipts_at_once=0.985 + 0.012 * progress,
        seen_in_time=0.88 + 0.1 * progress,
        decided_in_time=0.86 + 0.1 * progress,
        contacted_in_time=0.84 + 0.12 * progress,
        safeguarding_in_time=0.95 + 0.05 * progress,
        parent_was_asked=0.5 + 0.35 * progress,
    )


def _bad_december(first: date, months: int) -> date | None:
    """The last one."""
    found = [month for place in range(months) if (month := months_later(first, place)).month == DECEMBER]
    return found[-1] if found else None


def _gone_wrong(season: Season) -> Season:
    """Half the team ill, and a mail system that was away for a day."""
    return replace(
        season,
        receipts_at_once=season.receipts_at_once - 0.05,
        seen_in_time=season.seen_in_time - 0.2,
        decided_in_time=season.decided_in_time - 0.22,
        contacted_in_time=season.contacted_in_time - 0.25,
        safeguarding_in_time=season.safeguarding_in_time - 0.1,
    )
