"""What is decided of an invented family: near enough to triage's rules that counting it says something.

Services don't import each other, so the rules themselves are out of reach. This knows the families of `families` only;
a test holds it against the rules.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Final, NamedTuple

from deploy.demo.history import findings
from deploy.demo.history.findings import Found
from shared.events import Circumstance, Decision, Eligibility, Facts, Hold, Kind, Mode, Reason, Route, Tier, Urgency
from shared.policy import Policy

WORDS: Final = "An invented reason, for practice."
_IN_DOUBT: Final = frozenset({"E5", "E7"})
_SIGNPOSTED: Final = frozenset({"E6", "E10"})
_FOR_A_PERSON: Final = frozenset({"S3", "S7", "X2", "I3", "A1"})
_KEPT: Final = frozenset(
    {"M1", "M3", "M4", "M5", "M6", "M7", "Q1", "Q3", "Q4", "I3", "X2", "S3", "E13s"} | {hold.value for hold in Hold}
)
"""Rules that a person's decision keeps."""
_STRICTEST: Final = {eligibility: place for place, eligibility in enumerate(Eligibility)}
_HURRY: Final = {urgency: place for place, urgency in enumerate(Urgency)}


def decided(facts: Facts, *, on: date, policy: Policy, full: Collection[Route] = ()) -> Decision:
    """The machine's decision on a referral or enquiry of that day; routes in `full` have a waiting list."""
    if facts.kind is not Kind.FAMILY:
        route = Route.TRAINING if facts.kind is Kind.TRAINING else Route.CONSULTATION
        return _put_down([Found("I5")], mode=Mode.AUTO_ROUTE, tier=None, routes=[route], policy=policy)
    if Circumstance.INFANT_DIED in facts.circumstances:
        return _after_a_loss(facts, policy)
    if findings.is_held(facts):
        return _held(facts, on, policy)
    return _without_a_hold(facts, on, policy, full)


def by_person(
    facts: Facts, *, routes: tuple[Route, ...], tier: Tier | None, urgency: Urgency, on: date, policy: Policy
) -> Decision:
    """A person's decision; marks and contact holds follow from the facts, whoever decides."""
    machine = decided(facts, on=on, policy=policy)
    rules = ("person", *(rule for rule in machine.rules if rule in _KEPT))
    return Decision(
        eligibility=Eligibility.ELIGIBLE,
        mode=Mode.AUTO_ROUTE,
        tier=tier,
        routes=routes,
        urgency=urgency,
        rules=rules,
        reasons=tuple(Reason(rule=rule, text=WORDS) for rule in rules),
        holds=machine.holds,
        policy=policy.ref,
    )


def _put_down(
    found: Iterable[Found], *, mode: Mode, tier: Tier | None, routes: Iterable[Route], policy: Policy
) -> Decision:
    """As a decision is written: the highest urgency, the strictest eligibility, a reason for each rule."""
    unique = list(dict.fromkeys(found))
    rules = tuple(each.rule for each in unique)
    return Decision(
        eligibility=max((each.eligibility for each in unique), key=_STRICTEST.__getitem__),
        mode=mode,
        tier=tier,
        routes=tuple(dict.fromkeys(routes)),
        urgency=max((each.urgency for each in unique), key=_HURRY.__getitem__),
        rules=rules,
        reasons=tuple(Reason(rule=rule, text=WORDS) for rule in rules),
        holds=tuple(hold for hold in Hold if hold.value in rules),
        policy=policy.ref,
    )


def _routes(found: Iterable[Found]) -> tuple[Route, ...]:
    return tuple(route for each in found for route in each.routes)


def _after_a_loss(facts: Facts, policy: Policy) -> Decision:
    loss = Found("S8", (Route.BEREAVEMENT_REVIEW,), urgency=Urgency.WORKING_DAY)
    found = [loss, Found("C1"), *(each._replace(routes=()) for each in findings.duplicate(facts))]
    return _put_down(found, mode=Mode.HUMAN_REVIEW, tier=None, routes=_routes(found), policy=policy)


