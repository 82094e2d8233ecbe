"""Colleagues who ask for a consultation or a training: no child in it."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Final

from deploy.demo.families.hand import Hand
from deploy.demo.families.ordinary import REFERRERS, referrer
from deploy.demo.families.sent import Sent, What
from deploy.demo.families.times import some_times

TOPICS: Final = (
    ("consultation", "A baby who looks away, and a mother who thinks she is not liked", 2),
    ("training", "Reading babies' cues: a half day for our team", 14),
    ("consultation", "How to speak about bonding without blame", 1),
    ("training", "What fathers need from us in the first months", 9),
    ("consultation", "Two workers see the same family differently", 3),
    ("training", "The first 1001 days, for new nursery staff", 22),
    ("consultation", "When to refer after a stay in neonatal care", 1),
    ("consultation", "A grandmother as the main carer: what to look for", 2),
)
"""Kind, topic, people who would come."""


def enquiries(count: int, *, now: datetime, chance: Random) -> list[Sent]:
    """So many enquiries in the two months before `now`."""
    sent = []
    for number, at in enumerate(some_times(count, now=now, chance=chance)):
        hand = Hand(chance, at)
        kind, topic, people = TOPICS[number % len(TOPICS)]
        agency = hand.of(list(REFERRERS))
        body = {"kind": kind, "referrer": referrer(hand, agency), "topic": topic, "people": people}
        sent.append(Sent(at, agency, What.ENQUIRY, f"DEMO-E{number + 1:03d}", body))
    return sent
