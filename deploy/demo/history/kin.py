"""Families who were here before: referred twice while something is open, or back after it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from deploy.demo.history.course import Course
from deploy.demo.history.families import Family
from deploy.demo.history.hours import later
from shared.events import Infant, Kind, Link, LinkedReferral

_MONTH: Final = timedelta(days=365.25 / 12)
_COMES_BACK, _COMES_BACK_UNMET = 0.07, 0.16
"""How often, and how often when nobody had been in touch."""
_REFERRED_TWICE, _IS_SIBLING = 0.03, 0.25


@dataclass(order=True, slots=True)
class Arrival:
    """Somebody about to be referred at `at`; `tie` puts those of one moment in order.

    `earlier` is the family's referral before; `is_sibling`: another baby of theirs.
    """

    at: datetime
    tie: float
    earlier: Course | None = field(default=None, compare=False)
    is_sibling: bool = field(default=False, compare=False)
    kind: Kind = field(default=Kind.FAMILY, compare=False)


def again(course: Course) -> Iterator[Arrival]:
    """The family's next referrals, if there are any. Of who was erased nobody knows that they were here."""
    chance = course.chance
    if course.family.facts.kind is not Kind.FAMILY or course.is_erased:
        return
    if chance.happens(_REFERRED_TWICE):
        at = later(chance, after=course.received_at, days=chance.between(1, 12))
        if course.was_open(at):
            yield Arrival(at, chance.share(), course, is_sibling=chance.happens(_IS_SIBLING))
    was_met = any(item.first_contact_at for item in course.items)
    if course.ended_at and chance.happens(_COMES_BACK if was_met else _COMES_BACK_UNMET):
        at = later(chance, after=course.ended_at, days=chance.between(4, 320))
        yield Arrival(at, chance.share(), course)


def same_family(family: Family, arrival: Arrival, on: date) -> Family:
    """The need is told anew; the baby, the home and who they are stay the same."""
    if arrival.earlier is None:
        return family
    before = arrival.earlier.family
    same: dict[str, Any] = {"place": before.facts.place, "carer_age": before.facts.carer_age}
    if not arrival.is_sibling:
        same["infant"] = _meanwhile(before.facts.infant, on)
    return replace(family, facts=family.facts.model_copy(update=same), monitoring=before.monitoring)


def _meanwhile(infant: Infant, on: date) -> Infant:
    """Born on the day it was due."""
    if infant.born_on or infant.due_on is None or infant.due_on > on:
        return infant
    return Infant(born_on=infant.due_on, count=infant.count)


def linked(arrival: Arrival, family: Family) -> tuple[LinkedReferral, ...]:
    """What the earlier referral is to this one; too long ago it is nothing."""
    earlier = arrival.earlier
    if earlier is None or (link := _link(arrival, earlier, family)) is None:
        return ()
    known = earlier.teller.known
    return (
        LinkedReferral(id=earlier.teller.key, reference=known["reference"], agency_id=known["agency_id"], link=link),
    )


def _link(arrival: Arrival, earlier: Course, family: Family) -> Link | None:
    if earlier.was_open(arrival.at):
        if arrival.is_sibling:
            return Link.SIBLING_OPEN
        return Link.REPEAT if family.agency is earlier.family.agency else Link.DUPLICATE
    ended_at = earlier.ended_at or arrival.at
    is_recent = arrival.at - ended_at <= earlier.policy.working_time.re_referral_months * _MONTH
    return Link.RE_REFERRAL if is_recent and not arrival.is_sibling else None
