"""Writing a decision down: the order of its rules and reasons, its routes, urgency and contact holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.triage.rules.model import Case, Finding
from shared.events import Decision, Eligibility, Hold, Mode, Route, Tier, Urgency

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
