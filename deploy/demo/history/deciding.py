"""What is decided of an invented family by the machine: by triage's own rules."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from services.triage.rules import decide
from services.triage.work_items.deadlines import full_routes_of, is_told_since
from shared.events import Decision, Facts, Route
from shared.policy import Policy


def by_machine(
    facts: Facts, *, received_at: datetime, now: datetime, policy: Policy, full: Collection[Route] = ()
) -> Decision:
    """As of the receipt, or of `now` for a birth since; routes in `full` have a waiting list."""
    is_told = is_told_since(facts.infant.born_on, None, received_at=received_at, now=now)
    as_of = now if is_told else received_at
    return decide(full_routes_of(facts, frozenset(full)), received_at=as_of, policy=policy)
