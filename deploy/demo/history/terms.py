"""What practice reports are made under: the policy and population in force, marked as practice."""

from __future__ import annotations

from services.metrics.reports.agreeing import terms_of
from services.metrics.reports.terms import Terms
from services.metrics.settings import Settings


def practice_terms(settings: Settings) -> Terms | None:
    """None for a policy without a contract. Raises as the service does for files that can't be used."""
    return terms_of(settings, settings.policy_in_force(), is_practice=True)
