"""Places of the routes that have them: how many are offered, who takes one, and from which day on one is free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Final, NamedTuple

from shared.events import PlaceKind, Route

LONGEST_WAIT_DAYS: Final = 240
"""Nobody is told a day further ahead."""


class Offer(NamedTuple):
    """From this day on a route has so many places."""

    since: date
    places: Mapping[PlaceKind, int]


class Places:
    """`offers` of each route, the earliest first."""

    def __init__(self, offers: Mapping[Route, tuple[Offer, ...]]) -> None:
        self._offers = offers
        self._taken: Counter[tuple[Route, PlaceKind, date]] = Counter()

    @property
    def routes(self) -> Collection[Route]:
        """Those that have places."""
        return self._offers.keys()

    def full(self, on: date) -> list[Route]:
        """Routes without a free individual place on that day."""
        return [route for route in self._offers if not self._is_free(route, PlaceKind.INDIVIDUAL, on)]

    def take(self, route: Route, kind: PlaceKind, *, on: date, days: int) -> tuple[PlaceKind, date] | None:
        """A place for so many days from the first day one is free; a group's when that is much sooner.

        None when there is none for a very long time.
        """
        other = PlaceKind.GROUP if kind is PlaceKind.INDIVIDUAL else PlaceKind.INDIVIDUAL
        found = [(each, free_on) for each in (kind, other) if (free_on := self._first_free(route, each, on, days))]
        if not found:
            return None
        chosen, since = min(found, key=lambda each: (each[1] - on).days + (0 if each[0] is kind else 30))
        for day in range(days + 1):
            self._taken[route, chosen, since + timedelta(days=day)] += 1
        return chosen, since

    def _first_free(self, route: Route, kind: PlaceKind, on: date, days: int) -> date | None:
        """The first day from which one is free to the end: the day after the last that is full, and again."""
        first = on
        while (first - on).days <= LONGEST_WAIT_DAYS:
            days_taken = (first + timedelta(days=day) for day in range(days, -1, -1))
            last_full = next((day for day in days_taken if not self._is_free(route, kind, day)), None)
            if last_full is None:
                return first
            first = last_full + timedelta(days=1)
        return None

    def _is_free(self, route: Route, kind: PlaceKind, on: date) -> bool:
        places = next((offer.places[kind] for offer in reversed(self._offers[route]) if offer.since <= on), 0)
        return self._taken[route, kind, on] < places
