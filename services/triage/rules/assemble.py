"""How a decision is put together: the six steps of the rules, version 1, in their order, and how it is written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from services.triage.rules.eligibility import AGE, AGE_IN_DOUBT, CONSENT, PLACE, PLACE_IN_DOUBT
from services.triage.rules.marks import (
    MARKS,
    MODIFIERS,
    duplicate,
    enquiry,
    safety_words,
    very_young_parent,
    waiting_list,
)
from services.triage.rules.model import Case, Finding, day_of_receipt, every, exactly_one, first
from services.triage.rules.need import (
    LEVEL,
    OWN_CARE,
    about_to_move,
    asks_for_help,
    court_asks,
    facts_disagree,
    far_from_what_was_asked,
    relationship_not_seen,
)
from services.triage.rules.safety import CONTACT_HOLDS, DANGER_RULES, SAFETY, bereavement
from shared.events import Decision, Eligibility, Facts, Hold, Kind, Mode, Route, Tier, Urgency
from shared.policy import Policy

FOR_A_PERSON: Final = frozenset({"S3", "S7", "X2", "I3", "A1"})
"""Step 5: these make any decision one for a person, a proposed decline too."""

SIGNPOSTED: Final = frozenset({"E6", "E10"})
STRICTNESS: Final = {eligibility: rank for rank, eligibility in enumerate(Eligibility)}

# fmt: off
LISTED: Final = (
    "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "C1", "C2", "I3", "I5",
    "E1", "E2", "E3", "E4", "E5", "E6", "E6p", "E7", "E8", "E9", "E10", "E11", "E12", "E13", "E13s", "E14", "E14b",
    "N2", "N3", "N4", "N5", "N6", "N6f", "N7", "N8", "A1", "A2", "A3", "A4", "X1", "X2",
    "Q1", "Q2", "Q3", "Q4", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8",
)
# fmt: on
"""The order of `rules` and `reasons`: safety, contact holds, intake, eligibility, need, doubts, marks."""

HOLD_BY_RULE: Final = {hold.value: hold for hold in Hold}

_POSITION: Final = {rule: position for position, rule in enumerate(LISTED)}
_HURRY: Final = {urgency: rank for rank, urgency in enumerate(Urgency)}


class Eligible(NamedTuple):
    """What age, place and consent say; `level` is the strictest that any of them gives."""

    age: Finding
    place: Finding
    consent: Finding | None

    @property
    def findings(self) -> list[Finding]:
        """All that fired: two, or three with a consent rule."""
        return [finding for finding in self if finding]

    @property
    def level(self) -> Eligibility:
        """Strictest of what they give."""
        return max((finding.eligibility for finding in self.findings), key=STRICTNESS.__getitem__)


class Ruling(NamedTuple):
    """What the first step that decides gives, before what is added at every step."""

    mode: Mode
    routes: tuple[Route, ...]
    tier: Tier | None = None
    findings: Sequence[Finding] = ()
    keeps_routes: bool = True
    """False when a duplicate or safety words take the place of these routes: the need route alone."""
    is_modified: bool = False
    """True when the modifiers and M8 are worked out: place, X1 or need decided."""


def decide(facts: Facts, *, received_at: datetime, policy: Policy) -> Decision:
    """Decide on one referral or enquiry, as of its first receipt.

    Never raises for any `facts`; raises ValueError for a `received_at` without an offset.
    `routes` is never empty; `rules` and `reasons` follow `LISTED`.
    """
    case = Case(facts, day_of_receipt(received_at), policy)
    if facts.kind is not Kind.FAMILY:
        return _on_an_enquiry(case)
    safety = every(SAFETY, case)
    if loss := bereavement(case):
        return _after_a_loss(case, [*safety, loss])
    if facts.tells_of_danger:
        return _in_danger(case, safety)
    return _on_a_family(case, safety)


def _on_an_enquiry(case: Case) -> Decision:
    """I5: of all other rules only S1, S2, S5, S6 and A1 are looked at."""
    findings = every((*DANGER_RULES, enquiry, safety_words), case)
    is_plain = len(findings) == 1
    return put_down(
        case,
        findings,
        mode=Mode.AUTO_ROUTE if is_plain else Mode.HUMAN_REVIEW,
        tier=safety_tier(findings),
        routes=routes_of(findings),
        eligibility=Eligibility.ELIGIBLE,
    )


def _after_a_loss(case: Case, safety: Sequence[Finding]) -> Decision:
    """Step 1 with S8: stop. I3 is listed without its route; nothing else is worked out."""
    return put_down(
        case,
        [*safety, *every((*CONTACT_HOLDS, duplicate), case)],
        mode=Mode.HUMAN_REVIEW,
        tier=safety_tier(safety),
        routes=routes_of(safety),
        eligibility=Eligibility.ELIGIBLE,
    )


def _in_danger(case: Case, safety: Sequence[Finding]) -> Decision:
    """Step 1 with danger: a person decides; safety routes first; no need rules, no modifiers."""
    eligible = _eligible(case)
    first = [finding for finding in safety if finding.rule != "S3"]
    plan = [finding for finding in safety if finding.rule == "S3"]
    told = [eligible.age] if eligible.age.rule in ("E2", "E6") else []
    told += [eligible.place] if eligible.place.rule in ("E9", "E10") else []
    twice, young = every((duplicate,), case), every((very_young_parent,), case)
    return put_down(
        case,
        [*safety, *eligible.findings, *twice, *young, *every((*CONTACT_HOLDS, *MARKS), case)],
        mode=Mode.HUMAN_REVIEW,
        tier=safety_tier(safety),
        routes=routes_of([*first, *told, *twice, *plan, *young]),
        eligibility=eligible.level,
    )


def _on_a_family(case: Case, safety: Sequence[Finding]) -> Decision:
    """Without danger: steps 2 to 6."""
    eligible = _eligible(case)
    own_care = first(OWN_CARE, case) if eligible.level is not Eligibility.NOT_ELIGIBLE else None
    step = _first_that_decides(case, eligible, own_care)
    instead = every((duplicate, safety_words), case)
    added = [
        *([own_care] if own_care else []),
        *every((asks_for_help,), case),
        *safety,
        *every((very_young_parent,), case),
    ]
    kept = step.routes if step.keeps_routes or not instead else ()
    routes = unique([*kept, *routes_of(instead), *routes_of(added)])
    findings = [*eligible.findings, *step.findings, *instead, *added, *every((*CONTACT_HOLDS, *MARKS), case)]
    if step.is_modified:
        full = waiting_list(case, routes)  # on the routes as they are now
        findings += [*every(MODIFIERS, case), *([full] if full else [])]
    needs_a_person = any(finding.rule in FOR_A_PERSON for finding in findings)
    return put_down(
        case,
        findings,
        mode=Mode.HUMAN_REVIEW if needs_a_person else step.mode,
        tier=step.tier,
        routes=routes,
        eligibility=eligible.level,
    )


def _eligible(case: Case) -> Eligible:
    return Eligible(exactly_one(AGE, case), exactly_one(PLACE, case), first(CONSENT, case))


def _first_that_decides(case: Case, eligible: Eligible, own_care: Finding | None) -> Ruling:
    """Step 2: age in doubt, E6 or E10, consent, place in doubt, X1, need: the first of these."""
    age, place, consent = eligible
    if age.rule in AGE_IN_DOUBT:
        return Ruling(Mode.HUMAN_REVIEW, age.routes)
    if signposts := [finding for finding in (age, place) if finding.rule in SIGNPOSTED]:
        return Ruling(Mode.PROPOSE_DECLINE, routes_of(signposts))
    if consent:
        return Ruling(Mode.PROPOSE_DECLINE if consent.rule == "E13" else Mode.HUMAN_REVIEW, consent.routes)
    if place.rule in PLACE_IN_DOUBT:
        return Ruling(Mode.HUMAN_REVIEW, place.routes, is_modified=True)
    if court := court_asks(case):
        return Ruling(Mode.HUMAN_REVIEW, court.routes, findings=[court], is_modified=True)
    return _need(case, place, own_care)


def _need(case: Case, place: Finding, own_care: Finding | None) -> Ruling:
    """Step 3: N7 without a tier, or one of N2-N5; under E9 the referral waits for its ward, the tier kept."""
    tier, routes, findings, is_clear = _level(case, own_care)
    waits = place.rule == "E9"
    if waits:
        doubted = any(finding.rule.startswith("A") for finding in findings)
        routes = (*place.routes, *((Route.REVIEW,) if doubted else ()))
    return Ruling(
        mode=Mode.AUTO_ROUTE if is_clear and not waits else Mode.HUMAN_REVIEW,
        routes=routes,
        tier=tier,
        findings=findings,
        keeps_routes=waits,
        is_modified=True,
    )


class Level(NamedTuple):
    """How much help, and by which need route; no tier when nobody could say yet."""

    tier: Tier | None
    routes: tuple[Route, ...]
    findings: list[Finding]
    is_clear: bool


def _level(case: Case, own_care: Finding | None) -> Level:
    """N7 without a tier, or one of N2-N5 and what puts it in doubt (A2-A4). With N6 alone: pnmh, and N6's own route."""
    if unseen := relationship_not_seen(case):
        return Level(None, unseen.routes, [unseen], is_clear=False)
    level = first(LEVEL, case)
    tier = level.tier if level else own_care and own_care.tier
    doubts = every((about_to_move, facts_disagree), case)
    if tier and (distant := far_from_what_was_asked(case, tier)):
        doubts.append(distant)
    routes = routes_of(doubts) if doubts else level.routes if level else ()
    return Level(tier, routes, [*([level] if level else []), *doubts], is_clear=not doubts)