def _held(facts: Facts, on: date, policy: Policy) -> Decision:
    """Safety routes first; what is said beside of age and area; no need rules."""
    safety, eligible = findings.safety(facts, policy), findings.eligible(facts, on, policy)
    told = [each for each in eligible if each.rule in ("E6", "E9", "E10")]
    beside = [*findings.duplicate(facts), *findings.young(facts, policy)]
    return _put_down(
        [*safety, *eligible, *beside, *findings.marks(facts)],
        mode=Mode.HUMAN_REVIEW,
        tier=Tier.STATUTORY if any(each.tier is Tier.STATUTORY for each in safety) else Tier.PNMH,
        routes=_routes([*safety, *told, *beside]),
        policy=policy,
    )


class _Step(NamedTuple):
    """What the first step that decides gives; `keeps_routes` is False when a duplicate takes their place."""

    mode: Mode
    routes: tuple[Route, ...]
    tier: Tier | None = None
    found: tuple[Found, ...] = ()
    keeps_routes: bool = True
    is_modified: bool = False


def _without_a_hold(facts: Facts, on: date, policy: Policy, full: Collection[Route]) -> Decision:
    eligible = findings.eligible(facts, on, policy)
    is_declined = any(each.eligibility is Eligibility.NOT_ELIGIBLE for each in eligible)
    own_care = [] if is_declined else findings.own_care(facts)
    step = _first_that_decides(facts, eligible, own_care)
    instead = [*findings.duplicate(facts), *findings.words(facts)]
    added = [*own_care, *findings.safety(facts, policy), *findings.young(facts, policy)]
    kept = step.routes if step.keeps_routes or not instead else ()
    routes = (*kept, *_routes([*instead, *added]))
    found = [*eligible, *step.found, *instead, *added, *findings.marks(facts)]
    if step.is_modified:
        found += findings.modifiers(facts, on, policy)
        found += [Found("M8")] * any(route in full for route in routes)
    needs_a_person = any(each.rule in _FOR_A_PERSON for each in found)
    mode = Mode.HUMAN_REVIEW if needs_a_person else step.mode
    return _put_down(found, mode=mode, tier=step.tier, routes=routes, policy=policy)


def _first_that_decides(facts: Facts, eligible: list[Found], own_care: list[Found]) -> _Step:
    """Age in doubt, another age or area, consent, place in doubt, need: the first of these."""
    age, place, *consent = eligible
    if age.rule in _IN_DOUBT:
        return _Step(Mode.HUMAN_REVIEW, age.routes)
    if signposts := [each for each in (age, place) if each.rule in _SIGNPOSTED]:
        return _Step(Mode.PROPOSE_DECLINE, _routes(signposts))
    if consent:
        is_refused = consent[0].rule == "E13"
        return _Step(Mode.PROPOSE_DECLINE if is_refused else Mode.HUMAN_REVIEW, consent[0].routes)
    if place.rule == "E12":
        return _Step(Mode.HUMAN_REVIEW, place.routes, is_modified=True)
    return _need(facts, place, own_care)


def _need(facts: Facts, place: Found, own_care: list[Found]) -> _Step:
    """How much help; where the ward is not open yet the referral waits, its tier kept."""
    level, doubts = findings.level(facts, own_care), []
    if is_known := level is None or level.rule != "N7":
        doubts = findings.doubts(facts, level)
    waits = place.rule == "E9"
    routes = _routes(doubts) if doubts else level.routes if level else ()
    if waits:
        routes = (*place.routes, *((Route.REVIEW,) if doubts else ()))
    return _Step(
        mode=Mode.AUTO_ROUTE if is_known and not doubts and not waits else Mode.HUMAN_REVIEW,
        routes=routes,
        tier=level.tier if level else Tier.PNMH,
        found=(*([level] if level else []), *doubts),
        keeps_routes=waits,
        is_modified=True,
    )
