"""The history itself: who comes when, month by month; agencies and places beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

from deploy.demo.chance import Chance, references
from deploy.demo.history import kin, ways
from deploy.demo.history.agencies import AGENCIES, Agency
from deploy.demo.history.arriving import begin
from deploy.demo.history.course import Course, World
from deploy.demo.history.families import Family, Wards, a_family, default_wards
from deploy.demo.history.hours import arrivals
from deploy.demo.history.kin import Arrival
from deploy.demo.history.offers import announced, offered
from deploy.demo.history.places import Places
from deploy.demo.history.seasons import seasons
from deploy.demo.history.telling import Story, Teller
from shared.events import AgencyUpdated, Facts, Kind, Monitoring
from shared.policy import Policy
from shared.working_time import LONDON, day_in_london, months_later

_NEVER_HERE: Final = 0.9
"""Of all referrals, those of families who come for the first time."""
_ENQUIRIES: Final = 0.12
"""So many for each referral; a quarter of them asks for training."""
_TRAININGS: Final = 0.25


def stories(
    *,
    seed: int,
    first: date,
    months: int,
    per_month: float,
    policy: Policy,
    now: datetime,
    wards: Wards | None = None,
) -> Iterator[Story]:
    """Agencies and places, then every referral and enquiry in the order of receipt, told up to `now`.

    `first` is the first day of a month; `per_month` referrals come on average in each of the `months`; `wards` are
    weights by code. The same arguments give the same stories, ids and all.
    """
    if first.day != 1 or months < 1:
        raise ValueError("a history begins on the first day of a month and has at least one month")
    chance = Chance(Random(seed))  # noqa: S311  an invented history, no secret
    offers = offered(policy, first=first, months=months, per_month=per_month)
    world = World(
        chance, policy, wards or default_wards(policy), Places(offers), seasons(first, months), now, references(chance)
    )
    began = datetime.combine(first, time(8, 30), LONDON)
    for agency in AGENCIES:
        if agency.is_known:
            yield _introduced(agency, chance, began, now)
    yield from announced(offers, chance, now=now)
    yield from _referrals(world, per_month)


def _introduced(agency: Agency, chance: Chance, began: datetime, now: datetime) -> Story:
    teller = Teller(chance, key=agency.id, began=began)
    known: dict[str, Any] = {"slug": agency.slug, "team_inbox": f"{agency.slug}@agency.example.org"}
    teller.say(began, AgencyUpdated, name=agency.name, source=agency.source, **known)
    return teller.story(until=now)


def _referrals(world: World, per_month: float) -> Iterator[Story]:
    """Month by month; whoever comes back or is referred twice stands in line with the others."""
    line: list[Arrival] = []
    for month, season in world.seasons.items():
        for arrival in _new(world.chance, month, per_month * season.volume):
            heappush(line, arrival)
        ends_at = datetime.combine(months_later(month, 1), time(), LONDON)
        while line and line[0].at < ends_at:
            arrival = heappop(line)
            if arrival.at > world.now:
                return
            course = _course(world, arrival)
            course.run()
            for again in kin.again(course):
                heappush(line, again)
            yield course.teller.story(until=world.now)


def _new(chance: Chance, month: date, mean: float) -> Iterator[Arrival]:
    """Families who were never here before, and enquiries."""
    for at in arrivals(chance, month, chance.count(mean * _NEVER_HERE)):
        yield Arrival(at, chance.share())
    for at in arrivals(chance, month, chance.count(mean * _ENQUIRIES)):
        yield Arrival(at, chance.share(), kind=Kind.TRAINING if chance.happens(_TRAININGS) else Kind.CONSULTATION)


def _course(world: World, arrival: Arrival) -> Course:
    """The referral or enquiry, about to be received."""
    chance, at = world.chance, arrival.at
    key, (family, people) = chance.id(at), _told(world, arrival)
    linked = kin.linked(arrival, family)
    facts = family.facts.model_copy(update={"links": tuple(other.link for other in linked)})
    known = {"reference": next(world.references), "agency_id": family.agency.id, "about": facts.kind}
    course = Course(
        world=world,
        teller=Teller(chance, key=key, began=at, known=known),
        family=replace(family, facts=facts),
        received_at=at,
        family_id=arrival.earlier.family_id if arrival.earlier else key,
        plan=ways.plan,
        linked=linked,
    )
    begin(course, people=people)
    return course


def _told(world: World, arrival: Arrival) -> tuple[Family, int]:
    """Who is referred; of an enquiry how many people it is for."""
    chance, on = world.chance, day_in_london(arrival.at)
    if arrival.kind is not Kind.FAMILY:
        agency = chance.weighed([(each, each.share) for each in AGENCIES])
        people = chance.between(4, 24) if arrival.kind is Kind.TRAINING else chance.between(1, 4)
        return Family(agency, Facts(kind=arrival.kind, source=agency.source), Monitoring(), ()), people
    family = a_family(chance, arrival.at, season=world.season(arrival.at), policy=world.policy, wards=world.wards)
    return kin.same_family(family, arrival, on), 1
