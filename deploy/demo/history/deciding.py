"""What is decided of an invented family by the machine: by triage's own rules."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from services.triage.planning import counted_from, full_routes_of
from services.triage.rules import decide
from shared.events import Decision, Facts, Route
from shared.policy import Policy


def by_machine(
    facts: Facts, *, received_at: datetime, now: datetime, policy: Policy, full: Collection[Route] = ()
) -> Decision:
    """As of the receipt, or of `now` for a birth since; routes in `full` have a waiting list."""
    as_of = counted_from(facts.infant, received_at=received_at, now=now)
    return decide(full_routes_of(facts, frozenset(full)), received_at=as_of, policy=policy)
