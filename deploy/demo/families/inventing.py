"""Families and what their agencies send about them, in the order of time: all invented, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

from deploy.demo.families import special_cases
from deploy.demo.families.case_mix import FAMILIES, draw
from deploy.demo.families.enquiries import enquiries
from deploy.demo.families.hand import Hand
from deploy.demo.families.later import SEQUELS, Sequel, has_room
from deploy.demo.families.ordinary import ordinary_family
from deploy.demo.families.sent import Sent, What, finished
from deploy.demo.families.special_cases import SpecialCase
from deploy.demo.families.times import some_times
from shared.policy import Policy
from shared.working_time import day_in_london

SEED: Final = 2021
"""The year of the paper that the wards are from; any other number gives other families."""

RECENT: Final[tuple[tuple[timedelta, SpecialCase], ...]] = (
    (timedelta(minutes=6), special_cases.immediate_danger),
    (timedelta(minutes=25), special_cases.ordinary),
    (timedelta(minutes=70), special_cases.ordinary),
    (timedelta(minutes=95), special_cases.safety_words),
    (timedelta(minutes=140), special_cases.red_flag("estrangement")),
    (timedelta(minutes=185), special_cases.significant_harm),
    (timedelta(minutes=260), special_cases.ordinary),
    (timedelta(minutes=330), special_cases.father_first),
)
"""What came in the last hours, whatever the hour: how long ago, and what it is about."""


def invented(count: int, *, now: datetime, policy: Policy, seed: int = SEED) -> list[Sent]:
    """What agencies sent in the two months before `now`, the earliest first: `count` referrals, and enquiries.

    The wards have to be those of a policy for Nottingham, whose postcodes are known by ward.
    """
    chance = Random(seed)  # noqa: S311  invented families, not secrets
    sequels = [sequel for sequel in SEQUELS for _ in range(share(count, sequel.of_300))]
    first_count = count - sum(sequel.is_referral for sequel in sequels)
    recent = RECENT[:first_count]
    times = some_times(first_count - len(recent), now=now, chance=chance)
    planned = [
        *zip(times, draw(len(times), chance), strict=True),
        *((now - ago, case) for ago, case in recent),
    ]
    firsts = [
        first_referral(f"DEMO-{number:04d}", hand_at(at, policy, chance), case)
        for number, (at, case) in enumerate(planned, start=1)
    ]
    asked = enquiries(share(count, 8), now=now, chance=chance)
    return sorted([*firsts, *_later(firsts, sequels, now, chance), *asked], key=lambda each: (each.at, each.name))


def share(count: int, many: int) -> int:
    """As many of `count` as `many` are of 300."""
    return round(count * many / FAMILIES)


def first_referral(name: str, hand: Hand, case: SpecialCase) -> Sent:
    """An ordinary family with this case, referred when the hand says."""
    agency, family = ordinary_family(hand)
    case(family, hand)
    if len(family["caregivers"]) > 1 and hand.happens(0.45):
        del family["caregivers"][1]
    return Sent(hand.at, agency, What.REFERRAL, name, finished(family, name))


def hand_at(at: datetime, policy: Policy, chance: Random) -> Hand:
    """What chance gives a family that is referred then."""
    on = day_in_london(at)
    wards = {ward.code: policy.is_open(ward.code, on) for ward in policy.wards}
    opened = tuple(code for code, is_open in wards.items() if is_open)
    return Hand(chance, at, opened, tuple(code for code, is_open in wards.items() if not is_open))


def _later(firsts: Sequence[Sent], sequels: Sequence[Sequel], now: datetime, chance: Random) -> list[Sent]:
    """What is sent about families that were referred before; each has one sequel at most."""
    waiting = [first for first in firsts if has_room(first, now)]
    chance.shuffle(waiting)
    sent: list[Sent] = []
    for number, sequel in enumerate(sequels, start=1):
        if first := next((each for each in waiting if sequel.fits(each)), None):
            waiting.remove(first)
            sent += sequel.after(first, f"DEMO-L{number:03d}", now, chance)
    return sent
