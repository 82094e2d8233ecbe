"""How many places the routes of a history have: the policy's to start with, and more as more is referred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Final

from deploy.demo.chance import Chance
from deploy.demo.history.hours import next_working_day
from deploy.demo.history.places import Offer
from deploy.demo.history.telling import Story, Teller
from shared.events import CapacityChanged, PlaceKind, Route, capacity_key
from shared.policy import Policy
from shared.working_time import LONDON, months_later

_ORDINARY: Final = 60
"""Referrals a month for which the policy's places are enough."""
_STEPS: Final = ((0.0, 1.0), (0.4, 1.15), (0.75, 1.3))
"""Part of the history → places against those at the beginning."""

Offers = Mapping[Route, tuple[Offer, ...]]


def offered(policy: Policy, *, first: date, months: int, per_month: float) -> Offers:
    """By route, the earliest first."""
    scale = max(1.0, per_month / _ORDINARY)
    days = [(next_working_day(months_later(first, int(months * part))), scale * more) for part, more in _STEPS]
    days[0] = (first, scale)
    return {
        places.route: tuple(
            Offer(
                day,
                {PlaceKind.INDIVIDUAL: round(places.individual * more), PlaceKind.GROUP: round(places.group * more)},
            )
            for day, more in days
        )
        for places in policy.capacity
    }


def announced(offers: Offers, chance: Chance, *, now: datetime) -> Iterator[Story]:
    """Each route's places, said when they change."""
    for route, steps in offers.items():
        at = datetime.combine(steps[0].since, time(7, 30), LONDON)
        teller = Teller(chance, key=capacity_key(route), began=at)
        for since, places in steps:
            at = datetime.combine(since, time(7, 30), LONDON)
            individual, group = places[PlaceKind.INDIVIDUAL], places[PlaceKind.GROUP]
            teller.say(at, CapacityChanged, route=route, individual=individual, group=group)
        yield teller.story(until=now)
