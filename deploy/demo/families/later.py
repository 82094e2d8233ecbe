"""What is sent about a family that was referred before: by another agency, again, about a sibling, after an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from deploy.demo.families.hand import Hand
from deploy.demo.families.ordinary import REFERRERS, referrer
from deploy.demo.families.sent import Sent, What
from deploy.demo.families.special_cases import WRONG_NHS_NUMBER

ROOM: Final = timedelta(days=5)
"""So long ago a family was referred before more is sent about it."""


@dataclass(frozen=True, slots=True)
class Sequel:
    """How many of 300 families have it, which first referrals it fits, and what is sent then.

    `sends` is given the first referral, a name for another one, and what chance gives at that time.
    """

    of_300: int
    fits: Callable[[Sent], bool]
    sends: Callable[[Sent, str, Hand], Iterator[Sent]]
    is_referral: bool = True

    def after(self, first: Sent, name: str, now: datetime, chance: Random) -> list[Sent]:
        """What is sent, some time between a day after the first and some hours ago."""
        at = first.at + (now - timedelta(hours=7) - first.at) * chance.uniform(0.3, 0.95)
        return list(self.sends(first, name, Hand(chance, at.replace(microsecond=0))))


def has_room(first: Sent, now: datetime) -> bool:
    """Whether it lies long enough back."""
    return now - first.at > ROOM


def _is_known(first: Sent) -> bool:
    """The family is recognised by the baby's NHS number, and there is nothing that ends the matter."""
    body = first.body
    number = body["babies"][0].get("nhs_number")
    return bool(number) and number != WRONG_NHS_NUMBER and _goes_on(first)


def _has_known_carer(first: Sent) -> bool:
    """The carer is recognised by name, birth date and postcode; the baby is old enough to have a sibling soon."""
    body = first.body
    born_on = body["babies"][0].get("date_of_birth")
    is_old_enough = bool(born_on) and date.fromisoformat(born_on) < first.at.date() - timedelta(days=300)
    is_known = "date_of_birth" in body["caregivers"][0] and "postcode" in body.get("home", {})
    return is_old_enough and is_known and _goes_on(first)


def _goes_on(first: Sent) -> bool:
    return not first.body.get("circumstances") and first.body.get("consent", {}).get("status") == "given"


def _may_be_born(first: Sent) -> bool:
    """Due so soon after the referral that a birth since is no surprise."""
    [baby, *others] = first.body["babies"]
    if others or "date_of_birth" in baby or "due_on" not in baby or not _goes_on(first):
        return False
    return timedelta(0) < date.fromisoformat(baby["due_on"]) - first.at.date() < timedelta(days=40)


def by_another(first: Sent, name: str, hand: Hand) -> Iterator[Sent]:
    """The same family, referred by another agency."""
    agency = hand.of([slug for slug in REFERRERS if slug != first.agency])
    yield _again(first, name, hand, agency)


def _by_the_same(first: Sent, name: str, hand: Hand) -> Iterator[Sent]:
    yield _again(first, name, hand, first.agency)


def _after_an_end(first: Sent, name: str, hand: Hand) -> Iterator[Sent]:
    """Withdrawn, and referred once more: the family wants it after all."""
    halfway = first.at + (hand.at - first.at) / 2
    yield Sent(halfway, first.agency, What.WITHDRAWAL, first.name, {"reason": "family_declined"})
    yield _again(first, name, hand, first.agency)


def sibling(first: Sent, name: str, hand: Hand) -> Iterator[Sent]:
    """Another baby of the same carer is on the way."""
    sent = _again(first, name, hand, first.agency)
    sent.body["babies"] = [{"family_name": first.body["babies"][0].get("family_name"), "due_on": hand.in_days(30, 120)}]
    yield sent


def _again(first: Sent, name: str, hand: Hand, agency: str) -> Sent:
    words = {"notes": "We have known the family for a while and are worried as well.", "strengths": []}
    body = first.body | words | {"external_reference": name, "referrer": referrer(hand, agency)}
    body["consent"] = first.body["consent"] | {"recorded_at": hand.hours_ago(1, 30)}
    return Sent(hand.at, agency, What.REFERRAL, name, body)


def _withdrawal(first: Sent, _: str, hand: Hand) -> Iterator[Sent]:
    reason = hand.of(("family_declined", "moved_away", "other_support", "sent_in_error"))
    yield Sent(hand.at, first.agency, What.WITHDRAWAL, first.name, {"reason": reason})


def _birth(first: Sent, _: str, hand: Hand) -> Iterator[Sent]:
    """The due date has become a birth date."""
    baby: dict[str, Any] = first.body["babies"][0]
    born_on = min(hand.on, date.fromisoformat(baby["due_on"]))
    born = baby | {"given_name": "Robin", "date_of_birth": born_on.isoformat(), "nhs_number": hand.nhs_number()}
    yield Sent(hand.at, first.agency, What.CHANGE, first.name, {"babies": [born]})


SEQUELS: Final = (
    Sequel(6, _is_known, by_another),
    Sequel(3, _is_known, _by_the_same),
    Sequel(4, _has_known_carer, sibling),
    Sequel(2, _is_known, _after_an_end),
    Sequel(6, _goes_on, _withdrawal, is_referral=False),
    Sequel(3, _may_be_born, _birth, is_referral=False),
)
