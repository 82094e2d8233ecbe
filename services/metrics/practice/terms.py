"""What practice reports are made under: the policy and population in force, marked as practice."""

from __future__ import annotations

from services.metrics.population import load
from services.metrics.reports.agreeing import terms_under
from services.metrics.reports.terms import Terms
from services.metrics.settings import Settings
from shared.policy import load_all


def practice_terms(settings: Settings) -> Terms | None:
    """None for a policy without a contract. Raises as the service does for files that can't be used."""
    policy = load_all(settings.policies_dir)[settings.policy]
    population = load(settings.population_dir, policy.authority, wards=policy.ward_by_code)
    return terms_under(policy, population, is_practice=True)
