"""Twelve awkward cases, as one morning may bring them: each asks for something else of whoever opens it.

docs/demo.md says of each what it is about; a test opens the page of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from deploy.demo.families import special_cases
from deploy.demo.families.hand import Hand
from deploy.demo.families.inventing import SEED, first_referral, hand_at
from deploy.demo.families.later import by_another, sibling
from deploy.demo.families.needs import SHORT_TERM, Family, add_need
from deploy.demo.families.sent import Sent, What
from deploy.demo.families.special_cases import SpecialCase
from shared.policy import Policy

GONE_LATE: Final = "MORNING-01"
AGAIN: Final = "-2"
"""Ends the name of what came later about a family."""


@dataclass(frozen=True, slots=True)
class AwkwardCase:
    """What it is about, how long before the morning it came, and what is not ordinary in it."""

    words: str
    ago: timedelta
    case: SpecialCase


def _at_home(family: Family, hand: Hand) -> None:
    """A baby of some months in an open ward, known by number, with a mother of known age: easy to recognise."""
    baby = family["babies"][0]
    baby.pop("due_on", None)
    baby |= {"given_name": "Robin", "date_of_birth": hand.days_ago(120, 200), "nhs_number": hand.nhs_number()}
    family["home"] = hand.home(hand.open_wards or hand.closed_wards)
    add_need(family, hand, SHORT_TERM)


def _shared_phone(family: Family, hand: Hand) -> None:
    special_cases.domestic_abuse(family, hand)
    mother, *others = family["caregivers"]
    mother["phone"] = hand.mobile()
    for other in others:
        other["phone"] = mother["phone"]
    mother["safe_contact"] = "Only face to face at the clinic, Tuesdays 10 to 12. Leave no message."
    family["notes"] = "{parent} told me of threats at home. The partner reads the phone, which is for both of them."


def _a_father(family: Family, hand: Hand) -> None:
    special_cases.father_first(family, hand)
    del family["caregivers"][1:]
    family["notes"] = "{parent} looks after {baby} alone since the spring and asks for help with the nights."


def _interpreter(family: Family, _: Hand) -> None:
    family["caregivers"][0] |= {"preferred_language": "uk", "interpreter_needed": True}
    family["notes"] = "{parent} speaks Ukrainian, and I had no interpreter. I saw little warmth with {baby}."


CASES: Final[Mapping[str, AwkwardCase]] = {
    GONE_LATE: AwkwardCase("A claimed emergency gone late", timedelta(days=8), special_cases.immediate_danger),
    "MORNING-02": AwkwardCase("A loss", timedelta(days=2), special_cases.infant_died),
    "MORNING-03": AwkwardCase("Violence at home, with a shared phone", timedelta(hours=20), _shared_phone),
    "MORNING-04": AwkwardCase("Twins", timedelta(days=1), special_cases.born_together(2)),
    "MORNING-05": AwkwardCase("The same family from two agencies", timedelta(days=4), special_cases.ordinary),
    "MORNING-06": AwkwardCase("A birth nobody has told of", timedelta(days=3), special_cases.long_overdue),
    "MORNING-07": AwkwardCase("No fixed address", timedelta(days=2), special_cases.no_fixed_abode),
    "MORNING-08": AwkwardCase("A father", timedelta(days=3), _a_father),
    "MORNING-09": AwkwardCase("An interpreter is needed", timedelta(hours=22), _interpreter),
    "MORNING-10": AwkwardCase("A sibling who is too old", timedelta(days=5), special_cases.ordinary),
    "MORNING-11": AwkwardCase("A parent under 16", timedelta(hours=5), special_cases.very_young_parent),
    "MORNING-12": AwkwardCase(
        "The referrer withdrew, and the worry stays", timedelta(days=6), special_cases.significant_harm
    ),
}
"""By the external reference of the referral."""


def morning(*, now: datetime, policy: Policy) -> list[Sent]:
    """What agencies sent before `now`, the earliest first."""
    sent = [each for name, case in CASES.items() for each in _sent(name, case, now, policy)]
    return sorted(sent, key=lambda each: (each.at, each.name))


def _sent(name: str, case: AwkwardCase, now: datetime, policy: Policy) -> Iterator[Sent]:
    def at_home(family: Family, hand: Hand) -> None:
        _at_home(family, hand)
        case.case(family, hand)

    hand = hand_at(now - case.ago, policy, Random(f"{SEED} {name}"))  # noqa: S311  invented
    first = first_referral(name, hand, at_home)
    yield first
    hand = hand_at(now - case.ago / 2, policy, Random(f"{SEED} {name}{AGAIN}"))  # noqa: S311  invented
    match name:
        case "MORNING-05":
            yield from by_another(first, name + AGAIN, hand)
        case "MORNING-10":
            [older] = sibling(first, name + AGAIN, hand)
            family_name = first.body["babies"][0]["family_name"]
            born_on = hand.days_ago(1100, 1200)
            older.body["babies"] = [{"given_name": "Sasha", "family_name": family_name, "date_of_birth": born_on}]
            yield older
        case "MORNING-12":
            yield Sent(hand.at, first.agency, What.WITHDRAWAL, name, {"reason": "family_declined"})
