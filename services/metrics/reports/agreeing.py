"""The terms of reports under a policy, with the words of the staff pages for codes."""

from __future__ import annotations

from services.metrics.counting.categories import dimensions
from services.metrics.population import Population, load
from services.metrics.reports.terms import Terms
from services.metrics.settings import Settings
from shared.pages import wording
from shared.policy import Policy


def terms_of(settings: Settings, policy: Policy, *, is_practice: bool = False) -> Terms | None:
    """The terms with the population of the settings; None for a policy without a contract: then nothing is published.

    Raises InvalidPopulationError for a file that can't be used.
    """
    population = load(settings.population_dir, policy.authority, wards=policy.ward_by_code)
    return terms_under(policy, population, is_practice=is_practice)


def terms_under(policy: Policy, population: Population | None, *, is_practice: bool = False) -> Terms | None:
    """The terms with the words of the staff pages; None for a policy without a contract: then nothing is published."""
    if policy.contract is None:
        return None
    told = dimensions(policy, sources=wording.sources(), tiers=wording.TIERS)
    return Terms(policy, policy.contract, population, told, is_practice)
