"""The terms of reports made of a policy, with the words of the staff pages for codes."""

from __future__ import annotations

from services.metrics.counting.categories import dimensions
from services.metrics.population import Population
from services.metrics.reports.terms import Terms
from shared.pages import wording
from shared.policy import Policy


def terms_under(policy: Policy, population: Population | None, *, is_practice: bool = False) -> Terms | None:
    """The terms with the words of the staff pages; None for a policy without a contract: then nothing is published."""
    if policy.contract is None:
        return None
    told = dimensions(policy, sources=wording.sources(), tiers=wording.TIERS)
    return Terms(policy, policy.contract, population, told, is_practice)