# Written down.


def safety_tier(findings: Iterable[Finding]) -> Tier | None:
    """Statutory before pnmh; None when no safety rule names one."""
    tiers = {finding.tier for finding in findings}
    return Tier.STATUTORY if Tier.STATUTORY in tiers else Tier.PNMH if Tier.PNMH in tiers else None


def routes_of(findings: Iterable[Finding]) -> tuple[Route, ...]:
    """All their routes, in the order of the findings, each once."""
    return unique(route for finding in findings for route in finding.routes)


def unique(routes: Iterable[Route]) -> tuple[Route, ...]:
    """Each route once, at its first place."""
    return tuple(dict.fromkeys(routes))


def put_down(
    case: Case,
    findings: Iterable[Finding],
    *,
    mode: Mode,
    tier: Tier | None,
    routes: tuple[Route, ...],
    eligibility: Eligibility,
) -> Decision:
    """Urgency is the highest that any rule gave; a contact hold is in `rules` and in `holds`."""
    listed = sorted(findings, key=lambda finding: _POSITION[finding.rule])
    rules = tuple(finding.rule for finding in listed)
    return Decision(
        eligibility=eligibility,
        mode=mode,
        tier=tier,
        routes=routes,
        urgency=max((finding.urgency for finding in listed), key=_HURRY.__getitem__),
        rules=rules,
        reasons=tuple(finding.reason for finding in listed),
        holds=tuple(HOLD_BY_RULE[rule] for rule in rules if rule in HOLD_BY_RULE),
        policy=case.policy.ref,
    )
