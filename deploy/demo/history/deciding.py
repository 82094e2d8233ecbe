"""What is decided of an invented family: by triage's own rules, or by a person who decides otherwise."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from services.triage.planning import counted_from, full_routes_of
from services.triage.rules import decide
from services.triage.steps.deciding import KEPT_RULES
from shared.events import Decision, Eligibility, Facts, Mode, Reason, Route, Tier, Urgency
from shared.policy import Policy

WORDS: Final = "An invented reason, for practice."


def by_machine(
    facts: Facts, *, received_at: datetime, now: datetime, policy: Policy, full: Collection[Route] = ()
) -> Decision:
    """As of the receipt, or of `now` for a birth since; routes in `full` have a waiting list."""
    as_of = counted_from(facts.infant, received_at=received_at, now=now)
    return decide(full_routes_of(facts, frozenset(full)), received_at=as_of, policy=policy)


def by_person(
    machine: Decision, *, routes: tuple[Route, ...], tier: Tier | None, urgency: Urgency, full: Collection[Route]
) -> Decision:
    """Instead of the machine's decision of that moment, whose marks and contact holds stay."""
    kept = tuple(rule for rule in machine.rules if rule in KEPT_RULES)
    own = ("M8",) if set(routes) & set(full) else ()
    return Decision(
        eligibility=Eligibility.ELIGIBLE,
        mode=Mode.AUTO_ROUTE,
        tier=tier,
        routes=routes,
        urgency=urgency,
        rules=("person", *kept, *own),
        reasons=(
            Reason(rule="person", text=WORDS),
            *(reason for reason in machine.reasons if reason.rule in kept),
            *(Reason(rule=rule, text=WORDS) for rule in own),
        ),
        holds=machine.holds,
        policy=machine.policy,
    )
